"""Customers as the models see them: distinct histories with how many customers share each."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]

_LARGEST_TABLE = 50_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Groups:
    """Distinct (frequency, recency, age) with counts: all that a purchase model asks of the data.

    A likelihood evaluation costs one pass over distinct histories and takes every logarithm and gamma
    function from tables of the distinct frequencies and ages, which are few however many customers there
    are.

    Attributes:
        frequency: Repeat occasions, x in the papers.
        recency: Units from the first to the last occasion, t_x; 0 where frequency is 0.
        age: Units from the first occasion to the as-of day, T.
        customers: How many customers share the history.
        log_gap_sum: Sum over all customers of the logarithms of the gaps between occasions, in units.
    """

    frequency: Floats
    recency: Floats
    age: Floats
    customers: Floats
    log_gap_sum: float = 0.0

    @classmethod
    def of(
        cls, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, *, log_gap_sum: float = 0.0
    ) -> Self:
        """Return the groups of customers given one by one."""
        columns = np.column_stack([np.asarray(c, dtype=np.float64) for c in (frequency, recency, age)])
        distinct, counts = np.unique(columns, axis=0, return_counts=True)
        return cls(
            frequency=distinct[:, 0],
            recency=distinct[:, 1],
            age=distinct[:, 2],
            customers=counts.astype(np.float64),
            log_gap_sum=log_gap_sum,
        )

    def __len__(self) -> int:
        return len(self.frequency)

    @cached_property
    def buyers(self) -> int:
        """Customers in all."""
        return int(self.customers.sum())

    @cached_property
    def repeat_buyers(self) -> int:
        """Customers with at least one repeat occasion."""
        return int(self.customers[self.frequency > 0].sum())

    @cached_property
    def repeat_occasions(self) -> float:
        """Repeat occasions of all customers together."""
        return float(self.customers @ self.frequency)

    @cached_property
    def frequencies(self) -> tuple[Floats, Indices]:
        """Distinct frequencies, and for every history the position of its own among them."""
        values, index = np.unique(self.frequency, return_inverse=True)
        return values, index

    @cached_property
    def recencies(self) -> tuple[Floats, Indices]:
        """Distinct recencies with the position of every history's own."""
        values, index = np.unique(self.recency, return_inverse=True)
        return values, index

    @cached_property
    def ages(self) -> tuple[Floats, Indices]:
        """Distinct ages with the position of every history's own."""
        values, index = np.unique(self.age, return_inverse=True)
        return values, index

    def by_frequency(self, values: Floats) -> Floats:
        """Return the sums of values over the histories of each distinct frequency."""
        frequencies, index = self.frequencies
        return _sums(values, index, len(frequencies))

    def by_recency(self, values: Floats) -> Floats:
        """Return the sums of values over the histories of each distinct recency."""
        recencies, index = self.recencies
        return _sums(values, index, len(recencies))

    def by_age(self, values: Floats) -> Floats:
        """Return the sums of values over the histories of each distinct age."""
        ages, index = self.ages
        return _sums(values, index, len(ages))

    @cached_property
    def moments(self) -> tuple[Floats, Floats, Indices, Indices]:
        """Distinct (frequency, moment) pairs, the moment being a recency or an age, and where each stands.

        Returns:
            Frequencies and moments of the pairs, and for every history the position of (frequency,
            recency) and of (frequency, age) among them.
        """
        frequencies, at_frequency = self.frequencies
        moments, at_moment = np.unique(np.concatenate([self.recency, self.age]), return_inverse=True)
        code = np.concatenate([at_frequency, at_frequency]) * len(moments) + at_moment
        pairs, index = _distinct(code, size=len(frequencies) * len(moments))
        frequency, moment = frequencies[pairs // len(moments)], moments[pairs % len(moments)]
        return frequency, moment, index[: len(self)], index[len(self) :]

    @cached_property
    def rates(self) -> "tuple[Groups, Indices]":
        """Distinct (frequency, age) as histories without a recency, and the position of every history's own."""
        frequencies, at_frequency = self.frequencies
        ages, at_age = self.ages
        pairs, index = _distinct(at_frequency * len(ages) + at_age, size=len(frequencies) * len(ages))
        frequency, age = frequencies[pairs // len(ages)], ages[pairs % len(ages)]
        customers = _sums(self.customers, index, len(pairs))
        return Groups(frequency=frequency, recency=np.zeros(len(pairs)), age=age, customers=customers), index

    def thinned(self, most: int) -> "Groups":
        """Return about `most` histories spread evenly over the sorted table, standing for all.

        Starting points are tried on these; the fit itself uses every history.
        """
        if len(self) <= most:
            return self
        (_, x), (recencies, t_x), (ages, t) = self.frequencies, self.recencies, self.ages
        order = np.argsort((x * len(recencies) + t_x) * len(ages) + t)
        kept = order[:: -(-len(self) // most)]
        scale = self.buyers / self.customers[kept].sum()
        return Groups(
            frequency=self.frequency[kept],
            recency=self.recency[kept],
            age=self.age[kept],
            customers=self.customers[kept] * scale,
            log_gap_sum=self.log_gap_sum,
        )


def _distinct(code: Indices, *, size: int) -> tuple[Indices, Indices]:
    """Return distinct codes and the position of each among them; a table of all codes is faster than sorting."""
    if size > _LARGEST_TABLE:
        values, index = np.unique(code, return_inverse=True)
        return values, index
    occurs = np.zeros(size, dtype=bool)
    occurs[code] = True
    place = np.cumsum(occurs) - 1
    return np.flatnonzero(occurs), place[code]


def _sums(values: Floats, index: Indices, size: int) -> Floats:
    return np.bincount(index, weights=values, minlength=size).astype(np.float64)
