"""Customers who may drop out at any time, seen or unseen: Pareto/NBD.

While active, a customer buys at random with rate lambda ~ Gamma(r, alpha) and leaves with hazard
mu ~ Gamma(s, beta). The likelihood of a history is the sum of "still active",

    Gamma(r+x)/Gamma(r) alpha^r beta^s (alpha+T)^-(r+x) (beta+T)^-s,

and "left at some moment in (t_x, T]",

    Gamma(r+x)/Gamma(r) alpha^r s beta^s [G(x, t_x) - G(x, T)],
    G(x, t) = integral from t to infinity of (alpha+u)^-(r+x) (beta+u)^-(s+1) du.

G depends on a frequency and a moment only, so it is computed once for each distinct pair. With
m = r+s+x, u = (alpha+t) v^(-1/m) - alpha and delta = (alpha-beta)/(alpha+t),

    G = (alpha+t)^-m / m * integral over v in (0, 1) of (1 - delta v^(1/m))^-(s+1) dv,

the papers' 2F1(s+1, m; m+1; delta)/m, taken by tanh-sinh quadrature: it has no branch at alpha = beta, keeps
its digits for any x, and differentiates under the sign.

References:
    Schmittlein, Morrison, Colombo (1987), Counting your customers, Management Science 33(1).
    Fader, Hardie (2005), A note on deriving the Pareto/NBD model and related expressions,
    brucehardie.com/notes/009: equations 16 (likelihood), 27 (expectation), 36 (P(alive)), 41 (conditional).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import narwhals as nw
import numpy as np
from scipy.special import digamma, gammaln

from regulars.analytics.clv.groups import Floats, Groups

_CHUNK = 1 << 16
_TINY = 1e-300
_ONE_AS_WELL = 1e-9


def _tanh_sinh_rule(nodes: int, reach: float) -> tuple[Floats, Floats]:
    """Return log(v) and weights of the tanh-sinh rule on (0, 1); log(v) keeps its digits near v = 1."""
    grid = np.linspace(-reach, reach, nodes)
    half = np.pi / 2 * np.sinh(grid)
    log_v = -np.log1p(np.exp(-2 * half))
    weight = (grid[1] - grid[0]) * np.pi / 4 * np.cosh(grid) / np.cosh(half) ** 2
    return log_v, weight


_LOG_V, _WEIGHT = _tanh_sinh_rule(nodes=52, reach=3.1)


@dataclass(frozen=True, kw_only=True)
class AnyTime:
    """The Pareto/NBD model.

    Attributes:
        parameters: Names in the papers, in the order of every parameter vector.
        nobody_leaves: The last two parameters where nobody ever leaves (beta is without meaning there).
        name: The model's name in `fit`.
    """

    parameters: ClassVar = ("r", "alpha", "s", "beta")
    nobody_leaves: ClassVar = (0.0, 1.0)

    name: str = "pareto_nbd"

    def starts(self, groups: Groups) -> list[Floats]:
        """Return logarithms of starting parameters: short and long lives, alike and unlike rates."""
        exposure = float(groups.customers @ groups.age)
        mean_age = max(exposure / max(groups.buyers, 1), 1e-9)
        rate = max(groups.repeat_occasions, 0.5) / max(exposure, 1e-9)
        return [
            np.log([r, r / (speed * rate), s, s * life * mean_age])
            for r, speed, s, life in (
                (0.5, 2.0, 0.6, 0.6),
                (1.5, 1.5, 0.8, 2.0),
                (0.3, 4.0, 1.5, 0.3),
                (5.0, 1.1, 0.5, 8.0),
            )
        ]

    def log_likelihood(self, parameters: Floats, groups: Groups) -> tuple[float, Floats]:
        """Return the log-likelihood of all customers and its gradient by the logarithms of the parameters."""
        terms = _Terms(parameters=parameters, groups=groups)
        value = float(groups.customers @ terms.log_likelihood)
        gradient = np.array([groups.customers @ part for part in terms.gradient])
        return value, gradient * parameters

    def p_alive(self, parameters: Floats, groups: Groups) -> Floats:
        """Return for every history the probability that the customer is still active."""
        active: Floats = 1.0 - _Terms(parameters=parameters, groups=groups, with_gradient=False).left
        return active

    def alive(self, parameters: Floats) -> nw.Expr | None:
        """Return `p_alive` as an expression: there is none, for G has no elementary form."""
        del parameters
        return None

    def expected(self, parameters: Floats, groups: Groups, horizon: float) -> Floats:
        """Return for every history the expected purchases in `horizon` units after the as-of day."""
        return self.p_alive(parameters, groups) * self.if_active(parameters, groups, horizon)

    def if_active(self, parameters: Floats, groups: Groups, horizon: float) -> Floats:
        """Return the expected purchases of an active customer; the recency has no say in it.

        Equation 41: the rate (r+x)/(alpha+T) times the expected active time,
        (beta+T)/(s-1) [1 - ((beta+T)/(beta+T+h))^(s-1)], written so that s = 1 is no exception.
        """
        r, alpha, s, beta = parameters
        still = beta + groups.age
        log_shrink = np.log1p(horizon / still)
        factor = log_shrink if abs(s - 1) < _ONE_AS_WELL else -np.expm1(-(s - 1) * log_shrink) / (s - 1)
        rate = (r + groups.frequency) / (alpha + groups.age)
        expected: Floats = rate * still * factor
        return expected

    def traits(self, log_parameters: Floats) -> tuple[Floats, Floats]:
        """Return what a merchant can imagine of the parameters, as logarithms, and its Jacobian.

        Likeness of the customers' rates (r), units between two purchases of an active customer (alpha / r),
        units that a customer stays at the mean hazard (beta / s), likeness of the hazards (s).
        """
        log_r, log_alpha, log_s, log_beta = log_parameters
        values = np.array([log_r, log_alpha - log_r, log_beta - log_s, log_s])
        jacobian = np.array([[1.0, 0, 0, 0], [-1, 1, 0, 0], [0, 0, -1, 1], [0, 0, 1, 0]])
        return values, jacobian


@dataclass(frozen=True, kw_only=True, eq=False)
class _Terms:
    """The pieces of the likelihood for one parameter vector."""

    parameters: Floats
    groups: Groups
    with_gradient: bool = True

    @cached_property
    def _tails(self) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """For distinct pairs (x, t): log G and the means of log and reciprocal of alpha+u and beta+u in it."""
        r, alpha, s, beta = self.parameters
        frequency, moment, _, _ = self.groups.moments
        out = tuple(np.empty(len(moment)) for _ in range(5))
        for start in range(0, len(moment), _CHUNK):
            part = slice(start, start + _CHUNK)
            m = r + s + frequency[part]
            here = alpha + moment[part]
            delta = (alpha - beta) / here
            log_here = np.log(here)
            total, log_a, log_b, per_a, per_b = (np.zeros(len(m)) for _ in range(5))
            first = (beta + moment[part]) / here
            # The integrand is largest at one end; measured from there it neither overflows nor vanishes.
            largest = -np.log(np.minimum(first, first - delta * np.expm1(_LOG_V[0] / m)))
            for log_v, weight in zip(_LOG_V, _WEIGHT, strict=True):
                log_y = log_v / m
                # 1 - delta y, where 1 - delta = (beta + t) / (alpha + t) may be tiny.
                rest = first - delta * np.expm1(log_y)
                log_rest = np.log(rest)
                mass = weight * np.exp(-(s + 1) * (log_rest + largest))
                total += mass
                if self.with_gradient:
                    node_a = log_here - log_y
                    node_b = node_a + log_rest
                    log_a += mass * node_a
                    log_b += mass * node_b
                    per_a += mass * np.exp(-node_a)
                    per_b += mass * np.exp(-node_b)
            out[0][part] = np.log(total) + (s + 1) * largest - m * log_here - np.log(m)
            for target, mean in zip(out[1:], (log_a, log_b, per_a, per_b), strict=True):
                target[part] = mean / total
        return out  # type: ignore[return-value] # a generator of five gives a tuple of five

    @cached_property
    def _log_ages(self) -> tuple[Floats, Floats]:
        """log(alpha + T) and log(beta + T)."""
        _, alpha, _, beta = self.parameters
        ages, at_age = self.groups.ages
        return np.log(alpha + ages)[at_age], np.log(beta + ages)[at_age]

    @cached_property
    def _odds_tails(self) -> tuple[Floats, Floats]:
        """Return s G(x, t_x) and s G(x, T), each over the active term; their difference is the odds of left."""
        r, _, s, _ = self.parameters
        log_tail = self._tails[0]
        _, _, at_recency, at_age = self.groups.moments
        log_age_a, log_age_b = self._log_ages
        active = (r + self.groups.frequency) * log_age_a + s * log_age_b + np.log(max(s, _TINY))
        # 700 keeps the exponential finite; such odds are certainty already.
        early = np.exp(np.minimum(log_tail[at_recency] + active, 700.0))
        late = np.exp(np.minimum(log_tail[at_age] + active, 700.0))
        return early, late

    @cached_property
    def _odds_left(self) -> Floats:
        early, late = self._odds_tails
        odds: Floats = np.maximum(early - late, 0.0)
        return odds

    @cached_property
    def left(self) -> Floats:
        """Probability that the customer has left."""
        return self._odds_left / (1.0 + self._odds_left)

    @cached_property
    def log_likelihood(self) -> Floats:
        r, alpha, s, beta = self.parameters
        frequencies, at_frequency = self.groups.frequencies
        log_age_a, log_age_b = self._log_ages
        by_frequency = gammaln(r + frequencies) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
        value: Floats = (
            by_frequency[at_frequency]
            - (r + self.groups.frequency) * log_age_a
            - s * log_age_b
            + np.log1p(self._odds_left)
        )
        return value

    @cached_property
    def gradient(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Derivatives of the log-likelihood by r, alpha, s and beta."""
        r, alpha, s, beta = self.parameters
        frequencies, at_frequency = self.groups.frequencies
        ages, at_age = self.groups.ages
        _, _, at_recency, at_late = self.groups.moments
        _, log_a, log_b, per_a, per_b = self._tails
        log_age_a, log_age_b = self._log_ages
        early, late = (odds / (1.0 + self._odds_left) for odds in self._odds_tails)
        active = 1.0 - self.left
        shape = r + self.groups.frequency

        def left_mean(of: Floats) -> Floats:
            mean: Floats = early * of[at_recency] - late * of[at_late]
            return mean

        by_r = (digamma(r + frequencies) - digamma(r) + np.log(alpha))[at_frequency]
        by_r = by_r - active * log_age_a - left_mean(log_a)
        by_alpha = r / alpha - shape * (active * (1.0 / (alpha + ages))[at_age] + left_mean(per_a))
        by_s = np.log(beta) - active * log_age_b + self.left / max(s, _TINY) - left_mean(log_b)
        by_beta = s / beta - active * s * (1.0 / (beta + ages))[at_age] - (s + 1) * left_mean(per_b)
        return by_r, by_alpha, by_s, by_beta
