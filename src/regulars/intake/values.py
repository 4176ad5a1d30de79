"""Expressions that turn a file's cells into texts, exact numbers and times.

A number is an integer of millionths (`micro`): decimals are read exactly to six places, and floats, which
Parquet and Excel files hold, are rounded to six places first, so that 1.005 is 1.005.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product

import polars as pl

MICRO = 1_000_000
# Beyond this a "number" is a mistake, and its millionths would not fit 64 bits.
_LARGEST = 10**12

_SPACES = " \t\r\n\u00a0\u3000\ufeff\u200b"
_MISSING = (
    "",
    "null",
    "Null",
    "NULL",
    "none",
    "None",
    "NONE",
    "nan",
    "NaN",
    "NAN",
    "n/a",
    "N/A",
    "#N/A",
    "-",
    "--",
)
_HAN = r"[\u3400-\u9fff·]+"
_CURRENCY = r"(?i)(us\$|hk\$|nt\$|rmb|cny|usd|eur|gbp|jpy|hkd|twd|krw|aud|cad|chf|[¥$€£₩₹₽元円])"
# How amounts of a currency are marked, as `_CURRENCY` finds it. Of a currency that is not here nothing is said.
_MARKS = {
    "CNY": ("¥", "元", "rmb", "cny"), "JPY": ("¥", "円", "jpy"), "USD": ("$", "us$", "usd"), "HKD": ("$", "hk$", "元", "hkd"),
    "TWD": ("$", "nt$", "元", "twd"), "AUD": ("$", "aud"), "CAD": ("$", "cad"), "EUR": ("€", "eur"), "GBP": ("£", "gbp"),
    "KRW": ("₩", "krw"), "INR": ("₹",), "RUB": ("₽",), "CHF": ("chf",),
}  # fmt: skip
_CURRENCY_NAMES = {"RMB": "CNY", "CNH": "CNY", "人民币": "CNY", "人民幣": "CNY", "美元": "USD", "NTD": "TWD"}
_GROUPED = {
    ".": r"^[-+]?\d{1,3}(,\d{2,3})*,\d{3}(\.\d*)?$",
    ",": r"^[-+]?\d{1,3}(\.\d{3})+(,\d*)?$",
}

_DATES_YEAR_FIRST = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d")
_DATES_DAY_FIRST = ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d/%m/%y", "%d-%m-%y", "%d.%m.%y")
_DATES_MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y", "%m.%d.%Y", "%m/%d/%y", "%m-%d-%y", "%m.%d.%y")
_DATES_NAMED = ("%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%d. %B %Y")
_TIMES = (
    "", " %H:%M", " %H:%M:%S", " %H:%M:%S%.f", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p",
    "T%H:%M", "T%H:%M:%S", "T%H:%M:%S%.f", "T%H:%M:%SZ", "T%H:%M:%S%.fZ", "T%H:%M:%S%z", "T%H:%M:%S%.f%z",
    " %H:%M:%S %z", " %H:%M:%S%z", " %H:%M:%S UTC", " %H时%M分%S秒", " %H时%M分",
)  # fmt: skip
DATE_FORMATS = tuple(
    date + time
    for date, time in product(
        _DATES_YEAR_FIRST + _DATES_DAY_FIRST + _DATES_MONTH_FIRST + _DATES_NAMED, _TIMES
    )
)
# Formats of numbers that are times.
EXCEL_SERIAL, EPOCH_SECONDS, EPOCH_MILLISECONDS, EPOCH_MICROSECONDS = "excel", "epoch", "epoch_ms", "epoch_us"
# What forms hold where nobody buys for a company.
_NO_COMPANY = ("none", "n/a", "na", "null", "private", "individual", "无", "無", "个人", "個人")
_FORMAT_SAMPLE = 200
_EARLIEST, _LATEST = datetime(1970, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001  wall times


def text(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return cells as trimmed texts; what only says that nothing is there is null.

    Whole floats lose their point: 17850.0 is "17850".
    """
    if dtype.is_float():
        whole = (column == column.round(0)) & (column.abs() < 2**53)
        return (
            pl.when(whole)
            .then(column.cast(pl.Int64, strict=False).cast(pl.String))
            .otherwise(column.cast(pl.String))
        )
    if dtype.is_decimal():
        return column.cast(pl.String).str.replace(r"\.0+$", "")
    if dtype != pl.String:
        return column.cast(pl.String)
    trimmed = column.str.strip_chars(_SPACES)
    return pl.when(~trimmed.is_in(_MISSING)).then(trimmed)


def company(column: pl.Expr) -> pl.Expr:
    """Return the names of companies without doubled spaces; what has no letter, or says that there is none, is null."""
    name = column.str.replace_all(r"\s+", " ").str.strip_chars()
    is_one = name.str.contains(r"\p{L}") & ~name.str.to_lowercase().is_in(_NO_COMPANY)
    return pl.when(is_one).then(name)


def code(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return cells as the texts of codes: as `text`, and without the wrapping of Excel's `="0012"` and `'0012`."""
    return text(column.str.strip_chars(_SPACES + "=\"'") if dtype == pl.String else column, dtype)


def whole_name(first: str, last: str) -> str:
    """Return a name from its parts: the family's first, and without a blank, where both are Chinese."""
    if first and last and re.fullmatch(_HAN, first + last):
        return last + first
    return f"{first} {last}".strip()


def whole_names(first: str, last: str) -> pl.Expr:
    """Return the names of two columns, as `whole_name`; null where neither says anything."""
    is_chinese = pl.concat_str(first, last).str.contains(f"^{_HAN}$")
    told = pl.concat_str(first, last, separator=" ", ignore_nulls=True)
    return pl.when(is_chinese).then(pl.concat_str(last, first)).when(told != "").then(told)


def micro(cells: pl.Series, *, decimal: str) -> pl.Series:
    """Return numbers as Int64 millionths; null where a cell is no number, or too large for one.

    Args:
        cells: Numbers, or texts.
        decimal: "." or ",", the mark before the decimals of a text.
    """
    frame = cells.to_frame("cell")
    cell, dtype = pl.col("cell"), cells.dtype
    if dtype.is_integer():
        exact = frame.select(cell.cast(pl.Int128) * MICRO)
    elif dtype.is_numeric():
        exact = frame.select(cell.cast(pl.Decimal(38, 6), strict=False).to_physical())
    else:
        frame = frame.select(text(cell, dtype))
        plain = cell.str.to_decimal(scale=6).to_physical()
        if decimal == ",":
            plain = pl.when(~cell.str.contains(".", literal=True)).then(plain)
        exact = frame.select(plain)
        if exact["cell"].null_count() > frame["cell"].null_count():
            written = _written_number(cell, decimal).str.to_decimal(scale=6).to_physical()
            exact = frame.select(plain.fill_null(written))
    return exact.select(pl.when(cell.abs() <= _LARGEST * MICRO).then(cell).cast(pl.Int64))["cell"]


def of_another_currency(cells: pl.Series, currency: str) -> pl.Series:
    """Return which amounts are marked as ones of another currency than the ISO 4217 code `currency`: `$5` where that is CNY."""
    if cells.dtype != pl.String or currency not in _MARKS:
        return pl.Series(cells.name, [False], dtype=pl.Boolean).new_from_index(0, len(cells))
    mark = pl.col("cell").str.normalize("NFKC").str.extract(_CURRENCY).str.to_lowercase()
    is_other = mark.is_not_null() & ~mark.is_in(_MARKS[currency])
    return cells.to_frame("cell").select(is_other)["cell"].rename(cells.name)


def currency_code(told: pl.Expr) -> pl.Expr:
    """Return what a column of currencies says as ISO 4217 codes."""
    return told.str.to_uppercase().replace(_CURRENCY_NAMES)


def _written_number(plain: pl.Expr, decimal: str) -> pl.Expr:
    """Return a text such as `￥1,234.50`, `(12,50 €)` or `１２` as plain digits, null if it is no number."""
    other = "," if decimal == "." else "."
    bare = (
        plain.str.normalize("NFKC")
        .str.replace_all(_CURRENCY, "")
        .str.replace_all(r"[\s'’]", "")
        .str.replace(r"^\((.*)\)$", "-$1")
        .str.replace(r"^(\d.*)-$", "-$1")
    )
    digits = (
        pl.when(bare.str.contains(other, literal=True))
        .then(
            pl.when(bare.str.contains(_GROUPED[decimal])).then(bare.str.replace_all(other, "", literal=True))
        )
        .otherwise(bare)
    )
    return digits.str.replace(",", ".", literal=True) if decimal == "," else digits


def decimal_mark(numbers: pl.Series) -> str:
    """Return the mark before the decimals of some distinct texts of numbers, "" if they could mean both."""
    patterns = {
        "dot": r"^(0?\.\d+|\d+\.\d{1,2}|\d+\.\d{4,}|\d{4,}\.\d+|[\d,]*,\d{3}\.\d*|\d{1,3}(,\d{3}){2,})$",
        "comma": r"^(0?,\d+|\d+,\d{1,2}|\d+,\d{4,}|\d{4,},\d+|[\d.]*\.\d{3},\d*|\d{1,3}(\.\d{3}){2,})$",
        "either": r"^[1-9]\d{0,2}[.,]\d{3}$",
    }
    marked = numbers.str.extract(r"([.,]?\d[\d.,]*)")
    seen = {name: marked.str.contains(pattern).sum() for name, pattern in patterns.items()}
    # Where some numbers prove the one and some the other, those that could be both must not follow the majority.
    if seen["dot"] == seen["comma"] or (seen["dot"] and seen["comma"] and seen["either"]):
        return "" if seen["dot"] or seen["either"] else "."
    return "." if seen["dot"] > seen["comma"] else ","


@dataclass(frozen=True, kw_only=True)
class FormatGroup:
    """Date formats that write day, month and year in one order, how many texts they read, and an example.

    `is_doubtful` where some texts can only be read day first and some only month first.
    """

    formats: tuple[str, ...]
    read: int
    example: str
    is_doubtful: bool = False


def tidy_dates(cells: pl.Series) -> pl.Series:
    """Return the texts of dates with plain digits and single spaces."""
    tidy = (
        text(pl.col("cell"), cells.dtype).str.normalize("NFKC").str.replace_all(r"\s+", " ").str.strip_chars()
    )
    return cells.to_frame("cell").select(tidy)["cell"]


def wall_time(cells: pl.Series, formats: Sequence[str], zone: str) -> pl.Series:
    """Return times on the clock of `zone`, naive, null where a cell is no time that any format reads.

    Args:
        cells: Dates, datetimes, numbers that are times, or texts.
        formats: `strptime` formats in order of preference, or one of the number formats.
        zone: The IANA name of the zone whose clock is wanted; it matters to cells that carry an offset only.
    """
    dtype = cells.dtype
    if dtype == pl.Date:
        times = cells.cast(pl.Datetime("us"))
    elif isinstance(dtype, pl.Datetime):
        times = (
            cells.dt.cast_time_unit("us")
            .to_frame("cell")
            .select(_on_clock(pl.col("cell"), dtype.time_zone, zone))["cell"]
        )
    else:
        times = _first_reading(cells, formats, zone)
        if dtype == pl.String and times.null_count() > cells.null_count():
            times = _first_reading(tidy_dates(cells), formats, zone)
    in_range = times.is_between(pl.Series([_EARLIEST]), pl.Series([_LATEST]), closed="left")
    return times.set(~in_range, None)


def _first_reading(cells: pl.Series, formats: Sequence[str], zone: str) -> pl.Series:
    readings = [_parsed(pl.col("cell"), form, zone) for form in formats]
    return cells.to_frame("cell").select(
        pl.coalesce([*readings, pl.lit(None, pl.Datetime("us"))]).alias("cell")
    )["cell"]


def _parsed(cell: pl.Expr, form: str, zone: str) -> pl.Expr:
    if form in (EXCEL_SERIAL, EPOCH_SECONDS, EPOCH_MILLISECONDS, EPOCH_MICROSECONDS):
        number = cell.cast(pl.Float64, strict=False)
        if form == EXCEL_SERIAL:
            # Day 0 is 1899-12-30: Excel counts a 29 February 1900 that never was. Seconds are the finest it shows.
            seconds = ((number - 25_569) * 86_400).round(0)
            return (seconds * MICRO).cast(pl.Int64, strict=False).cast(pl.Datetime("us"))
        scale = {EPOCH_SECONDS: MICRO, EPOCH_MILLISECONDS: 1_000, EPOCH_MICROSECONDS: 1}[form]
        at = (number * scale).cast(pl.Int64, strict=False).cast(pl.Datetime("us"))
        return _on_clock(at.dt.replace_time_zone("UTC"), "UTC", zone)
    if form.endswith(("Z", " UTC")):
        read = cell.str.strptime(pl.Datetime("us"), form, strict=False)
        return _on_clock(read.dt.replace_time_zone("UTC"), "UTC", zone)
    if form.endswith("%z"):
        return _on_clock(cell.str.strptime(pl.Datetime("us", "UTC"), form, strict=False), "UTC", zone)
    return cell.str.strptime(pl.Datetime("us"), form, strict=False)


def _on_clock(at: pl.Expr, from_zone: str | None, zone: str) -> pl.Expr:
    return at.dt.convert_time_zone(zone).dt.replace_time_zone(None) if from_zone else at


def instant(wall: pl.Expr, zone: str) -> pl.Expr:
    """Return UTC instants of times on the clock of `zone`.

    An hour that comes twice, when clocks go back, is its first; a time that never was, when clocks go
    forward, is read by the clock before the change, as Python's `fold=0` does.
    """
    at = wall.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone(
        "UTC"
    )
    before = (wall - pl.duration(hours=3)).dt.replace_time_zone(
        zone, ambiguous="earliest", non_existent="null"
    ).dt.convert_time_zone("UTC") + pl.duration(hours=3)
    return pl.coalesce(at, before)


def groups_of_formats(cells: pl.Series, zone: str) -> list[FormatGroup]:
    """Return the date formats that read any of some distinct texts, by whether day, month or year is first.

    Within a group a later format is kept only if it reads what the earlier ones do not. Groups that read every
    text alike are one.
    """
    cells = tidy_dates(cells).drop_nulls().unique(maintain_order=True)
    sample = cells.head(_FORMAT_SAMPLE).to_frame("cell")
    reads = {form: _parsed(pl.col("cell"), form, zone).is_not_null().any() for form in DATE_FORMATS}
    promising = sample.select(**reads).row(0, named=True)
    found: dict[str, list[str]] = {}
    times: dict[str, pl.Series] = {}
    for form in DATE_FORMATS:
        if not promising[form]:
            continue
        first = {"d": "day", "m": "month", "b": "month", "B": "month"}.get(form[1], "year")
        read = wall_time(cells, (*found.get(first, ()), form), zone)
        if read.null_count() == len(cells):
            continue
        if first not in found or read.null_count() < times[first].null_count():
            found.setdefault(first, []).append(form)
            times[first] = read
    told_apart = [
        first
        for place, first in enumerate(found)
        if not any(times[first].equals(times[other]) for other in list(found)[:place])
    ]
    # A column that holds dates of both kinds proves neither: whichever reads more would misread the others.
    only_day, only_month = (
        (
            bool((times[one].is_not_null() & times[other].is_null()).any())
            for one, other in (("day", "month"), ("month", "day"))
        )
        if {"day", "month"} <= set(told_apart)
        else (False, False)
    )
    groups = []
    for first in told_apart:
        place = _telling(times[first], times.get({"day": "month", "month": "day"}.get(first, "")))
        groups.append(
            FormatGroup(
                formats=tuple(found[first]),
                read=len(cells) - times[first].null_count(),
                is_doubtful=first in ("day", "month") and only_day and only_month,
                example=f"{cells[place]} is {times[first][place]:%Y-%m-%d}",
            )
        )
    return groups


def _telling(times: pl.Series, others: pl.Series | None) -> int:
    """Return the place of a reading that shows best how it is meant: one that the other reading has otherwise."""
    if others is not None:
        differs = (times != others).fill_null(value=False)
        if differs.any():
            return differs.arg_max() or 0
    return times.is_not_null().arg_max() or 0


def number_format_of_dates(smallest: float, largest: float) -> str | None:
    """Return which number format dates between two values must have, or None if they are no dates."""
    if 20_000 <= smallest <= largest < 80_000:  # noqa: PLR2004  1954 to 2119
        return EXCEL_SERIAL
    if 3e8 <= smallest <= largest < 5e9:  # noqa: PLR2004  1979 to 2128
        return EPOCH_SECONDS
    if 3e11 <= smallest <= largest < 5e12:  # noqa: PLR2004
        return EPOCH_MILLISECONDS
    if 3e14 <= smallest <= largest < 5e15:  # noqa: PLR2004
        return EPOCH_MICROSECONDS
    return None
