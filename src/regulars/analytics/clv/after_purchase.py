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

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.special import betainc, betaln, digamma, expit, gammaln

from regulars.analytics.clv.groups import Floats, Groups

_NODES = 32
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
        value = float(groups.customers @ terms.log_likelihood) + self._timing_constant(groups)
        gradient = np.array([groups.customers @ part for part in terms.gradient])
        return value, gradient * parameters

    def p_alive(self, parameters: Floats, groups: Groups) -> Floats:
        """Return for every history the probability that the customer is still active."""
        active: Floats = 1.0 - _Terms(model=self, parameters=parameters, groups=groups).left
        return active

    def expected(self, parameters: Floats, groups: Groups, horizon: float) -> Floats:
        """Return for every history the expected purchases in `horizon` units after the as-of day."""
        if self.regularity == 1:
            return self.p_alive(parameters, groups) * self._expected_if_active(parameters, groups, horizon)
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

    def _expected_if_active(self, parameters: Floats, groups: Groups, horizon: float) -> Floats:
        """Expected purchases of an active customer, k = 1.

        Given p, the purchases to come number E[1 - exp(-lambda p h)] / p, and lambda given the history is
        Gamma(r + x, alpha + T). The remaining mean over p ~ Beta(a, b + n) is a Gauss-Jacobi sum, which
        stays exact where the papers' 2F1 loses its digits (a near 1, large x).
        """
        r, alpha, a, b = parameters
        if a == 0.0:
            steady: Floats = (r + groups.frequency) / (alpha + groups.age) * horizon
            return steady
        frequencies, at_frequency = groups.frequencies
        p, weight = zip(*(_beta_rule(a, b + n) for n in self.stays(frequencies)), strict=True)
        scaled = horizon / (alpha + groups.age)
        shape = -(r + groups.frequency)
        total = np.zeros(len(groups))
        for node_p, node_weight in zip(np.stack(p, axis=1), np.stack(weight, axis=1), strict=True):
            leave = node_p[at_frequency]
            total -= node_weight[at_frequency] / leave * np.expm1(shape * np.log1p(scaled * leave))
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
        total = np.zeros(len(groups))
        stayed = np.ones(len(groups))
        for i in range(1, _MOST_PURCHASES):
            step = np.zeros(len(groups))
            for j, share in enumerate(terms.phases):
                step += share * betainc(i * k - j, r + k * groups.frequency + j, passed)
            total += stayed * step
            if float((stayed * step).max(initial=0.0)) < _NEGLIGIBLE:
                break
            stayed = stayed * (b + stays + i - 1) / (a + b + stays + i - 1)
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
    def _log_active(self) -> Floats:
        """Logarithm of the sum of the phases."""
        if self.model.regularity == 1:
            return np.zeros(len(self.groups))
        log_active: Floats = np.logaddexp.reduce(self._log_phases)
        return log_active

    @cached_property
    def phases(self) -> list[Floats]:
        """Given an active customer: the probabilities of j unseen events since the last purchase."""
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
    def left(self) -> Floats:
        """Probability that the customer has left."""
        left: Floats = expit(self._log_odds_left)
        return left

    @cached_property
    def log_likelihood(self) -> Floats:
        r, alpha, a, b = self.parameters
        frequencies, at_frequency = self.groups.frequencies
        shapes = r + self.model.regularity * frequencies
        by_frequency = gammaln(shapes) - gammaln(r) + r * np.log(alpha)
        if a > 0.0:
            by_frequency = by_frequency + betaln(a, b + self._stays) - betaln(a, b)
        value: Floats = (
            by_frequency[at_frequency]
            - self._shape * self._log_age
            + self._log_active
            + np.logaddexp(0.0, self._log_odds_left)
        )
        return value

    @cached_property
    def gradient(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Derivatives of the log-likelihood by r, alpha, a and b."""
        r, alpha, a, b = self.parameters
        frequencies, at_frequency = self.groups.frequencies
        shapes, stays = r + self.model.regularity * frequencies, self._stays
        active = 1.0 - self.left
        ages, at_age = self.groups.ages
        recencies, at_recency = self.groups.recencies
        per_age = (1.0 / (alpha + ages))[at_age]
        per_recency = (1.0 / (alpha + recencies))[at_recency]

        by_r = (digamma(shapes) - digamma(r) + np.log(alpha))[at_frequency]
        by_r = by_r - active * self._log_age - self.left * self._log_recency
        by_alpha = r / alpha - self._shape * (active * per_age + self.left * per_recency)
        for j, share in enumerate(self.phases[1:], start=1):
            by_r = by_r + active * share * (digamma(shapes + j) - digamma(shapes))[at_frequency]
            by_alpha = by_alpha - active * share * j * per_age

        if a == 0.0:
            return by_r, by_alpha, np.zeros_like(by_r), np.zeros_like(by_r)
        together = digamma(a + b) - digamma(a + b + stays)
        by_a = together[at_frequency] + self.left / a
        last_stay = 1.0 / np.where(stays > 0, np.maximum(b + stays - 1, _TINY), np.inf)
        by_b = (together + digamma(b + stays) - digamma(b))[at_frequency]
        by_b = by_b - self.left * last_stay[at_frequency]
        return by_r, by_alpha, by_a, by_b


def _beta_rule(a: float, b: float) -> tuple[Floats, Floats]:
    """Return Gauss nodes and weights for the mean over Beta(a, b), by the Golub-Welsch method.

    The weights come normalised from the eigenvectors, so no beta function overflows for large b.
    """
    # The Jacobi recurrence on [-1, 1] for the weight (1 - y)^(b - 1) (1 + y)^(a - 1), y = 2 p - 1.
    n = np.arange(1, _NODES)
    total = a + b - 2
    diagonal = np.empty(_NODES)
    diagonal[0] = (a - b) / (a + b)
    diagonal[1:] = (a - b) * total / ((2 * n + total) * (2 * n + total + 2))
    square = np.empty(_NODES - 1)
    # The term n = 1 is written apart: its general form is 0 / 0 where a + b = 1.
    square[0] = 4 * a * b / ((a + b) ** 2 * (a + b + 1))
    m = n[1:]
    square[1:] = (
        4 * m * (m + b - 1) * (m + a - 1) * (m + total) / ((2 * m + total) ** 2 * ((2 * m + total) ** 2 - 1))
    )
    y, vectors = eigh_tridiagonal(diagonal, np.sqrt(square))
    return np.maximum((1 + y) / 2, 1e-15), vectors[0] ** 2
