"""How many customers a rule finds, while it is being written: quickly from a sample, then exactly."""

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from regulars.kernel.errors import RegularsError
from regulars.segments.compiling import Statement, compile_rule
from regulars.segments.rules import read
from regulars.segments.rules_of import refuse_cycles, stored_rules
from regulars.shop import registry
from regulars.shop.wording import gettext as _

SAMPLED = 10_000
"""How many customers an estimate looks at. A share of half of them is known to within a point, 19 times in 20."""

COUNTED_AT_ONCE = 50_000
"""Up to so many customers, counting exactly is as quick as estimating."""

TIMEOUT_MS = 20_000
_SHOWN = 10
_Z = 1.96
_NAME = "regulars count "


class CountOvertakenError(RegularsError):
    """The same person asked for another count meanwhile, or this one took too long."""

    code: ClassVar[str] = "count_overtaken"


@dataclass(frozen=True, kw_only=True)
class Count:
    """How many customers a rule finds, of all.

    Attributes:
        value: Exactly, or as estimated.
        low: With `high`, where the exact figure lies 19 times in 20; equal to `value` where that is exact.
        high: See `low`.
        total: All customers; of an estimate, about.
        sample: A few of those who were found; none where only their number was asked.
    """

    value: int
    low: int
    high: int
    total: int
    sample: tuple[int, ...] = ()

    @property
    def is_exact(self) -> bool:
        """Whether everybody was looked at."""
        return self.low == self.value == self.high


def statement_of(
    rule: object, *, today: int, segment_id: int | None = None, who: list[int] | None = None
) -> Statement:
    """Return the statement of a rule as stored, or as somebody is writing it.

    Args:
        rule: `{"version": 1, "rule": {...}}`.
        today: The business day that relative dates count from.
        segment_id: Whose rule it is or will be, so that it cannot name itself.
        who: Only of these customers; None for all.

    Raises:
        InvalidRuleError: It has no meaning.
        SegmentCycleError: It is made of itself.
    """
    attributes = registry.attributes()
    rule_of = stored_rules(attributes=attributes)
    node = read(rule, attributes=attributes)
    refuse_cycles(node, segment_id=segment_id, rule_of=rule_of)
    return compile_rule(node, attributes=attributes, rule_of=rule_of, today=today, who=who)


def count(
    rule: object, *, today: int, segment_id: int | None = None, asker: str = "", timeout_ms: int = TIMEOUT_MS
) -> Count:
    """Return exactly how many customers a rule finds; one statement.

    Args:
        rule: As for `statement_of`.
        today: Likewise.
        segment_id: Likewise.
        asker: Who asks. An earlier count of the same asker that is still under way is cancelled; empty lets it be.
        timeout_ms: When to give up.

    Raises:
        CountOvertakenError: A later count of the same asker cancelled this one, or time is over.
        InvalidRuleError, SegmentCycleError: As for `statement_of`.
    """
    statement = statement_of(rule, today=today, segment_id=segment_id)
    with _asking(asker, timeout_ms):
        found = _one(f"SELECT count(*) FROM ({statement.sql}) found", statement.values)  # noqa: S608  compiled, values bound
        total = _one("SELECT count(*) FROM shop_customer WHERE merged_into_id IS NULL")
    return Count(value=found, low=found, high=found, total=total)


def estimate(  # noqa: PLR0913  who asks what of whom
    rule: object,
    *,
    today: int,
    rng: random.Random,
    segment_id: int | None = None,
    asker: str = "",
    sampled: int = SAMPLED,
    exact_up_to: int = COUNTED_AT_ONCE,
) -> Count:
    """Return about how many customers a rule finds, from as many drawn at random; exactly where there are few customers.

    Cost: depends on `sampled`, not on how many customers there are. The interval is Wilson's.

    Args:
        rule: As for `statement_of`.
        today: Likewise.
        rng: Draws the customers.
        segment_id: Likewise.
        asker: As for `count`.
        sampled: How many to draw, about.
        exact_up_to: Where there are not more customers than this, count.

    Raises:
        CountOvertakenError, InvalidRuleError, SegmentCycleError: As for `count`.

    References:
        E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference. JASA 22.
    """
    lowest, highest, total = _range()
    if total <= max(exact_up_to, sampled):
        statement = statement_of(rule, today=today, segment_id=segment_id)
        with _asking(asker, TIMEOUT_MS):
            found = _ids(statement.sql, statement.values)
            total = _one("SELECT count(*) FROM shop_customer WHERE merged_into_id IS NULL")
        return Count(
            value=len(found), low=len(found), high=len(found), total=total, sample=tuple(found[:_SHOWN])
        )
    # Numbers drawn from the range of ids; those that nobody has tell how many there are.
    drawn = rng.sample(range(lowest, highest + 1), min(2 * sampled, highest - lowest + 1))
    with _asking(asker, TIMEOUT_MS):
        real = _ids(
            "SELECT id FROM shop_customer WHERE id = ANY(%(ids)s) AND merged_into_id IS NULL", {"ids": drawn}
        )
        total = round(len(real) / len(drawn) * (highest - lowest + 1))
        # In the order of their drawing, not of their ids, so that the first so many are as random as all.
        place = {pk: number for number, pk in enumerate(drawn)}
        who = sorted(real, key=place.__getitem__)[:sampled]
        statement = statement_of(rule, today=today, segment_id=segment_id, who=who)
        found = _ids(statement.sql, statement.values)
    low, high = _wilson(len(found), len(who))
    return Count(
        value=round(len(found) / len(who) * total) if who else 0,
        low=math.floor(low * total),
        high=math.ceil(high * total),
        total=total,
        sample=tuple(found[:_SHOWN]),
    )


def _wilson(found: int, of: int) -> tuple[float, float]:
    if of == 0:
        return 0.0, 1.0
    share, square = found / of, _Z**2
    middle = (share + square / (2 * of)) / (1 + square / of)
    reach = _Z / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of**2))
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def _range() -> tuple[int, int, int]:
    """Return the lowest and the highest id of a customer, and how many customers PostgreSQL believes there are."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(min(id), 0), coalesce(max(id), 0), "
            "(SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'shop_customer'::regclass) FROM shop_customer"
        )
        lowest, highest, total = cursor.fetchone()
    return lowest, highest, total


def _ids(sql: str, values: dict[str, Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [pk for (pk,) in cursor.fetchall()]


def _one(sql: str, values: dict[str, Any] | None = None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.fetchone()[0])


@contextmanager
def _asking(asker: str, timeout_ms: int) -> Iterator[None]:
    """Answer one question at a time of each asker: the latest. What runs is known by the name of its connection."""
    name = f"{_NAME}{asker}"[:63]
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                if asker:
                    cursor.execute(
                        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
                        "WHERE application_name = %s AND state = 'active' AND pid <> pg_backend_pid()",
                        [name],
                    )
                cursor.execute(
                    "SELECT set_config('application_name', %s, true), set_config('statement_timeout', %s, true)",
                    [name, str(timeout_ms)],
                )
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise CountOvertakenError(
                _("a later question took this one's place, or it took too long")
            ) from error
        raise
