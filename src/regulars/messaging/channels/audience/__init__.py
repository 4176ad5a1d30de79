"""A file of customers, for platforms that do the sending themselves: the deliveries that were accepted are its lines."""

from django.utils.translation import gettext_lazy

from regulars.messaging.channels.channel import (
    Asked,
    ChannelKind,
    Dispatch,
    Opening,
    Outgoing,
    Receipt,
    Sender,
)
from regulars.shop.models.consents import Channel as Medium


class _AudienceSender:
    def prepare(self, outgoing: Outgoing) -> Dispatch:
        del outgoing  # the ledger's row is the line
        return Receipt

    def close(self) -> None:
        pass


def _open(opening: Opening) -> Sender:
    del opening
    return _AudienceSender()


AUDIENCE = ChannelKind(
    key="audience",
    label=gettext_lazy("Audience file"),
    about=gettext_lazy(
        "A file of customers to upload where the sending is done: a marketplace, an advertising platform."
    ),
    media=tuple(Medium.values),
    asked=(
        Asked(
            name="identifier",
            label=gettext_lazy("Customers are named by"),
            default="email_sha256",
            choices=(
                ("code", gettext_lazy("Customer id")),
                ("ouid", "OUID"),
                ("omid", "OMID"),
                ("openid", "OpenID"),
                ("email", gettext_lazy("E-mail")),
                ("phone", gettext_lazy("Phone")),
                ("email_sha256", gettext_lazy("E-mail, as SHA-256")),
                ("phone_sha256", gettext_lazy("Phone, as SHA-256")),
            ),
        ),
    ),
    open=_open,
    repeats_doubtful=True,
    takes_tests=False,
)
