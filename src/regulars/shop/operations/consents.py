"""Write down what customers allowed and took back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.utils.translation import gettext as _

from regulars.kernel.errors import RegularsError
from regulars.shop.models import Consent


class InvalidConsentError(RegularsError):
    """The statement names a channel, a purpose or a state that does not exist, or no source or key."""

    code: ClassVar[str] = "invalid_consent"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement about one channel and purpose.

    `wording` is the version of the text that was agreed to, `source` where it was said (`checkout`, `import 12`,
    `preference centre`), `ip` the network address where the law lets the shop keep it. `key` is the sender's own id
    of the statement.
    """

    customer_id: int
    channel: str
    purpose: str
    state: str
    at: datetime
    source: str
    key: str
    address: str = ""
    wording: str = ""
    ip: str | None = None


def record_consents(statements: Sequence[Statement]) -> int:
    """Append statements to the ledger and return how many are new; one whose key is known changes nothing.

    What holds is the latest statement by `at`, whatever order they arrive in: see `queries.current_consents`.

    Raises:
        InvalidConsentError: A statement says something that has no meaning; none is written.
    """
    for statement in statements:
        for field, choices in (
            ("channel", Consent.Channel.values),
            ("purpose", Consent.Purpose.values),
            ("state", Consent.State.values),
        ):
            told = getattr(statement, field)
            if told not in choices:
                message = _("%(field)s == %(told)s, must be one of %(choices)s") % {
                    "field": field,
                    "told": repr(told)[:60],
                    "choices": ", ".join(choices),
                }
                raise InvalidConsentError(message, field=field)
        if not statement.source or not statement.key:
            raise InvalidConsentError("a statement needs a source and a key")
    before = Consent.objects.filter(key__in=[statement.key for statement in statements]).count()
    Consent.objects.bulk_create(
        [
            Consent(
                customer_id=s.customer_id,
                channel=s.channel,
                purpose=s.purpose,
                state=s.state,
                at=s.at,
                address=s.address[:320],
                wording=s.wording[:200],
                source=s.source[:200],
                ip=s.ip,
                key=s.key[:200],
            )
            for s in statements
        ],
        ignore_conflicts=True,
        batch_size=5_000,
    )
    return len({statement.key for statement in statements}) - before
