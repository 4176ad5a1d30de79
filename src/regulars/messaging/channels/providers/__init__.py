"""E-mail by the services that send for others: nine of them, each through its own API (django-anymail)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from importlib import import_module
from typing import Any

from anymail.webhooks.base import AnymailCoreWebhookView
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from regulars.messaging.channels.channel import Asked, ChannelKind, InvalidChannelError, Opening, Sender
from regulars.messaging.channels.providers.calling import origin_of
from regulars.messaging.channels.providers.hearing import Ear, hear
from regulars.messaging.channels.providers.sending import ProviderSender
from regulars.messaging.channels.smtp import address_of
from regulars.messaging.channels.smtp.mime import Envelope
from regulars.shop.wording import gettext as _

_RETRIES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720))


@dataclass(frozen=True, kw_only=True)
class _Provider:
    """A service, by its module of django-anymail.

    Attributes:
        key: The module's name, which is the kind's key.
        label: Its name.
        url: Where its API is, "" where everybody runs their own.
        asked: What it must be told, by the names that django-anymail gives them.
        calls: How its calls prove themselves: `password` (HTTP basic authentication), `signature` or `svix`.
        call_secret: What django-anymail calls the secret of that.
        call_help: Where the secret is found.
    """

    key: str
    label: str
    url: str
    asked: tuple[Asked, ...]
    calls: str = "password"
    call_secret: str = "webhook_secret"  # noqa: S105  a name
    call_help: str | Promise = field(
        default=gettext_lazy(
            "A name and a password of your choice, as name:password, that its calls come with."
        )
    )

    @property
    def kind(self) -> ChannelKind:
        """The kind of channel."""
        return ChannelKind(
            key=self.key,
            label=self.label,
            about=gettext_lazy("E-mail by this service, with what became of each message."),
            media=("email",),
            asked=(
                *self.asked,
                Asked(name="api_url", label=gettext_lazy("Address"), default=self.url),
                Asked(name="from_address", label=gettext_lazy("Sender's address")),
                Asked(name="from_name", label=gettext_lazy("Sender's name"), is_required=False),
                Asked(name="reply_to", label=gettext_lazy("Answers go to"), is_required=False),
                Asked(
                    name=self.call_secret,
                    label=gettext_lazy("Secret of its calls"),
                    help=self.call_help,
                    is_secret=True,
                    is_required=False,
                    is_long=self.key == "postal",
                ),
            ),
            open=partial(_open, self),
            retries=_RETRIES,
            hear=partial(hear, Ear(calls=self.calls, secret=self.call_secret, view=self._view)),
        )

    def backend(self, told: Mapping[str, str]) -> Any:  # noqa: ANN401  django-anymail says no types
        """Return what speaks the service's language."""
        module = import_module(f"anymail.backends.{self.key}")
        given = {one.name: told[one.name] for one in self.asked if told[one.name]}
        return module.EmailBackend(
            api_url=f"{told['api_url'].rstrip('/')}/", ignore_unsupported_features=True, **given
        )

    def _view(self, told: Mapping[str, str], url: str) -> AnymailCoreWebhookView:
        module = import_module(f"anymail.webhooks.{self.key}")
        views = [
            one
            for name, one in vars(module).items()
            if name.endswith("TrackingWebhookView") and one.__module__ == module.__name__
        ]
        if self.calls == "svix":
            # Its constructor wants a package for signatures that we check ourselves.
            found: AnymailCoreWebhookView = object.__new__(views[0])
            return found
        given = {self.call_secret: told[self.call_secret]}
        if self.key == "mandrill":
            given["webhook_url"] = url
        if self.key == "brevo":
            given["api_key"] = told["api_key"]
        return views[0](**given)


def _open(provider: _Provider, opening: Opening) -> Sender:
    told = opening.values
    envelope = Envelope(
        from_address=address_of(told, "from_address"),
        from_name=told["from_name"],
        reply_to=address_of(told, "reply_to") if told["reply_to"] else "",
    )
    if provider.calls == "password" and told[provider.call_secret]:
        name, colon, password = told[provider.call_secret].partition(":")
        if not (name and colon and password):
            raise InvalidChannelError(_("write a name, a colon and a password"), field=provider.call_secret)
    return ProviderSender(
        provider.backend(told), envelope=envelope, origin=origin_of(told["api_url"], field="api_url")
    )


def _secret(name: str, label: str) -> Asked:
    return Asked(name=name, label=label, is_secret=True)


_SIGNING = gettext_lazy("Stands with the webhook on the service's own pages.")
_API_KEY = _secret("api_key", "API key")
_PROVIDERS = (
    _Provider(key="brevo", label="Brevo", url="https://api.brevo.com/v3/", asked=(_API_KEY,)),
    _Provider(
        key="mailersend",
        label="MailerSend",
        url="https://api.mailersend.com/v1/",
        asked=(_secret("api_token", "API token"),),
        calls="signature",
        call_secret="signing_secret",  # noqa: S106  a name
        call_help=_SIGNING,
    ),
    _Provider(
        key="mailgun",
        label="Mailgun",
        url="https://api.mailgun.net/v3",
        asked=(
            _API_KEY,
            Asked(
                name="sender_domain",
                label=gettext_lazy("Sending domain"),
                help=gettext_lazy("As it is set up there; empty for the domain of the sender's address."),
                is_required=False,
            ),
        ),
        calls="signature",
        call_secret="webhook_signing_key",  # noqa: S106  a name
        call_help=_SIGNING,
    ),
    _Provider(
        key="mailjet",
        label="Mailjet",
        url="https://api.mailjet.com/v3.1/",
        asked=(_API_KEY, _secret("secret_key", "Secret key")),
    ),
    _Provider(
        key="mandrill",
        label="Mailchimp Transactional (Mandrill)",
        url="https://mandrillapp.com/api/1.0",
        asked=(_API_KEY,),
        calls="signature",
        call_secret="webhook_key",  # noqa: S106  a name
        call_help=_SIGNING,
    ),
    _Provider(
        key="postal",
        label="Postal",
        url="",
        asked=(_API_KEY,),
        calls="signature",
        call_secret="webhook_key",  # noqa: S106  a name
        call_help=gettext_lazy(
            "The public key of the server in Base64, as its DKIM record says it behind p=."
        ),
    ),
    _Provider(
        key="postmark",
        label="Postmark",
        url="https://api.postmarkapp.com/",
        asked=(
            _secret("server_token", "Server API token"),
            Asked(name="message_stream", label="Message stream", is_required=False),
        ),
    ),
    _Provider(
        key="resend",
        label="Resend",
        url="https://api.resend.com/",
        asked=(_API_KEY,),
        calls="svix",
        call_secret="signing_secret",  # noqa: S106  a name
        call_help=_SIGNING,
    ),
    _Provider(key="sparkpost", label="SparkPost", url="https://api.sparkpost.com/api/v1/", asked=(_API_KEY,)),
)
PROVIDERS = tuple(one.kind for one in _PROVIDERS)
