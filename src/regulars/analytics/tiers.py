"""Tiers (分层): VIP, potential, general, at risk. Every customer with an order is in exactly one."""

from dataclasses import dataclass

import narwhals as nw
from narwhals.typing import IntoFrame, IntoFrameT

from regulars.analytics import arguments, facts, frames
from regulars.analytics.cycles import LAST_DAY, LATE_DAY
from regulars.analytics.frames import Lazy

VIP = "VIP"
POTENTIAL = "potential"
GENERAL = "general"
AT_RISK = "at_risk"

TIERS = (VIP, POTENTIAL, GENERAL, AT_RISK)
"""All tiers, most valuable first."""

LATE = "late"
HIGH_AMOUNT_HIGH_FREQUENCY = "high_amount_high_frequency"
HIGH_AMOUNT = "high_amount"
HIGH_FREQUENCY = "high_frequency"
NEITHER = "neither"

REASONS = (LATE, HIGH_AMOUNT_HIGH_FREQUENCY, HIGH_AMOUNT, HIGH_FREQUENCY, NEITHER)
"""Codes of `tier_reason`."""


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Where the tiers begin. None is worked out from the customers at hand.

    Attributes:
        monetary_minor: An amount of at least this is high. None: more than the mean.
        frequency: At least this many orders are many. None: more than the mean.
        late_days: More days than this since the last order put a customer at risk, unless their own late day is
            known. None: more than the mean. Give the store cycle's `late_days` where there is one.
    """

    monetary_minor: int | None = None
    frequency: int | None = None
    late_days: int | None = None

    def __post_init__(self) -> None:
        for name in ("monetary_minor", "frequency", "late_days"):
            value = getattr(self, name)
            if value is not None:
                arguments.whole(value, name=f"Thresholds.{name}")


_READS = tuple(
    facts.Column(name=name, dtype=dtype, kind=kind, meaning=meaning)
    for name, dtype, kind, meaning in (
        ("customer_id", nw.Int64, facts.ID, "customer"),
        ("recency_days", nw.Int32, facts.NUMBER, "as_of_day less last order day"),
        ("frequency", nw.Int32, facts.NUMBER, "valid orders"),
        ("monetary_minor", nw.Int64, facts.AMOUNT, "net amount"),
    )
)
_CYCLES = (facts.CUSTOMERS.column("customer_id"), LAST_DAY, LATE_DAY)


def assign(
    scores: IntoFrameT, *, thresholds: Thresholds | None = None, cycles: IntoFrame | None = None
) -> IntoFrameT:
    """Put every customer into one tier, with the reason.

    In this order, the first that holds:

    1. `at_risk`: more than `late_after_days` have passed since the last order.
    2. `VIP`: high amount and many orders.
    3. `potential`: high amount with few orders, or many orders with a low amount.
    4. `general`: everybody else.

    With the defaults the tiers follow the RFM cells: VIP is `RFM`, potential `RfM` and `RFm`, general `Rfm`, at risk every
    cell with a small r, except that who is as recent as the mean is not late.

    Args:
        scores: What `rfm.score` returned; customer_id, recency_days, frequency and monetary_minor are read.
        thresholds: Where the tiers begin; None means all from the means.
        cycles: What `cycles.customers` returned for the same day. A customer's own late day goes before
            `thresholds.late_days`, so that a slow but steady buyer is not put at risk.

    Returns:
        One row for each row of `scores`: customer_id, tier, tier_reason (one of `REASONS`), and the numbers it
        rests on: recency_days, late_after_days, frequency, high_frequency, monetary_minor, high_monetary_minor.
        Empty for no scores.

    Raises:
        FactsError: The scores or cycles are not what they should be.
        MixedFramesError: They are of different kinds.
    """
    bars = thresholds or Thresholds()
    opened = facts.open_table(scores, name="scores", columns=_READS, grain="customer_id")
    (settled,) = opened.settle(opened.frame)
    known = settled.with_columns(
        (nw.lit(bars.late_days) if bars.late_days is not None else _late_by_mean())
        .cast(nw.Int32)
        .alias("late_after_days"),
        _bar("frequency", bars.frequency).cast(nw.Int32).alias("high_frequency"),
        _bar("monetary_minor", bars.monetary_minor).cast(nw.Int64).alias("high_monetary_minor"),
    )
    if cycles is not None:
        known = _with_own_late_days(known, scores, cycles)
    return frames.like(scores, _assigned(known), grain=("customer_id",))


def resolve(scores: IntoFrame, *, thresholds: Thresholds | None = None) -> Thresholds:
    """Return the thresholds with every None replaced by the number that the scores give, as `assign` uses it.

    Without a customer the Nones stay.

    Raises:
        FactsError: The scores are not what they should be.
    """
    bars = thresholds or Thresholds()
    opened = facts.open_table(scores, name="scores", columns=_READS, grain="customer_id")
    (settled,) = opened.settle(
        opened.frame.select(
            _late_by_mean().alias("late_days"),
            _bar("frequency", None).alias("frequency"),
            _bar("monetary_minor", None).alias("monetary_minor"),
            nw.len().alias("customers"),
        )
    )
    (found,) = frames.rows(settled)
    if not found["customers"]:
        return bars
    return Thresholds(
        **{
            name: found[name] if getattr(bars, name) is None else getattr(bars, name)
            for name in ("monetary_minor", "frequency", "late_days")
        }
    )


def _bar(column: str, given: int | None) -> nw.Expr:
    """The least value that is high. A whole number exceeds the mean when it exceeds the mean's whole part."""
    if given is not None:
        return nw.lit(given)
    values = nw.col(column).cast(nw.Int64)
    return values.sum().cast(nw.Int64) // nw.len().cast(nw.Int64) + 1


def _late_by_mean() -> nw.Expr:
    values = nw.col("recency_days").cast(nw.Int64)
    return values.sum().cast(nw.Int64) // nw.len().cast(nw.Int64)


def _with_own_late_days(known: Lazy, scores: IntoFrame, cycles: IntoFrame) -> Lazy:
    frames.same_engine(scores, cycles, names=("scores", "cycles"))
    opened = facts.open_table(cycles, name="cycles", columns=_CYCLES, grain="customer_id")
    (own,) = opened.settle(
        opened.frame.select(
            "customer_id", (nw.col("late_day") - nw.col("last_day")).cast(nw.Int32).alias("own_late_days")
        )
    )
    return known.join(own, on="customer_id", how="left").with_columns(
        nw.coalesce("own_late_days", "late_after_days").alias("late_after_days")
    )


def _assigned(known: Lazy) -> Lazy:
    late = nw.col("recency_days") > nw.col("late_after_days")
    much = nw.col("monetary_minor") >= nw.col("high_monetary_minor")
    often = nw.col("frequency") >= nw.col("high_frequency")

    def first_that_holds(
        at_risk: str, vip: str, much_alone: str, often_alone: str, otherwise: str
    ) -> nw.Expr:
        return (
            nw.when(late)
            .then(nw.lit(at_risk))
            .when(much & often)
            .then(nw.lit(vip))
            .when(much)
            .then(nw.lit(much_alone))
            .when(often)
            .then(nw.lit(often_alone))
            .otherwise(nw.lit(otherwise))
        )

    return known.select(
        "customer_id",
        first_that_holds(AT_RISK, VIP, POTENTIAL, POTENTIAL, GENERAL).alias("tier"),
        first_that_holds(*REASONS).alias("tier_reason"),
        "recency_days",
        "late_after_days",
        "frequency",
        "high_frequency",
        "monetary_minor",
        "high_monetary_minor",
    )
