"""Write down what customers allowed and took back, and what they are asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.db import IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _

from regulars.kernel.errors import RegularsError
from regulars.outbox.operations import publish
from regulars.shop.events import ConsentPending
from regulars.shop.models import Consent, ConsentOffer, ConsentWording, Customer
from regulars.shop.models.consents import Channel, Purpose
from regulars.shop.privacy_log import Entry, append, sql_digest, sql_keys
from regulars.staff.models import User

_LONGEST_WORDING = 1_000


class InvalidConsentError(RegularsError):
    """The statement names a channel, a purpose or a state that does not exist, or no source or key."""

    code: ClassVar[str] = "invalid_consent"


class InvalidWordingError(RegularsError):
    """Words that customers agree to must be said in both languages."""

    code: ClassVar[str] = "invalid_wording"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement about one channel and purpose.

    `wording` is the version of the text that was agreed to, `source` where it was said (`checkout`, `import 12`,
    `preference centre`), `ip` the network address where the law lets the shop keep it. `key` is the sender's own id
    of the statement. `by_id` is who of the staff wrote it down, and `reason` why.
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
    by_id: int | None = None
    reason: str = ""


def record_consents(statements: Sequence[Statement], *, is_logged: bool = False) -> int:
    """Append statements to the ledger and return how many are new; one whose key is known changes nothing.

    What holds is the latest statement by `at`, whatever order they arrive in: see `queries.current_consents`. A new
    statement that takes something back stands in the log outside the database before this commits; one that waits for
    confirmation publishes `ConsentPending`.

    Args:
        statements: What was said.
        is_logged: They come from the log outside the database, and need not go there.

    Raises:
        InvalidConsentError: A statement says something that has no meaning, or is of an erased customer; none is written.
        PrivacyLogError: The log outside the database cannot be written; none is written.
    """
    for statement in statements:
        _check(statement)
    if Customer.objects.filter(
        pk__in={one.customer_id for one in statements}, erased_at__isnull=False
    ).exists():
        raise InvalidConsentError(_("the customer was erased and can be asked no more"))
    rows = [
        (
            s.customer_id, s.channel, s.purpose, s.state, s.at, s.address[:320], s.wording[:200], s.source[:200], s.ip,
            s.key[:200], s.by_id, s.reason[:300],
        )
        for s in statements
    ]  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_OPEN_STAGE)
        with cursor.copy(f"COPY staged_consent ({_COLUMNS}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return merge_consents(asks=True, is_logged=is_logged)


def merge_consents(*, asks: bool = False, is_logged: bool = False) -> int:
    """Append the rows of the temporary table `staged_consent` to the ledger, and return how many are new.

    The one way into the ledger, for one statement and for a file of a million: its checks are the table's, every withdrawal
    that is new goes to the log outside the database. Needs the open transaction. The stage is gone afterwards.

    Args:
        asks: Whether those who said a yes that waits are to be asked now. A file tells of the past: it asks nobody.
        is_logged: The rows come from the log outside the database, and need not go there.

    Raises:
        InvalidConsentError: A row says something that has no meaning; the transaction cannot go on.
        PrivacyLogError: The log cannot be written.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_FRESH)
        try:
            cursor.execute(_MERGE)
        except IntegrityError as error:
            raise InvalidConsentError(f"a consent cannot be kept: {str(error).splitlines()[0]}") from error
        added = int(cursor.rowcount)
        cursor.execute("SELECT id FROM fresh_consent WHERE state = 'pending' AND %s ORDER BY id", [asks])
        pending = [consent_id for (consent_id,) in cursor.fetchall()]
        withdrawn = _withdrawn(cursor)
        cursor.execute("DROP TABLE staged_consent, fresh_consent")
    for consent_id in pending:
        publish(ConsentPending(consent_id=consent_id))
    if not is_logged:
        append(withdrawn)
    return added


def _withdrawn(cursor: CursorWrapper) -> list[Entry]:
    """Return what the fresh rows took back as the log tells it: by digests of whatever the customer is known by."""
    cursor.execute(_WITHDRAWN, sql_keys())
    return [
        Entry(what="withdrawn", at=at, channel=channel, purpose=purpose, who=tuple(who))
        for at, channel, purpose, who in cursor.fetchall()
    ]


def _check(statement: Statement) -> None:
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


def offer_consent(
    *, channel: str, purpose: str, is_offered: bool, is_confirmed: bool = False
) -> ConsentOffer:
    """Say whether customers are asked about a channel and purpose, and whether a yes waits for a confirming mail.

    Raises:
        InvalidConsentError: There is no such channel or purpose, or the channel is not e-mail and is to be confirmed.
    """
    _known(channel, purpose)
    if is_confirmed and channel != Channel.EMAIL:
        raise InvalidConsentError(_("only e-mail can be confirmed by mail"))
    with transaction.atomic():
        row = ConsentOffer.objects.select_for_update().filter(channel=channel, purpose=purpose).first()
        is_new = row is None
        row = row or ConsentOffer(channel=channel, purpose=purpose)
        if is_new or (row.is_offered, row.is_confirmed) != (is_offered, is_confirmed):
            row.is_offered, row.is_confirmed = is_offered, is_confirmed
            row.save()
    return row


def word_consent(  # noqa: PLR0913  what, in two languages, by whom and when
    *, channel: str, purpose: str, english: str, chinese: str, by: User | None, now: datetime
) -> ConsentWording:
    """Publish the words that customers agree to from now on, as the next version; equal words stay the version they are.

    Raises:
        InvalidConsentError: There is no such channel or purpose.
        InvalidWordingError: A language is missing, or has more than 1,000 characters.
    """
    _known(channel, purpose)
    words = (english.strip(), chinese.strip())
    if not all(words) or max(map(len, words)) > _LONGEST_WORDING:
        message = _("say it in both languages, in 1 to %(longest)s characters") % {
            "longest": _LONGEST_WORDING
        }
        raise InvalidWordingError(message)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE shop_consentwording IN SHARE ROW EXCLUSIVE MODE")
        latest = ConsentWording.objects.filter(channel=channel, purpose=purpose).order_by("-version").first()
        if latest is not None and (latest.english, latest.chinese) == words:
            return latest
        return ConsentWording.objects.create(
            channel=channel,
            purpose=purpose,
            version=latest.version + 1 if latest else 1,
            english=words[0],
            chinese=words[1],
            made_at=now,
            made_by=by,
        )


def _known(channel: str, purpose: str) -> None:
    if channel not in Channel.values or purpose not in Purpose.values:
        raise InvalidConsentError(f"{channel}/{purpose} is no channel and purpose")


_COLUMNS = "customer_id, channel, purpose, state, at, address, wording, source, ip, key, by_id, reason"
_OPEN_STAGE = """
CREATE TEMPORARY TABLE staged_consent (
    customer_id bigint, channel text, purpose text, state text, at timestamptz, address text, wording text, source text,
    ip inet, key text, by_id bigint, reason text
) ON COMMIT DROP
"""
_OPEN_FRESH = """
CREATE TEMPORARY TABLE fresh_consent (
    id bigint, customer_id bigint, channel text, purpose text, state text, at timestamptz
) ON COMMIT DROP
"""
_MERGE = f"""
WITH added AS (
    INSERT INTO shop_consent ({_COLUMNS})
    SELECT {_COLUMNS} FROM staged_consent ON CONFLICT (key) DO NOTHING
    RETURNING id, customer_id, channel, purpose, state, at
)
INSERT INTO fresh_consent SELECT * FROM added
"""  # noqa: S608  literals of this file
_WITHDRAWN = f"""
SELECT f.at, f.channel, f.purpose, array_agg(DISTINCT k.digest ORDER BY k.digest)
FROM fresh_consent f CROSS JOIN LATERAL (
    SELECT {sql_digest("i.kind", "i.value", "s.code")} AS digest
    FROM shop_identifier i LEFT JOIN shop_store s ON s.id = i.store_id WHERE i.customer_id = f.customer_id
    UNION ALL
    SELECT {sql_digest("'code'", "c.code", "NULL")} FROM shop_customer c WHERE c.id = f.customer_id
) k
WHERE f.state = 'withdrawn'
GROUP BY f.id, f.at, f.channel, f.purpose ORDER BY f.id
"""  # noqa: S608  literals of this file
