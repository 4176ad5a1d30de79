"""The rule that every model has to beat: a customer goes on as before."""

from dataclasses import dataclass
from typing import ClassVar

import narwhals as nw
import numpy as np

from regulars.analytics.clv.groups import Floats, Groups


@dataclass(frozen=True, kw_only=True)
class PlainRate:
    """Repeat occasions over age, the unit under way counted as a whole one; nobody ever leaves.

    The unit added keeps a customer of two days with one repeat from being taken for one who buys daily.

    Attributes:
        parameters: None.
        name: The rule's name in `fit`.
    """

    parameters: ClassVar[tuple[str, ...]] = ()

    name: str = "plain_rate"

    def p_alive(self, parameters: Floats, groups: Groups) -> Floats:
        """Return 1 for every history."""
        del parameters
        return np.ones(len(groups))

    def alive(self, parameters: Floats) -> nw.Expr:
        """Return 1."""
        del parameters
        return nw.lit(1.0)

    def expected(self, parameters: Floats, groups: Groups, horizon: float) -> Floats:
        """Return x / (T + 1) * horizon."""
        return self.if_active(parameters, groups, horizon)

    def if_active(self, parameters: Floats, groups: Groups, horizon: float) -> Floats:
        """Return x / (T + 1) * horizon."""
        del parameters
        return groups.frequency / (groups.age + 1.0) * horizon
