"""A fitted churn alert: a few plain numbers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Literal, Self

from regulars.analytics.churn.rules import Active
from regulars.analytics.churn.traits import TRAITS
from regulars.kernel.errors import RegularsError

VERSION = 1
"""Of the form that `Model.to_dict` gives."""


class UnknownModelError(RegularsError):
    """The stored numbers are no churn model that this version can read."""

    code: ClassVar[str] = "unknown_churn_model"


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """How the model did on days, or customers, that it had not learned from.

    Attributes:
        by: `days`: learned from earlier as-of days only. `customers`: learned from other customers, since no earlier day
            had its outcome in time.
        rows: Customers times as-of days.
        left: How many of them left.
        auc: How probably one who left scores above one who stayed.
        average_precision: The share who left, averaged over list lengths.
        slope: What the log-odds were multiplied by so that they agree with what happened; below 1: over-learned.
    """

    by: Literal["days", "customers"]
    rows: int
    left: int
    auc: float
    average_precision: float
    slope: float


@dataclass(frozen=True, kw_only=True)
class Model:
    """A calibrated churn alert. The log-odds of leaving are `intercept` plus the sum of weight times trait.

    Attributes:
        lead_days: From the as-of day to the first day on which a purchase counts.
        horizon_days: Whoever does not buy for so many days from then on has left.
        active: Whom the alert is about.
        as_of_days: Days it was fitted on, rising.
        rows: Customers times as-of days it was fitted on.
        customers: Different customers among them.
        left: Rows that left.
        rows_known: Rows there were; more than `rows` where a sample was enough.
        intercept: Log-odds when every trait is 0.
        weights: Log-odds for one unit of each trait, by its name; a trait that is missing was not seen when fitting.
        means: The mean of each trait, by its name.
        usual: What is usual among active customers, the median, by the code of the reason; whole numbers.
        held_out: How it did on what it had not learned from; None where nothing could be held out.
    """

    lead_days: int
    horizon_days: int
    active: Active
    as_of_days: tuple[int, ...]
    rows: int
    customers: int
    left: int
    rows_known: int
    intercept: float
    weights: Mapping[str, float]
    means: Mapping[str, float]
    usual: Mapping[str, int]
    held_out: HeldOut | None

    @property
    def base_rate(self) -> float:
        """The share that left."""
        return self.left / self.rows

    @property
    def sources(self) -> tuple[str, ...]:
        """What it reads: of `orders`, `amounts`, `lines`, `events`, `tickets`."""
        return tuple(dict.fromkeys(trait.source for trait in TRAITS if trait.name in self.weights))

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, texts, lists and dictionaries, fit for JSON."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        return plain | {
            "version": VERSION,
            "active": asdict(self.active),
            "as_of_days": list(self.as_of_days),
            "weights": dict(self.weights),
            "means": dict(self.means),
            "usual": dict(self.usual),
            "held_out": None if self.held_out is None else asdict(self.held_out),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Return the model that `to_dict` told of.

        Raises:
            UnknownModelError: It is of another version, incomplete, or weighs traits that are not known here.
        """
        version = stored.get("version")
        if version != VERSION:
            raise UnknownModelError(f"version == {version!r}, must be {VERSION}; fit the model again")
        expected = {one.name for one in fields(cls)} | {"version"}
        if set(stored) != expected:
            raise UnknownModelError(
                f"fields {sorted(set(stored) ^ expected)} are missing or unknown; fit the model again"
            )
        unknown = set(stored["weights"]) - {trait.name for trait in TRAITS}
        if unknown:
            raise UnknownModelError(f"traits {sorted(unknown)} are not known; fit the model again")
        held_out = stored["held_out"]
        return cls(
            **{name: stored[name] for name in expected - {"version", "active", "as_of_days", "held_out"}},
            active=Active(**stored["active"]),
            as_of_days=tuple(stored["as_of_days"]),
            held_out=None if held_out is None else HeldOut(**held_out),
        )
