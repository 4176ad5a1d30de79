"""The policy, read: what the merchant set, checked, with the defaults filled in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Any, ClassVar, Self, TypeVar

from regulars.analytics import arguments, lifecycle
from regulars.analytics.arguments import ArgumentError
from regulars.analytics.rfm import Cuts, Monetary, Scheme
from regulars.analytics.tiers import Thresholds
from regulars.kernel.errors import RegularsError

T = TypeVar("T")

ASSUMED_CYCLE_DAYS = 90
"""The store's cycle until there are enough orders to measure it."""


class InvalidPolicyError(RegularsError):
    """A threshold is not one of those that exist, or has a value without meaning."""

    code: ClassVar[str] = "invalid_policy"


@dataclass(frozen=True, kw_only=True)
class RfmRules:
    """How customers are scored; see `analytics.rfm.score`.

    In the policy `scheme` is `"quintile"`, `"mean"`, or an object with the fields of `analytics.rfm.Cuts`.
    """

    window_days: int | None = None
    scheme: Scheme | Cuts = "quintile"
    monetary: Monetary = "total"

    def __post_init__(self) -> None:
        if self.window_days is not None:
            arguments.whole(self.window_days, name="window_days", least=1)
        if not isinstance(self.scheme, Cuts):
            arguments.one_of(self.scheme, ("quintile", "mean"), name="scheme (or an object of cut-offs)")
        arguments.one_of(self.monetary, ("total", "average_order"), name="monetary")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Everything that decides which label a customer gets.

    `cycle_days` is the purchase cycle of everybody, chosen by the merchant; None takes each customer's own expected
    interval, which starts at the store's measured cycle.
    """

    rfm: RfmRules
    tiers: Thresholds
    stages: lifecycle.Rules
    cycle_days: int | None = None

    @classmethod
    def read(cls, *, rfm: Mapping[str, Any], tiers: Mapping[str, Any], stages: Mapping[str, Any]) -> Self:
        """Return the rules that the three objects of a policy stand for; what they leave out has its default.

        Args:
            rfm: Fields of `RfmRules`.
            tiers: Fields of `analytics.tiers.Thresholds`.
            stages: `cycle_days`, and fields of `analytics.lifecycle.Rules`.

        Raises:
            InvalidPolicyError: A name does not exist or a value has no meaning.
        """
        cuts = rfm.get("scheme")
        if isinstance(cuts, Mapping):
            rfm = {**rfm, "scheme": _read(Cuts, cuts, name="rfm.scheme")}
        cycle_days = stages.get("cycle_days")
        if cycle_days is not None:
            _read(partial(arguments.whole, name="cycle_days", least=1), {"value": cycle_days}, name="stages")
        return cls(
            rfm=_read(RfmRules, rfm, name="rfm"),
            tiers=_read(Thresholds, tiers, name="tiers"),
            stages=_read(
                lifecycle.Rules,
                {name: value for name, value in stages.items() if name != "cycle_days"},
                name="stages",
            ),
            cycle_days=cycle_days,
        )


def _read(kind: Callable[..., T], given: Mapping[str, Any], *, name: str) -> T:
    known = list(signature(kind).parameters)
    for key in given:
        if key not in known:
            message = f"{name}.{key} is not a threshold; choose from {', '.join(known)}"
            raise InvalidPolicyError(message, field=f"{name}.{key}")
    try:
        return kind(**given)
    except (ArgumentError, TypeError) as error:
        message = f"{name}: {error}"
        raise InvalidPolicyError(message, field=name) from error
