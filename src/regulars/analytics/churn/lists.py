"""How many to contact: as long as the next one is worth it, and somebody has the time."""

from dataclasses import dataclass
from typing import Literal

import narwhals as nw
from narwhals.typing import IntoFrame

from regulars.analytics import arguments, facts, frames
from regulars.analytics.facts import Column
from regulars.analytics.frames import Lazy

_SCORED = (
    facts.CUSTOMERS.column("customer_id"),
    Column(name="probability", dtype=nw.Float64, kind=facts.MEASURE, meaning="probability of leaving"),
)
_HOUR_MINUTES = 60


@dataclass(frozen=True, kw_only=True)
class ListLength:
    """How many to contact, those most likely to leave first, and what to expect of it.

    Attributes:
        length: How many.
        limited_by: `worth`: the next one costs more than it brings. `hours`: staff have no time for more. `customers`: there
            are no more.
        least_probability: Below it a contact costs more than it brings; above 1 when none is worth it.
        expected_leaving: How many on the list are expected to leave if nobody does anything.
        expected_precision: Their share of the list; None when the list is empty.
        worth_contacting: How many would be on the list if staff had time for all.
        cost_minor: What contacting the list costs.
        expected_gain_minor: What it is expected to bring, less its cost.
    """

    length: int
    limited_by: Literal["worth", "hours", "customers"]
    least_probability: float
    expected_leaving: float
    expected_precision: float | None
    worth_contacting: int
    cost_minor: int
    expected_gain_minor: int


def list_length(  # noqa: PLR0913 - what a list costs and brings
    scores: IntoFrame,
    *,
    contact_cost_minor: int,
    value_saved_minor: int,
    save_percent: int = 10,
    staff_hours: float | None = None,
    minutes_per_contact: int = 5,
) -> ListLength:
    """Return how many customers to contact.

    A contact is worth its cost while probability x save_percent % x value_saved_minor is at least contact_cost_minor. The
    probabilities have to be calibrated, as those of `score` are, and `save_percent` is best measured with a hold-out:
    it is the share of leaving customers that a contact keeps.

    Args:
        scores: What `score` returned: customer_id, probability.
        contact_cost_minor: Cost of one contact, with the time of staff and what is given away; minor units.
        value_saved_minor: What a customer who was kept is worth, such as the margin of a year; minor units.
        save_percent: Of 100 who would leave, so many stay for being contacted, 1 to 100.
        staff_hours: Time there is; None: no limit.
        minutes_per_contact: Time that one contact takes.

    Raises:
        FactsError: The scores break their contract.
        ArgumentError: A value has no meaning here.
    """
    arguments.whole(contact_cost_minor, name="contact_cost_minor")
    arguments.whole(value_saved_minor, name="value_saved_minor", least=1)
    arguments.whole(save_percent, name="save_percent", least=1, most=100)
    arguments.whole(minutes_per_contact, name="minutes_per_contact", least=1)
    if staff_hours is not None and not 0 <= staff_hours < float("inf"):
        raise arguments.ArgumentError(
            f"staff_hours == {staff_hours!r}, must be hours, 0 or more, or None for no limit",
            argument="staff_hours",
        )
    opened = facts.open_table(scores, name="scores", columns=_SCORED, grain="customer_id")
    least = 100 * contact_cost_minor / (save_percent * value_saved_minor)
    worth = opened.frame.filter(nw.col("probability") >= least)
    everybody, counted = opened.settle(_counted(opened.frame), _counted(worth))
    (among,), (worthy,) = frames.rows(everybody), frames.rows(counted)
    length, leaving = worthy["customers"], worthy["leaving"] or 0.0
    limited_by: Literal["worth", "hours", "customers"] = (
        "customers" if length == among["customers"] else "worth"
    )
    if staff_hours is not None and (fits := int(staff_hours * _HOUR_MINUTES / minutes_per_contact)) < length:
        length, limited_by = fits, "hours"
        leaving = _leaving_of_first(worth, fits)
    cost = length * contact_cost_minor
    return ListLength(
        length=length,
        limited_by=limited_by,
        least_probability=least,
        expected_leaving=leaving,
        expected_precision=leaving / length if length else None,
        worth_contacting=worthy["customers"],
        cost_minor=cost,
        expected_gain_minor=round(leaving * save_percent * value_saved_minor / 100) - cost,
    )


def _counted(table: Lazy) -> Lazy:
    return table.select(nw.len().alias("customers"), nw.col("probability").sum().alias("leaving"))


def _leaving_of_first(worth: Lazy, count: int) -> float:
    if count == 0:
        return 0.0
    (found,) = frames.rows(_counted(worth.top_k(count, by="probability")))
    return float(found["leaving"])
