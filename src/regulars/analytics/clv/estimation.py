"""Finding the parameters: several starts, bounds, a prior where data are few, and what can be said of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regulars.analytics.clv.groups import Floats

# Logarithms of parameters are kept inside this: beyond it gamma functions of differences lose their digits,
# and nothing that a merchant could see depends on how far beyond a parameter lies.
_LOWEST, _HIGHEST = np.log(1e-6), np.log(1e6)
_GRADIENT_ENOUGH = 1e-7
_FIRST_STEPS = 3
_POLISHING_STEPS = 25
_NEAR = 1e-4
_STEP = 1e-3
_ROUNDING = 1e-12
_AGREEING = 0.01
_FLAT = 1e-8

Objective = Callable[[Floats], tuple[float, Floats]]


@dataclass(frozen=True, kw_only=True)
class Convergence:
    """How the search for the parameters ended.

    Attributes:
        converged: The gradient vanished, or points out of the allowed box at an edge.
        statement: The same in a sentence, with what was seen at the edges.
        starts: Starting points tried.
        starts_agreeing: How many of them reached the best likelihood, within .01.
        evaluations: Evaluations of the likelihood with its gradient, over all starts.
        gradient: Largest derivative by a parameter's logarithm, per customer.
    """

    converged: bool
    statement: str
    starts: int
    starts_agreeing: int
    evaluations: int
    gradient: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Maximum:
    """Where an objective is largest.

    Attributes:
        at: Logarithms of the parameters.
        value: The objective there.
        gradient: Its gradient there, zero along edges that hold it.
        covariance: Inverse curvature; infinite for parameters on an edge or without curvature.
        on_edge: Which parameters lie on the edge of the allowed box.
        starts_agreeing: How many starts reached the best value, within .01.
        evaluations: Evaluations of the objective.
    """

    at: Floats
    value: float
    gradient: Floats
    covariance: Floats
    on_edge: tuple[bool, ...]
    starts_agreeing: int
    evaluations: int


def maximise(*, rough: Objective, full: Objective, starts: Sequence[Floats], scale: float) -> Maximum:
    """Return the maximum of a smooth objective over logarithms of positive parameters.

    Every start climbs the `rough` objective (the same on fewer histories). From the best of them Newton steps lead
    to the top of `full`, which is evaluated only a dozen times; where they fail it is climbed as well.

    Args:
        rough: Objective for trying starts; may be `full` itself.
        full: The objective, with its gradient.
        starts: Logarithms of starting parameters, at least one.
        scale: Typical size of the objective, such as the number of customers.
    """
    # Matrices of four parameters: threads that wait for each other would take ten times as long.
    with _libraries().limit(limits=1, user_api="blas"):
        return _maximum(rough=rough, full=full, starts=starts, scale=scale)


@cache
def _libraries() -> Any:  # noqa: ANN401 - a library without types
    import scipy.optimize  # noqa: F401, PLC0415 - only libraries that are loaded can be told
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415 - only those who fit pay for loading it

    return ThreadpoolController()


def _maximum(*, rough: Objective, full: Objective, starts: Sequence[Floats], scale: float) -> Maximum:
    counted = [0]
    climbs = [_climb(rough, _inside(start), scale=scale, counted=counted) for start in starts]
    best, best_value = max(climbs, key=lambda climb: climb[1])
    agreeing = sum(best_value - value < _AGREEING for _, value in climbs)
    near = _polish(full, best, _curvature(rough, best, counted=counted), steps=_FIRST_STEPS, counted=counted)
    curvature = _curvature(full, near, counted=counted)
    at = _polish(full, near, curvature, steps=_POLISHING_STEPS, counted=counted)
    value, gradient = full(at)
    if _steepness(at, gradient) > _FLAT * scale:
        near = _climb(full, at, scale=scale, counted=counted)[0]
        at = _polish(
            full, near, _curvature(full, near, counted=counted), steps=_POLISHING_STEPS, counted=counted
        )
        value, gradient = full(at)
    if np.abs(at - near).max() > _NEAR:
        curvature = _curvature(full, at, counted=counted)
    on_edge = _held(at, gradient)
    return Maximum(
        at=at,
        value=value,
        gradient=np.where(on_edge, 0.0, gradient),
        covariance=_inverse(curvature, on_edge),
        on_edge=tuple(bool(edge) for edge in on_edge),
        starts_agreeing=agreeing,
        evaluations=counted[0],
    )


def _inside(at: Floats) -> Floats:
    clipped: Floats = np.clip(at, _LOWEST, _HIGHEST)
    return clipped


def _climb(objective: Objective, start: Floats, *, scale: float, counted: list[int]) -> tuple[Floats, float]:
    def descend(at: Floats) -> tuple[float, Floats]:
        counted[0] += 1
        value, gradient = objective(at)
        return -value / scale, -gradient / scale

    from scipy.optimize import minimize  # noqa: PLC0415 - only those who fit pay for loading it

    found = minimize(
        descend,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(_LOWEST, _HIGHEST)] * len(start),
        options={"maxiter": 500, "ftol": 1e-14, "gtol": _GRADIENT_ENOUGH},
    )
    at: Floats = found.x
    return at, -float(found.fun) * scale


def _held(at: Floats, gradient: Floats) -> NDArray[np.bool_]:
    """Return which parameters lie on an edge that the objective would cross."""
    held: NDArray[np.bool_] = ((at <= _LOWEST + 1e-9) & (gradient <= 0)) | (
        (at >= _HIGHEST - 1e-9) & (gradient >= 0)
    )
    return held


def _steepness(at: Floats, gradient: Floats) -> float:
    return float(np.abs(gradient[~_held(at, gradient)]).max(initial=0.0))


def _polish(objective: Objective, at: Floats, curvature: Floats, *, steps: int, counted: list[int]) -> Floats:
    """Take Newton steps, all with the same curvature, while they flatten the gradient."""
    value, gradient = objective(at)
    counted[0] += 1
    for _ in range(steps):
        free = ~_held(at, gradient)
        step = np.zeros_like(at)
        step[free] = np.linalg.lstsq(curvature[np.ix_(free, free)], gradient[free], rcond=1e-12)[0]
        tried = _inside(at + step)
        tried_value, tried_gradient = objective(tried)
        counted[0] += 1
        # Close to the top the value is all rounding; the gradient still tells which way is up.
        lower = tried_value < value - _ROUNDING * abs(value)
        if lower or not _steepness(tried, tried_gradient) < _steepness(at, gradient):
            break
        at, value, gradient = tried, tried_value, tried_gradient
    return at


def _curvature(objective: Objective, at: Floats, *, counted: list[int]) -> Floats:
    """Return minus the second derivatives, by central differences of the exact gradient.

    The step is wide enough to drown the gradient's rounding, so that every engine gives the same figures; what it
    leaves out is a millionth of the curvature.
    """
    counted[0] += 2 * len(at)
    rows = [
        (objective(at - _STEP * unit)[1] - objective(at + _STEP * unit)[1]) / (2 * _STEP)
        for unit in np.eye(len(at))
    ]
    matrix = np.stack(rows)
    return (matrix + matrix.T) / 2


def _inverse(curvature: Floats, on_edge: NDArray[np.bool_]) -> Floats:
    """Return the covariance of the free parameters; infinite where the data do not say."""
    covariance = np.diag(np.full(len(curvature), np.inf))
    free = ~on_edge
    if not free.any():
        return covariance
    values, vectors = np.linalg.eigh(curvature[np.ix_(free, free)])
    if values.min() > 1e-10 * max(values.max(), 1e-300):
        covariance[np.ix_(free, free)] = vectors @ np.diag(1 / values) @ vectors.T
    return covariance
