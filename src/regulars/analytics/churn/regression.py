"""Logistic regression with a prior, its calibration, and how well an order of customers finds those who leave."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STEPS = 50
_ENOUGH = 1e-10
_HALVINGS = 30


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """Log-odds as a weighted sum: `intercept + x @ weights`."""

    intercept: float
    weights: Floats

    def log_odds(self, x: Floats) -> Floats:
        """Return the log-odds of every row."""
        return np.asarray(self.intercept + x @ self.weights)


def logistic(x: Floats, y: Floats, *, prior: float) -> Line:
    """Return the most probable line when weights of standardised columns have a normal prior of variance 1 / `prior`.

    Newton steps, halved where the objective would fall; it is concave, so there is one answer.

    Args:
        x: One row for each observation.
        y: 1 or 0 for each; both occur.
        prior: Above 0.

    References:
        Le Cessie and van Houwelingen (1992), Ridge estimators in logistic regression.
    """
    mean, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > _ENOUGH, spread, 1.0)
    z = np.column_stack([np.ones(len(x)), (x - mean) / spread])
    penalty = np.full(z.shape[1], prior)
    penalty[0] = 0.0
    weights = np.zeros(z.shape[1])
    weights[0] = np.log(y.mean() / (1 - y.mean()))
    objective = _loss(z, y, weights, penalty)
    for _ in range(_STEPS):
        p = expit(z @ weights)
        gradient = z.T @ (p - y) + penalty * weights
        curvature = z.T @ (z * (p * (1 - p))[:, None]) + np.diag(penalty)
        step = np.linalg.solve(curvature + _ENOUGH * np.eye(len(penalty)), gradient)
        for _ in range(_HALVINGS):
            tried = _loss(z, y, weights - step, penalty)
            # Near the answer rounding hides whether the objective still falls.
            if tried <= objective + _ENOUGH * abs(objective):
                break
            step = step / 2
        weights = weights - step
        if np.abs(step).max() < _ENOUGH:
            break
        objective = tried
    raw = weights[1:] / spread
    return Line(intercept=float(weights[0] - raw @ mean), weights=raw)


def expit(log_odds: Floats) -> Floats:
    """Return the probabilities of log-odds."""
    return np.asarray(0.5 * (1 + np.tanh(log_odds / 2)))


def recalibrated(log_odds: Floats, y: Floats) -> tuple[float, float]:
    """Return the slope and intercept that make log-odds told of rows not learned from agree with what happened.

    A slope below 1 takes back what was over-learned. Where even the direction failed, the slope is 0: nobody is told
    apart from anybody.

    References:
        Platt (1999), Probabilistic outputs for support vector machines.
    """
    line = logistic(log_odds[:, None], y, prior=_ENOUGH)
    slope = max(float(line.weights[0]), 0.0)
    return slope, level(slope * log_odds, y)


def level(log_odds: Floats, y: Floats) -> float:
    """Return what to add to the log-odds so that as many are expected to leave as did."""
    shift = 0.0
    for _ in range(_STEPS):
        p = expit(log_odds + shift)
        step = float((p.sum() - y.sum()) / (p * (1 - p)).sum())
        # Far from the answer a Newton step overshoots.
        shift -= float(np.clip(step, -1, 1))
        if abs(step) < _ENOUGH:
            break
    return shift


def auc(scores: Floats, y: Floats) -> float:
    """Return how probably one who left scores above one who stayed, ties counting half.

    References:
        Hanley and McNeil (1982), The meaning and use of the area under a ROC curve.
    """
    left = y == 1
    return float(pairs_won(scores, left)[left].mean())


def pairs_won(scores: Floats, happened: NDArray[np.bool_]) -> Floats:
    """Return of each row the share of pairs with a row of the other outcome that its score puts in order, ties counting half.

    Args:
        scores: Higher where it is likelier to happen.
        happened: Whether it did; it did to some, not to all.
    """
    from scipy.stats import rankdata  # noqa: PLC0415 - loads half of SciPy

    yes = int(happened.sum())
    rank = rankdata(scores)
    won = np.empty(len(scores))
    won[happened] = (rank[happened] - rankdata(scores[happened])) / (len(scores) - yes)
    won[~happened] = 1.0 - (rank[~happened] - rankdata(scores[~happened])) / yes
    return won


def average_precision(scores: Floats, y: Floats) -> float:
    """Return the precision at each place where one who left is found, on average; ties are taken together."""
    values, place = np.unique(-scores, return_inverse=True)
    found = np.bincount(place, weights=y, minlength=len(values))
    listed = np.bincount(place, minlength=len(values))
    return float((found * np.cumsum(found) / np.cumsum(listed)).sum() / y.sum())


def calibration_error(probabilities: Floats, y: Floats, *, bins: int = 10) -> float:
    """Return how far the mean probability of a bin lies from the share that left, on average over equally full bins.

    References:
        Naeini, Cooper and Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian binning.
    """
    groups = np.array_split(np.argsort(probabilities, kind="stable"), bins)
    apart = (abs(float((y[one] - probabilities[one]).sum())) for one in groups)
    return sum(apart) / len(y)


def _loss(z: Floats, y: Floats, weights: Floats, penalty: Floats) -> float:
    e = z @ weights
    return float(np.logaddexp(0, e).sum() - y @ e + 0.5 * penalty @ (weights * weights))
