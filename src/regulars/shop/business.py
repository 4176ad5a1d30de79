"""The merchant's own row: set it up, change it."""

from datetime import datetime
from typing import ClassVar

from django.db import connection, transaction
from django.utils.translation import gettext as _

from regulars.kernel.days import zone_named
from regulars.kernel.errors import RegularsError
from regulars.kernel.money import minor_unit_exponent
from regulars.outbox.operations import publish
from regulars.shop.events import BusinessChanged
from regulars.shop.models import Business, Order

_WHOLE_BP = 10_000
MOST_HOLDOUT_BP = 5_000
"""Of 10,000: a hold-out above one half would measure what is hardly done."""
_EPOCH = "date '1970-01-01'"


class CurrencyInUseError(RegularsError):
    """Recorded amounts cannot be read in the new currency, whose minor unit is another fraction."""

    code: ClassVar[str] = "currency_in_use"


class InvalidMarginError(RegularsError):
    """The margin is not a share between nothing and everything."""

    code: ClassVar[str] = "invalid_margin"


class InvalidHoldoutError(RegularsError):
    """The hold-out is not a share from nothing to one half."""

    code: ClassVar[str] = "invalid_holdout"


def business() -> Business:
    """Return the merchant, or the defaults (nameless, UTC, USD, nobody held out) before anybody has said who that is."""
    return Business.objects.filter(pk=1).first() or Business(pk=1, name="", holdout_bp=0)


def change_holdout(*, holdout_bp: int, now: datetime) -> Business:
    """Change how many customers get no advertising at all, to measure against.

    A larger hold-out keeps everybody who was in the smaller one; what all advertising brought is measured from this change on.

    Args:
        holdout_bp: Of 10,000 customers, 0 to 5,000.
        now: When.

    Raises:
        InvalidHoldoutError: The share is out of range.
    """
    if not 0 <= holdout_bp <= MOST_HOLDOUT_BP:
        message = _("hold-out %(share)s, must be from 0 to 50 percent") % {"share": f"{holdout_bp / 100:g} %"}
        raise InvalidHoldoutError(message, holdout_bp=holdout_bp)
    with transaction.atomic():
        row, _is_new = Business.objects.select_for_update().get_or_create(pk=1, defaults={"name": ""})
        if row.holdout_bp != holdout_bp:
            row.holdout_bp, row.holdout_since = holdout_bp, now
            row.save(update_fields=["holdout_bp", "holdout_since"])
    return row


def change_business(*, name: str, time_zone: str, currency: str, margin_bp: int) -> Business:
    """Change who the merchant is, where midnight lies, what money is counted in, and the share that is earned.

    A new zone moves midnight, so the day of every order and refund is worked out again from its instant, and the months
    they leave and enter are marked as changed: about ten seconds for a million orders, in one transaction. A new
    currency converts nothing; it says what the recorded amounts always were.

    Args:
        name: What the merchant is called.
        time_zone: An IANA name such as `Asia/Shanghai`.
        currency: An ISO 4217 code such as `CNY`.
        margin_bp: Contribution margin in hundredths of a percent, 0 to 10,000.

    Raises:
        UnknownTimeZoneError: The zone does not exist.
        InvalidCurrencyError: The currency is not three capitals.
        CurrencyInUseError: There are orders, and the new currency has another minor unit.
        InvalidMarginError: The margin is out of range.
    """
    zone_named(time_zone)
    exponent = minor_unit_exponent(currency)
    if not 0 <= margin_bp <= _WHOLE_BP:
        message = _("margin %(margin)s, must be from 0 to 100 percent") % {"margin": f"{margin_bp / 100:g} %"}
        raise InvalidMarginError(message, margin_bp=margin_bp)
    with transaction.atomic():
        business, is_new = Business.objects.select_for_update().get_or_create(
            pk=1,
            defaults={"name": name, "time_zone": time_zone, "currency": currency, "margin_bp": margin_bp},
        )
        if is_new:
            return business
        if exponent != minor_unit_exponent(business.currency) and Order.objects.exists():
            message = _(
                "orders are recorded in %(old)s, whose smallest unit is another fraction than that of %(new)s; "
                "start a new installation to change it"
            ) % {"old": business.currency, "new": currency}
            raise CurrencyInUseError(message, currency=currency)
        moves_midnight = time_zone != business.time_zone
        changes_meaning = moves_midnight or currency != business.currency
        business.name, business.time_zone = name, time_zone
        business.currency, business.margin_bp = currency, margin_bp
        business.save()
        if moves_midnight:
            _recompute_days(time_zone)
        if changes_meaning:
            publish(BusinessChanged())
    return business


def _recompute_days(time_zone: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE moved_day (kind text, before integer, after integer) ON COMMIT DROP"
        )
        for table, instant in (
            ("shop_order", "placed_at"),
            ("shop_refund", "refunded_at"),
            ("shop_event", "at"),
        ):
            cursor.execute(
                f"""
                WITH fresh AS (
                    SELECT id, day AS before, ({instant} AT TIME ZONE %(zone)s)::date - {_EPOCH} AS after
                    FROM {table}
                ), moved AS (
                    UPDATE {table} SET day = fresh.after FROM fresh
                    WHERE {table}.id = fresh.id AND fresh.before <> fresh.after
                    RETURNING fresh.before, fresh.after
                )
                INSERT INTO moved_day SELECT DISTINCT '{table}', before, after FROM moved
                """,  # noqa: S608  both names are literals of this function
                {"zone": time_zone},
            )
        cursor.execute(
            f"""
            INSERT INTO shop_changedmonth (month, version, events_version)
            SELECT date_trunc('month', {_EPOCH} + day)::date,
                   bool_or(kind <> 'shop_event')::int, bool_or(kind = 'shop_event')::int
            FROM moved_day CROSS JOIN LATERAL (VALUES (before), (after)) AS touched (day)
            GROUP BY 1
            ON CONFLICT (month) DO UPDATE
            SET version = shop_changedmonth.version + EXCLUDED.version,
                events_version = shop_changedmonth.events_version + EXCLUDED.events_version
            """  # noqa: S608  the epoch is a literal
        )
