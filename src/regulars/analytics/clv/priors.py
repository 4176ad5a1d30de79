"""What is believed before a shop has data: stated in words, wide, and outweighed from some hundred buyers on."""

from dataclasses import dataclass

import numpy as np

from regulars.analytics.clv.groups import Floats


@dataclass(frozen=True, kw_only=True)
class Belief:
    """One trait of the customers, log-normal.

    Attributes:
        trait: What it is about, in words.
        median: As likely above as below; in days where the trait is a time.
        spread: Standard deviation of the logarithm: 1 means two thirds between median / 2.7 and median * 2.7.
        in_days: The trait is a time.
    """

    trait: str
    median: float
    spread: float
    in_days: bool = False


@dataclass(frozen=True, kw_only=True)
class Prior:
    """Independent beliefs, one for each trait of a model.

    Attributes:
        beliefs: In the order of the model's traits.
        reason: Why the estimates are drawn towards them.
    """

    beliefs: tuple[Belief, ...]
    reason: str

    def log_density(self, traits: Floats, *, unit_days: float) -> tuple[float, Floats]:
        """Return the log-density of log-traits up to a constant, and its gradient by them."""
        medians = np.array([b.median / (unit_days if b.in_days else 1.0) for b in self.beliefs])
        precision = np.array([b.spread for b in self.beliefs]) ** -2.0
        away = traits - np.log(medians)
        return float(-0.5 * (precision * away**2).sum()), -precision * away


_LIKENESS_OF_RATES = Belief(
    trait="likeness of the customers' purchase rates (r; 1 is an exponential spread)", median=1.0, spread=1.0
)
_GAP = Belief(trait="days between two purchases of an active customer", median=60.0, spread=1.5, in_days=True)

REGULARITY_STEP = 0.6931471805599453
"""Each further step of regularity (k) is believed half as likely as the one before: log 2."""

AFTER_PURCHASE = (
    _LIKENESS_OF_RATES,
    _GAP,
    Belief(trait="odds of leaving after a purchase (a / b)", median=0.25, spread=1.2),
    Belief(trait="likeness of those odds among customers (a + b)", median=3.0, spread=1.0),
)
ANY_TIME = (
    _LIKENESS_OF_RATES,
    _GAP,
    Belief(trait="days that a customer stays (beta / s)", median=365.0, spread=1.5, in_days=True),
    Belief(trait="likeness of the customers' hazards of leaving (s)", median=1.0, spread=1.0),
)
SPENDING = (
    Belief(trait="steadiness of one customer's amounts (p)", median=5.0, spread=1.0),
    Belief(trait="likeness of the customers' mean amounts (q - 1)", median=3.0, spread=1.0),
)
