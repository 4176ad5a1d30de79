"""Sufficient statistics of an arm: all that any comparison of means, proportions and ratios asks of the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import narwhals as nw
from narwhals.typing import IntoFrame

from regulars.analytics import facts, frames
from regulars.analytics.facts import Column, Kind

_MEASURE = Kind(
    rule="numbers, or true and false", holds=lambda dtype: dtype.is_numeric() or dtype == nw.Boolean
)


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Counts, means and centred products of an arm's columns.

    Centred products keep their digits where sums of squares lose them, and merge exactly.

    Attributes:
        units: How many units (customers) the arm has.
        means: Mean of each column.
        products: For each pair of columns in alphabetical order, the sum over units of the product of their
            distances from their means.
    """

    units: int
    means: Mapping[str, float]
    products: Mapping[tuple[str, str], float]

    def covariance(self, first: str, second: str) -> float:
        """Return the sample covariance of two columns (divided by units - 1); of one with itself, the variance."""
        pair = (first, second) if first <= second else (second, first)
        return self.products[pair] / (self.units - 1)

    def __add__(self, other: "Moments") -> "Moments":
        """Return the moments of both groups of units together.

        References:
            Chan, Golub, LeVeque (1979), Updating formulae and a pairwise algorithm for computing sample variances.
        """
        units = self.units + other.units
        if not units:
            return self
        share = other.units / units
        apart = {name: other.means[name] - mean for name, mean in self.means.items()}
        return Moments(
            units=units,
            means={name: mean + share * apart[name] for name, mean in self.means.items()},
            products={
                (first, second): product
                + other.products[first, second]
                + apart[first] * apart[second] * self.units * share
                for (first, second), product in self.products.items()
            },
        )


def of_arms(units: IntoFrame, *, arm: str, columns: Sequence[str]) -> dict[str, Moments]:
    """Return the moments of every arm, by one query on the engine that holds the units.

    Args:
        units: One row for each randomised unit: customer_id, the arm, the columns.
        arm: Name of the column that tells the arm.
        columns: Columns to measure.

    Returns:
        Moments by arm, arms as text, in alphabetical order.

    Raises:
        FactsError: A column is missing, of the wrong type, or has gaps; a customer occurs twice in a table in
            memory.
    """
    names = sorted(set(columns))
    read = [
        Column(name="customer_id", dtype=nw.Int64, kind=facts.ID, meaning="the randomised customer"),
        Column(name=arm, dtype=nw.String, kind=facts.ID, meaning="the arm the customer was assigned to"),
        *(Column(name=name, dtype=nw.Float64, kind=_MEASURE, meaning="a measure") for name in names),
    ]
    opened = facts.open_table(units, name="units", columns=read, grain="customer_id")
    pairs = list(combinations_with_replacement(names, 2))
    values = opened.frame.with_columns(nw.col(*names).cast(nw.Float64))
    centred = values.with_columns(
        *((nw.col(name) - nw.col(name).mean().over(arm)).alias(f"{name} centred") for name in names)
    )
    multiplied = centred.with_columns(
        *(
            (nw.col(f"{first} centred") * nw.col(f"{second} centred")).alias(f"{first} by {second}")
            for first, second in pairs
        )
    )
    query = multiplied.group_by(arm).agg(
        nw.len().alias("units in all"),
        *(nw.col(name).mean().alias(f"{name} mean") for name in names),
        *(nw.col(f"{first} by {second}").sum().alias(f"{first} by {second}") for first, second in pairs),
    )
    (settled,) = opened.settle(query)
    found = {
        str(row[arm]): Moments(
            units=int(row["units in all"]),
            means={name: float(row[f"{name} mean"]) for name in names},
            products={(first, second): float(row[f"{first} by {second}"]) for first, second in pairs},
        )
        for row in frames.rows(settled)
    }
    return dict(sorted(found.items()))
