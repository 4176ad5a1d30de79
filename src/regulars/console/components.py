"""What the template parts of the console are given: figures, charts, timelines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from django.utils.functional import Promise

Words = str | Promise
Sense = Literal["good", "bad", "neutral"]


@dataclass(frozen=True, kw_only=True)
class How:
    """How a figure is computed: what the small "how" beside it opens."""

    definition: Words
    formula: Words = ""
    filters: Words = ""
    as_of: Words = ""
    customers_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """How a figure moved: "+2.1 points" "against November". `value` carries sign and unit."""

    value: Words
    against: Words
    direction: Literal["up", "down", "flat"] = "flat"
    sense: Sense = "neutral"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure of an overview. `too_little` says what is missing when there is no honest value.

    `key` is unique on the page. `exact` is shown on hover when `value` is rounded. `interval` says between what the true one lies.
    """

    key: str
    label: Words
    value: Words = ""
    exact: Words = ""
    interval: Words = ""
    change: Change | None = None
    how: How | None = None
    url: str = ""
    too_little: Words = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A chart's data to read: the first column names the row. Cells are formatted text."""

    head: Sequence[Words]
    rows: Sequence[Sequence[Words]]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart: its options for ECharts and everything a person needs beside the picture.

    `option` is plain JSON. A string that starts with two dashes names a colour of the theme
    ("--rg-mark-vip"). "formatter" and "valueFormatter" may be one of count, exact, percent, money,
    money-exact, date, month; money is in minor units of `currency`, dates are day numbers. A data point
    with "href" opens that page. `narrow` replaces top-level options on a phone.
    """

    key: str
    title: Words
    option: Mapping[str, object]
    table: Table
    summary: Words
    unit: Words = ""
    how: How | None = None
    csv_url: str = ""
    currency: str = ""
    size: Literal["s", "m", "l"] = "m"
    narrow: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that happened, in a timeline. `when` is formatted; `at` is for machines (ISO 8601)."""

    icon: str
    title: Words
    when: Words
    at: datetime | str = ""
    text: Words = ""
    amount: Words = ""
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Chip:
    """A filter in force and the address without it."""

    label: Words
    remove_url: str


@dataclass(frozen=True, kw_only=True)
class Pager:
    """Where a keyset list continues; empty where it ends."""

    previous_url: str = ""
    next_url: str = ""
    summary: Words = ""
