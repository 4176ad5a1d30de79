"""Customers who may drop out right after a purchase: BG/NBD, MBG/NBD and MBG/CNBD-k are one family.

While active, a customer buys at every k-th event of a Poisson process with rate lambda; lambda differs
between customers as Gamma(r, alpha). After a purchase the customer leaves for good with probability p; p
differs as Beta(a, b). With

    n     purchases after which the customer stayed: x, or x + 1 where one can leave after the very first,
    R_j   = r + k x + j,   s = T - t_x,

the likelihood of a history, given its number of occasions and their gaps, is the sum of "still active",

    B(a, b+n)/B(a, b)  alpha^r  sum_{j<k} Gamma(R_j)/Gamma(r)  s^j/j!  (alpha+T)^-R_j,

and "left after the last purchase",

    B(a+1, b+n-1)/B(a, b)  alpha^r  Gamma(R_0)/Gamma(r)  (alpha+t_x)^-R_0.

a = 0 means that nobody ever leaves; with k = 1 that is the NBD model of Ehrenberg (1959).

References:
    Fader, Hardie, Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2), equation 6:
    k = 1, n = x.
    Batislam, Denizel, Filiztekin (2007), Empirical validation and comparison of models for customer base
    analysis, IJRM 24(3), section 3.2: k = 1, n = x + 1.
    Platzer, Reutterer (2016), Ticking away the moments, Marketing Science 35(5), for Erlang-k timing;
    Reutterer, Platzer, Schroeder (2020), Leveraging purchase regularity, IJRM 38(1), for MBG/CNBD-k.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import narwhals as nw
import numpy as np
from scipy.special import betainc, betaln, digamma, gammaln

from regulars.analytics.clv.groups import Floats, Groups

# Of the trapezoidal rule: how far down (in logarithms) the integrand is followed, and its resolution.
_DROP = 42.0
_WIDEST_STEP = 0.55
_FEWEST_NODES = 24
_MOST_PURCHASES = 5_000
_NEGLIGIBLE = 1e-11
_TINY = 1e-300


@dataclass(frozen=True, kw_only=True)
class AfterPurchase:
    """A member of the family.

    Attributes:
        parameters: Names in the papers, in the order of every parameter vector.
        nobody_leaves: The last two parameters where nobody ever leaves (b is without meaning there).
        name: The model's name in `fit`.
        first_may_leave: A customer may leave after the very first purchase already.
        regularity: k, the shape of the gaps: 1 is random timing, larger is more regular.
    """

    name: str
    first_may_leave: bool
    regularity: int = 1

    parameters: ClassVar = ("r", "alpha", "a", "b")
    nobody_leaves: ClassVar = (0.0, 1.0)

    def starts(self, groups: Groups) -> list[Floats]:
        """Return logarithms of starting parameters: few and many who leave, alike and unlike rates."""
        exposure = float(groups.customers @ groups.age)
        rate = max(groups.repeat_occasions, 0.5) * self.regularity / max(exposure, 1e-9)
        return [
            np.log([r, r / (speed * rate), a, b])
            for r, speed, a, b in (
                (0.5, 2.0, 0.8, 2.5),
                (1.5, 1.5, 0.5, 5.0),
                (0.3, 4.0, 2.0, 3.0),
                (5.0, 1.2, 0.1, 2.0),
            )
        ]

    def log_likelihood(self, parameters: Floats, groups: Groups) -> tuple[float, Floats]:
        """Return the log-likelihood of all customers and its gradient by the logarithms of the parameters."""
        terms = _Terms(model=self, parameters=parameters, groups=groups)
        return terms.log_likelihood + self._timing_constant(groups), terms.gradient * parameters

    def p_alive(self, parameters: Floats, groups: Groups) -> Floats:
        """Return for every history the probability that the customer is still active."""
        active: Floats = 1.0 - _Terms(model=self, parameters=parameters, groups=groups).left
        return active

    def alive(self, parameters: Floats) -> nw.Expr | None:
        """Return `p_alive` as an expression of frequency, recency and age; None for k > 1."""
        r, alpha, a, b = (float(value) for value in parameters)
        if self.regularity > 1:
            return None
        if a == 0.0:
            return nw.lit(1.0)
        frequency = nw.col("frequency").cast(nw.Float64)
        waited = (frequency + r) * ((nw.col("age") + alpha).log() - (nw.col("recency") + alpha).log())
        if self.first_may_leave:
            return 1.0 / (waited.exp() * a / (frequency + b) + 1.0)
        left = nw.when(frequency > 0).then(waited.exp() * a / (frequency + (b - 1.0))).otherwise(nw.lit(0.0))
        return 1.0 / (left + 1.0)

    def expected(self, parameters: Floats, groups: Groups, horizon: float) -> Floats:
        """Return for every history the expected purchases in `horizon` units after the as-of day."""
        if self.regularity == 1:
            rates, at_rate = groups.rates
            if_active = self.if_active(parameters, rates, horizon)
            return self.p_alive(parameters, groups) * if_active[at_rate]
        return self._expected_by_counting(parameters, groups, horizon)

    def traits(self, log_parameters: Floats) -> tuple[Floats, Floats]:
        """Return what a merchant can imagine of the parameters, as logarithms, and its Jacobian.

        Likeness of the customers' rates (r), units between two purchases of an active customer
        (k alpha / r), odds of leaving after a purchase (a / b), likeness of those odds (a + b).
        """
        log_r, log_alpha, log_a, log_b = log_parameters
        log_both = np.logaddexp(log_a, log_b)
        values = np.array([log_r, log_alpha - log_r + np.log(self.regularity), log_a - log_b, log_both])
        jacobian = np.array(
            [
                [1.0, 0.0, 0.0, 0.0],
                [-1.0, 1.0, 0.0, 0.0],
                [0.0, 0.0, 1.0, -1.0],
                [0.0, 0.0, np.exp(log_a - log_both), np.exp(log_b - log_both)],
            ]
        )
        return values, jacobian

    def stays(self, frequency: Floats) -> Floats:
        """Return n: after how many purchases an active customer has stayed."""
        return frequency + 1.0 if self.first_may_leave else frequency

    def _timing_constant(self, groups: Groups) -> float:
        """Logarithm of the Erlang density's factor that holds no parameter but k; 0 for k = 1."""
        k = self.regularity
        return (k - 1) * groups.log_gap_sum - float(gammaln(k)) * groups.repeat_occasions

    def if_active(self, parameters: Floats, groups: Groups, horizon: float) -> Floats:
        """Return the expected purchases of an active customer, k = 1; the recency has no say in it.

        Given p, the purchases to come number f(p) = E[1 - exp(-lambda p h)] / p, where lambda given the history is
        Gamma(r + x, alpha + T). What remains is the mean of f over p ~ Beta(a, b + n). The straight line through
        the ends f(0) = E[lambda] h and f(1) has a known mean; the rest vanishes at both ends and is summed by the
        trapezoidal rule in log(p / (1-p)), whose error falls exponentially. The papers' 2F1 says the same, but
        loses its digits for a near 1 and for large x.
        """
        r, alpha, a, b = parameters
        shape = r + groups.frequency
        scaled = horizon / (alpha + groups.age)
        at_zero: Floats = shape * scaled
        if a == 0.0:
            return at_zero
        frequencies, at_frequency = groups.frequencies
        stays = b + self.stays(frequencies)
        at_one = -np.expm1(-shape * np.log1p(scaled))
        mean = (a / (a + stays))[at_frequency]
        total: Floats = at_zero * (1.0 - mean) + at_one * mean
        for leaves, weights in zip(*_beta_rule(float(a), stays), strict=True):
            leave = leaves[at_frequency]
            bend = (
                -np.expm1(-shape * np.log1p(scaled * leave)) / leave
                - at_zero * (1.0 - leave)
                - at_one * leave
            )
            total += weights[at_frequency] * bend
        return total

    def _expected_by_counting(self, parameters: Floats, groups: Groups, horizon: float) -> Floats:
        """Expected purchases for any k, as the sum over i of P(at least i purchases).

        The i-th purchase to come needs the customer to have stayed after i - 1 of them and the clock to
        have passed i k - j events, when j of the k events towards the next one have passed unseen. The
        count of events is negative binomial, so its tail is an incomplete beta function.
        """
        terms = _Terms(model=self, parameters=parameters, groups=groups)
        r, alpha, a, b = parameters
        k, stays = self.regularity, self.stays(groups.frequency)
        passed = horizon / (alpha + groups.age + horizon)
        shape = r + k * groups.frequency
        total = np.zeros(len(groups))
        stayed = np.ones(len(groups))
        # Terms only fall, so that a history whose term is nothing has no more to come.
        rows = np.arange(len(groups))
        for i in range(1, _MOST_PURCHASES):
            step = np.zeros(len(rows))
            for j, share in enumerate(terms.phases):
                step += share[rows] * betainc(i * k - j, shape[rows] + j, passed[rows])
            step *= stayed[rows]
            total[rows] += step
            rows = rows[step > _NEGLIGIBLE]
            if not len(rows):
                break
            stayed[rows] *= (b + stays[rows] + i - 1) / (a + b + stays[rows] + i - 1)
        counted: Floats = (1.0 - terms.left) * total
        return counted


@dataclass(frozen=True, kw_only=True, eq=False)
class _Terms:
    """The pieces of the likelihood for one parameter vector; each is computed once and only if asked for."""

    model: AfterPurchase
    parameters: Floats
    groups: Groups

    @cached_property
    def _stays(self) -> Floats:
        """The number n for each distinct frequency."""
        return self.model.stays(self.groups.frequencies[0])

    @cached_property
    def _shape(self) -> Floats:
        """R_0 = r + k x."""
        shape: Floats = self.model.regularity * self.groups.frequency + self.parameters[0]
        return shape

    @cached_property
    def _log_age(self) -> Floats:
        ages, index = self.groups.ages
        log_age: Floats = np.log(self.parameters[1] + ages)[index]
        return log_age

    @cached_property
    def _log_recency(self) -> Floats:
        recencies, index = self.groups.recencies
        log_recency: Floats = np.log(self.parameters[1] + recencies)[index]
        return log_recency

    @cached_property
    def _log_phases(self) -> list[Floats]:
        """Logarithm of the j-th term of "still active", relative to the term j = 0."""
        frequencies, at_frequency = self.groups.frequencies
        shapes = self.parameters[0] + self.model.regularity * frequencies
        silent = np.log(np.maximum(self.groups.age - self.groups.recency, _TINY)) - self._log_age
        phases = [np.zeros(len(self.groups))]
        for j in range(1, self.model.regularity):
            rising = (gammaln(shapes + j) - gammaln(shapes) - gammaln(j + 1))[at_frequency]
            phases.append(rising + j * silent)
        return phases

    @cached_property
    def _log_active(self) -> Floats | np.float64:
        """Logarithm of the sum of the phases."""
        if self.model.regularity == 1:
            return np.float64(0.0)
        log_active: Floats = np.logaddexp.reduce(self._log_phases)
        return log_active

    @cached_property
    def phases(self) -> list[Floats]:
        """Given an active customer: the probabilities of j unseen events since the last purchase."""
        if self.model.regularity == 1:
            return [np.ones(len(self.groups))]
        return [np.exp(phase - self._log_active) for phase in self._log_phases]

    @cached_property
    def _log_odds_left(self) -> Floats:
        _, _, a, b = self.parameters
        if a == 0.0:
            return np.full(len(self.groups), -np.inf)
        _, at_frequency = self.groups.frequencies
        # Infinite where no purchase could have been the last: the odds are then 0.
        last_stay = np.where(self._stays > 0, np.maximum(b + self._stays - 1, _TINY), np.inf)
        odds = np.log(a) - np.log(last_stay)
        waited = self._shape * (self._log_age - self._log_recency)
        log_odds: Floats = odds[at_frequency] + waited - self._log_active
        return log_odds

    @cached_property
    def _small_odds(self) -> Floats:
        """The odds of having left or their reciprocal, whichever is below 1."""
        small: Floats = np.exp(-np.abs(self._log_odds_left))
        return small

    @cached_property
    def left(self) -> Floats:
        """Probability that the customer has left."""
        left: Floats = np.where(self._log_odds_left >= 0, 1.0, self._small_odds) / (1.0 + self._small_odds)
        return left

    @cached_property
    def log_likelihood(self) -> float:
        """Log-likelihood of all customers; what depends on one column only is summed over its distinct values."""
        r, alpha, a, b = self.parameters
        groups, k = self.groups, self.model.regularity
        shapes = r + k * groups.frequencies[0]
        by_frequency = gammaln(shapes) - gammaln(r) + r * np.log(alpha)
        if a > 0.0:
            by_frequency = by_frequency + betaln(a, b + self._stays) - betaln(a, b)
        left_too = np.maximum(self._log_odds_left, 0.0) + np.log1p(self._small_odds)
        return float(
            groups.by_frequency(groups.customers) @ by_frequency
            - self._shapes_by_age @ np.log(alpha + groups.ages[0])
            + groups.customers @ (self._log_active + left_too)
        )

    @cached_property
    def _shapes_by_age(self) -> Floats:
        """Sum of R_0 over the customers of each distinct age."""
        groups = self.groups
        purchases = groups.by_age(groups.customers * groups.frequency)
        shapes: Floats = (
            self.parameters[0] * groups.by_age(groups.customers) + self.model.regularity * purchases
        )
        return shapes

    @cached_property
    def gradient(self) -> Floats:
        """Derivatives of the log-likelihood by r, alpha, a and b."""
        r, alpha, a, b = self.parameters
        groups, k = self.groups, self.model.regularity
        everybody = groups.by_frequency(groups.customers)
        left = groups.customers * self.left
        shapes_left = left * self._shape
        shapes, ages, recencies = r + k * groups.frequencies[0], groups.ages[0], groups.recencies[0]

        by_r = (
            everybody @ (digamma(shapes) - digamma(r) + np.log(alpha))
            - groups.by_age(groups.customers - left) @ np.log(alpha + ages)
            - groups.by_recency(left) @ np.log(alpha + recencies)
        )
        by_alpha = (
            groups.buyers * r / alpha
            - (self._shapes_by_age - groups.by_age(shapes_left)) @ (1.0 / (alpha + ages))
            - groups.by_recency(shapes_left) @ (1.0 / (alpha + recencies))
        )
        for j, share in enumerate(self.phases[1:], start=1):
            waiting = (groups.customers - left) * share
            by_r += groups.by_frequency(waiting) @ (digamma(shapes + j) - digamma(shapes))
            by_alpha -= j * groups.by_age(waiting) @ (1.0 / (alpha + ages))
        if a == 0.0:
            return np.array([by_r, by_alpha, 0.0, 0.0])
        stays = self._stays
        together = digamma(a + b) - digamma(a + b + stays)
        last_stay = 1.0 / np.where(stays > 0, np.maximum(b + stays - 1, _TINY), np.inf)
        by_a = everybody @ together + left.sum() / a
        by_b = (
            everybody @ (together + digamma(b + stays) - digamma(b)) - groups.by_frequency(left) @ last_stay
        )
        return np.array([by_r, by_alpha, by_a, by_b])


def _beta_rule(a: float, b: Floats) -> tuple[Floats, Floats]:
    """Return nodes and weights, one row for each node and one column for each b, of the mean over Beta(a, b).

    For functions that vanish at both ends, where the integrand in v = log(p / (1-p)) falls at least like
    p^(a+1) (1-p)^(b+1).
    """

    def log_height(v: Floats) -> Floats:
        height: Floats = (a + 1) * v - (a + b + 2) * np.logaddexp(0.0, v)
        return height

    top = np.log(a + 1) - np.log(b + 1)
    ends = []
    for side in (-1.0, 1.0):
        near, far = np.zeros_like(b), np.full_like(b, 2 * _DROP)
        for _ in range(40):
            middle = (near + far) / 2
            low = log_height(top) - log_height(top + side * middle) > _DROP
            near, far = np.where(low, near, middle), np.where(low, middle, far)
        ends.append(top + side * far)
    width = ends[1] - ends[0]
    count = max(int(np.ceil(width.max(initial=0.0) / _WIDEST_STEP)), _FEWEST_NODES)
    v = ends[0] + width * np.linspace(0.0, 1.0, count + 1)[:, None]
    # Logarithms of p and 1 - p, each with all its digits.
    log_p, log_rest = -np.logaddexp(0.0, -v), -np.logaddexp(0.0, v)
    return np.exp(log_p), np.exp(a * log_p + b * log_rest - betaln(a, b)) * (width / count)
