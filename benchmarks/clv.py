"""CLV: fit and score, beside the package lifetimes on the same summary.

A million customers of three years are drawn from a BG/NBD shop of which the parameters are known, summarised to
the day in weeks. Both fit a model and then score every customer's P(alive) and expected purchases in 52 weeks.

    uv run python -m benchmarks clv [--customers 1000000] [--repeat 5]

lifetimes runs once, Regulars `--repeat` times (the median counts). lifetimes would take about an hour for
Pareto/NBD on a million, so both fit that on every tenth customer; that row is marked, nothing is extrapolated.
Seconds are wall clock; CPU seconds are beside them, for machines that are busy with something else.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from statistics import median

import numpy as np
import polars as pl
from lifetimes import BetaGeoFitter, ParetoNBDFitter
from numpy.typing import NDArray

from regulars.analytics import clv

SEED = 20_260_101
YEARS_DAYS = 3 * 365
HORIZON_WEEKS = 52
TRUTH = {"r": 0.5, "alpha": 6.0, "a": 0.8, "b": 2.4}


def draw(customers: int) -> pl.DataFrame:
    """Return the summary of a shop whose customers obey BG/NBD with `TRUTH`, times to the day."""
    rng = np.random.default_rng(SEED)
    rate = rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"], customers) / 7
    leaves = rng.beta(TRUTH["a"], TRUTH["b"], customers)
    age = rng.integers(1, YEARS_DAYS, customers)
    frequency = np.zeros(customers, dtype=np.int64)
    recency = np.zeros(customers, dtype=np.int64)
    at = np.zeros(customers)
    active = np.arange(customers)
    while len(active):
        at[active] += rng.exponential(1.0, len(active)) / rate[active]
        active = active[at[active] <= age[active]]
        day = np.ceil(at[active]).astype(np.int64)
        # Several purchases on one day are one occasion.
        frequency[active] += day > recency[active]
        recency[active] = day
        active = active[rng.random(len(active)) >= leaves[active]]
    return pl.DataFrame(
        {
            "customer_id": np.arange(customers),
            "frequency": frequency,
            "recency": recency / 7,
            "age": age / 7,
        }
    )


@dataclass(frozen=True, kw_only=True)
class Run:
    """One fit and scoring."""

    params: dict[str, float]
    expected: NDArray[np.float64]
    seconds: float
    cpu_seconds: float


def timed(work: Callable[[], tuple[dict[str, float], NDArray[np.float64]]]) -> Run:
    """Run and time."""
    start, cpu_start = time.perf_counter(), time.process_time()
    params, expected = work()
    return Run(
        params=params,
        expected=expected,
        seconds=time.perf_counter() - start,
        cpu_seconds=time.process_time() - cpu_start,
    )


def ours(summary: pl.DataFrame, *, model: clv.PurchaseModel) -> tuple[dict[str, float], NDArray[np.float64]]:
    """Fit and score with Regulars."""
    fitted = clv.fit(summary, model=model)
    fitted.p_alive(summary)
    expected = fitted.expected_purchases(summary, horizon=HORIZON_WEEKS)
    return dict(fitted.params), expected["expected_purchases"].to_numpy()


def theirs(
    summary: pl.DataFrame, *, model: clv.PurchaseModel
) -> tuple[dict[str, float], NDArray[np.float64]]:
    """Fit and score with lifetimes."""
    x, t_x, age = (summary[name].to_numpy() for name in ("frequency", "recency", "age"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitter = BetaGeoFitter() if model == "bg_nbd" else ParetoNBDFitter()
        fitter.fit(x, t_x, age)
        fitter.conditional_probability_alive(x, t_x, age)
        expected = fitter.conditional_expected_number_of_purchases_up_to_time(HORIZON_WEEKS, x, t_x, age)
    return dict(fitter.params_), np.asarray(expected)


def compare(summary: pl.DataFrame, *, model: clv.PurchaseModel, repeat: int) -> None:
    """Print the rows of one model."""
    print(f"\n{model}, {summary.height:,} customers")
    runs = [timed(lambda: ours(summary, model=model)) for _ in range(repeat)]
    baseline = timed(lambda: theirs(summary, model=model))
    seconds = median(run.seconds for run in runs)
    cpu_seconds = median(run.cpu_seconds for run in runs)
    print(f"  regulars   {seconds:8.2f} s  {cpu_seconds:8.2f} CPU s  (median of {repeat})")
    print(f"  lifetimes  {baseline.seconds:8.2f} s  {baseline.cpu_seconds:8.2f} CPU s  (once)")
    print(f"  ratio      {baseline.seconds / seconds:8.1f} x  {baseline.cpu_seconds / cpu_seconds:8.1f} x")
    params = runs[0].params
    apart = {name: abs(value - baseline.params[name]) for name, value in params.items()}
    print("  parameters", {name: round(value, 4) for name, value in params.items()})
    print("  apart     ", {name: f"{value:.1e}" for name, value in apart.items()})
    off = np.nanmax(np.abs(runs[0].expected - baseline.expected))
    print(f"  expected purchases: largest difference {off:.1e}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="CLV: fit and score, beside lifetimes.")
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    asked = parser.parse_args()
    summary = draw(asked.customers)
    distinct = summary.select("frequency", "recency", "age").unique().height
    print(f"{asked.customers:,} customers, {distinct:,} distinct histories, seed {SEED}")
    print("  ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "polars", "lifetimes")))
    compare(summary, model="bg_nbd", repeat=asked.repeat)
    compare(summary.gather_every(10), model="pareto_nbd", repeat=asked.repeat)


if __name__ == "__main__":
    main()
