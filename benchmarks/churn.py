"""Churn alert on Complete Journey: how well it finds who leaves, what each idea bought, and what it costs.

Learned on days 120 to 218 every 14, told for days 280, 301 and 322: who does not buy in [t + 14, t + 42)?

    uv run python -m benchmarks churn

The ideas are judged on the days learned from only, each household forecast by a model of the others (ten folds): so were they
chosen. The test days are told once, with the whole.
"""

import argparse
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version

import numpy as np
import polars as pl
from numpy.typing import NDArray
from tests.analytics import complete_journey

from regulars.analytics import churn, facts
from regulars.analytics.churn import regression

LEARNED = tuple(range(120, 219, 14))
TOLD = (280, 301, 322)
FOLDS = 10
SEED = 20_260_104
Floats = NDArray[np.float64]

_SIX = ("visits", "periods", "spend", "silence", "basket", "gaps")
IDEAS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("visits, each weighed by how long ago", ("visits",)),
    ("+ periods with a visit", ("visits", "periods")),
    ("+ spend of the horizon, square root", ("visits", "periods", "spend")),
    ("+ silence over the own gap", ("visits", "periods", "spend", "silence")),
    ("+ products of a basket", ("visits", "periods", "spend", "silence", "basket")),
    ("+ share of the record in long gaps", _SIX),
    ("+ silence times periods with a visit", (*_SIX, "silence of regulars")),
)


def main() -> None:
    """Print the tables."""
    argparse.ArgumentParser(description="Churn alert on Complete Journey.").parse_args()
    print(f"seed {SEED}; " + ", ".join(f"{name} {version(name)}" for name in ("numpy", "polars", "narwhals")))
    ideas()
    told()


def ideas() -> None:
    """What each idea bought, on the days learned from."""
    seen = pl.concat(list(_seen(LEARNED)))
    y = seen["left"].to_numpy().astype(np.float64)
    households = seen["customer_id"].unique().sort()
    drawn = np.random.default_rng(SEED).permutation(len(households)) % FOLDS
    fold = seen.join(
        pl.DataFrame({"customer_id": households, "fold": drawn}), on="customer_id", maintain_order="left"
    )["fold"]
    print(f"\nOther households, days {LEARNED[0]} to {LEARNED[-1]}: {len(y):,} rows, {y.mean():.1%} left\n")
    header()
    for name, traits, prior in [
        *((*idea, 1.0) for idea in IDEAS),
        ("+ prior 30 instead of 1", IDEAS[-1][1], 30.0),
    ]:
        x = seen.select(f"trait {trait}" for trait in traits).to_numpy()
        scores = np.zeros(len(y))
        for one in range(FOLDS):
            told = (fold == one).to_numpy()
            scores[told] = regression.logistic(x[~told], y[~told], prior=prior).log_odds(x[told])
        row(name, y, {"score": scores})


def told() -> None:
    """The test days: simple rules and the model."""
    cpu = time.process_time()
    orders, lines = complete_journey.orders(), complete_journey.lines()
    start = complete_journey.FIRST_DAY - 1
    cpu = time.process_time()
    model = churn.fit(orders, lines=lines, as_of_days=[start + t for t in LEARNED], lead_days=15)
    fitted = time.process_time() - cpu
    if isinstance(model, churn.NotEnoughData):
        raise SystemExit(str(model))
    cpu = time.process_time()
    scored = pl.concat(
        model.score(
            facts.until(orders, as_of_day=start + t),
            lines=facts.until(lines, as_of_day=start + t),
            as_of_day=start + t,
        ).with_columns(t=pl.lit(t))
        for t in TOLD
    )
    seconds = time.process_time() - cpu
    seen = pl.concat(list(_seen(TOLD))).join(scored, on=("customer_id", "t"), maintain_order="left")
    y = seen["left"].to_numpy().astype(np.float64)
    print(f"\nDays {TOLD}: {len(y):,} rows, {y.mean():.1%} left\n")
    header()
    silence = seen["silence_days"].to_numpy().astype(np.float64)
    row("recency / mean gap", y, {"score": silence / seen["mean_gap"].to_numpy()})
    row("recency", y, {"score": silence})
    row("visits of the last 28 days", y, {"score": -seen["horizon_occasions"].to_numpy().astype(np.float64)})
    probability = seen["probability"].to_numpy()
    row("**Regulars**", y, {"score": probability, "probability": probability})
    print(f"\nfit {fitted:.2f} CPU s, score {seconds / len(TOLD):.2f} CPU s a day; {model.held_out}")
    error(seen["customer_id"].to_numpy(), probability, y)
    print("\n| told | of | left | share |\n|---|---|---|---|")
    for group in np.array_split(np.argsort(probability), 10):
        print(
            f"| {probability[group].mean():.3f} | {len(group)} | {int(y[group].sum())} | {y[group].mean():.3f} |"
        )


def error(households: NDArray[np.int64], scores: Floats, y: Floats) -> None:
    """Print the standard errors, households drawn again."""
    rng = np.random.default_rng(SEED)
    rows = {one: np.flatnonzero(households == one) for one in np.unique(households)}
    found = []
    for _ in range(200):
        drawn = np.concatenate([rows[one] for one in rng.choice(list(rows), len(rows))])
        found.append(figures(scores[drawn], y[drawn]))
    print("standard errors by household: " + ", ".join(f"{value:.4f}" for value in np.std(found, axis=0)))


def figures(scores: Floats, y: Floats) -> tuple[float, float, float]:
    """Return AUC, average precision, and the precision of the top 10 %."""
    top = np.argsort(-scores, kind="stable")[: round(len(y) / 10)]
    return regression.auc(scores, y), regression.average_precision(scores, y), float(y[top].mean())


def header() -> None:
    """Print the head of a table."""
    print(
        "| signal | AUC | average precision | precision, top 10 % | calibration error |\n|---|---|---|---|---|"
    )


def row(name: str, y: Floats, told: Mapping[str, Floats]) -> None:
    """Print a row."""
    auc, precision, top = figures(told["score"], y)
    apart = f"{regression.calibration_error(told['probability'], y):.4f}" if "probability" in told else ""
    print(f"| {name} | {auc:.4f} | {precision:.4f} | {top:.4f} | {apart} |")


def _seen(days: tuple[int, ...]) -> Iterator[pl.DataFrame]:
    """Yield what the model sees of each day, and who left."""
    from regulars.analytics.churn import labels, traits  # noqa: PLC0415 - the inside, for the ideas only

    orders, lines = complete_journey.orders(), complete_journey.lines()
    visits = orders.group_by("customer_id", "day").len().sort("customer_id", "day")
    for t in days:
        day = complete_journey.FIRST_DAY + t - 1
        sources = traits.open_sources(orders, lines=lines, events=None, tickets=None, as_of_day=None)
        seen = traits.observe(sources, as_of_day=day, horizon_days=28, active=churn.Active())
        known = labels.with_outcome(seen, sources.occasions, start_day=day + 15, horizon_days=28)
        shown = known.with_columns(
            trait.expression.alias(f"trait {trait.name}")
            for trait in traits.TRAITS
            if trait.source in sources.present
        )
        gaps = (
            visits.filter(pl.col("day") <= day)
            .group_by("customer_id")
            .agg(mean_gap=pl.col("day").diff().mean())
        )
        table: pl.DataFrame = shown.to_native().collect().with_columns(t=pl.lit(t))
        yield table.join(gaps, on="customer_id", how="left").sort("customer_id")


if __name__ == "__main__":
    main()
