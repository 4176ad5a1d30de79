"""Something that a customer reads the next time they are on the shop's own site."""

import hashlib
import hmac

from django.utils import timezone
from django.utils.translation import gettext_lazy

from regulars.messaging.channels.channel import (
    Asked,
    ChannelKind,
    Dispatch,
    InvalidChannelError,
    Opening,
    Outgoing,
    Receipt,
    Sender,
)
from regulars.messaging.models import SlotMessage
from regulars.shop.wording import gettext as _

# A short one is found out by trying.
_SHORTEST_SECRET = 24


class _SlotSender:
    def prepare(self, outgoing: Outgoing) -> Dispatch:
        said, delivery_id = outgoing.message, outgoing.recipient.delivery_id

        def put() -> Receipt:
            SlotMessage.objects.get_or_create(
                delivery_id=delivery_id,
                defaults={"title": said.subject[:300], "text": said.text, "created_at": timezone.now()},
            )
            return Receipt()

        return put

    def close(self) -> None:
        pass


def _open(opening: Opening) -> Sender:
    if len(opening.values["secret"]) < _SHORTEST_SECRET:
        raise InvalidChannelError(
            _("a secret has at least %(least)d characters") % {"least": _SHORTEST_SECRET}, field="secret"
        )
    return _SlotSender()


def signature(secret: str, *, customer: str, until: int) -> str:
    """Return what the shop's own server signs a customer's visit with: HMAC-SHA-256 of who it is, and until when it holds.

    Args:
        secret: The channel's.
        customer: The customer's code.
        until: Seconds since 1970.
    """
    return hmac.new(secret.encode(), f"{customer}.{until}".encode(), hashlib.sha256).hexdigest()


ONSITE = ChannelKind(
    key="onsite",
    label=gettext_lazy("On your site"),
    about=gettext_lazy(
        "Waits until the customer is on your site, logged in, and stands there in a place that you chose."
    ),
    media=("web",),
    asked=(
        Asked(
            name="secret",
            label=gettext_lazy("Secret"),
            help=gettext_lazy("Your server signs with it who is there. Left empty, one is made."),
            is_secret=True,
            is_required=False,
            is_made=True,
        ),
    ),
    open=_open,
    repeats_doubtful=True,
    takes_tests=False,
)
