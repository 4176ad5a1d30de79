"""Numbers are exact, and what is not certain is asked."""
# ruff: noqa: DTZ001  a file's wall times have no zone

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.intake import values
from tests.intake.judging import judged_amounts

pytestmark = pytest.mark.unit

AMOUNTS = st.decimals(min_value="-9999999", max_value="9999999", places=3)


def micro(*cells: str, decimal: str = ".") -> list[int | None]:
    return values.micro(pl.Series(cells), decimal=decimal).to_list()


@pytest.mark.parametrize(
    ("cell", "decimal", "expected"),
    [
        ("2.55", ".", "2.55"),
        ("1,234.50", ".", "1234.5"),
        ("12,34,567.89", ".", "1234567.89"),
        ("1.234,50", ",", "1234.5"),
        ("1 234,50", ",", "1234.5"),
        ("1'234.50", ".", "1234.5"),
        ("￥1,234.50", ".", "1234.5"),
        ("12.50元", ".", "12.5"),
        ("US$ 12.50", ".", "12.5"),
        ("12,50 €", ",", "12.5"),
        ("(12.50)", ".", "-12.5"),
        ("12.50-", ".", "-12.5"),
        ("-£3", ".", "-3"),
        ("１２．５", ".", "12.5"),
        ("1.2E+3", ".", "1200"),
        (" 7 ", ".", "7"),
        ("1,23", ".", None),
        ("1.234", ",", "1234"),
        ("12.5", ",", None),
        ("1.2.3", ".", None),
        ("twelve", ".", None),
        ("12abc", ".", None),
        ("NaN", ".", None),
        ("inf", ".", None),
        ("", ".", None),
    ],
)
def test_numbers_are_read_as_people_write_them(cell: str, decimal: str, expected: str | None) -> None:
    wanted = None if expected is None else int(Decimal(expected) * values.MICRO)
    assert micro(cell, decimal=decimal) == [wanted]


@settings(deadline=None)
@given(st.lists(AMOUNTS, min_size=1))
def test_texts_and_floats_of_money_are_exact(amounts: list[Decimal]) -> None:
    exact = [int(amount * values.MICRO) for amount in amounts]
    assert micro(*map(str, amounts)) == exact
    assert micro(*(f"{amount:,}" for amount in amounts)) == exact
    swapped = [f"{amount:,}".translate(str.maketrans(",.", ".,")) for amount in amounts]
    assert micro(*swapped, decimal=",") == exact
    assert values.micro(pl.Series(map(float, amounts)), decimal=".").to_list() == exact


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text(max_size=20), min_size=1), st.sampled_from(".,"))
def test_no_text_breaks_the_reading_of_numbers_and_dates(cells: list[str], decimal: str) -> None:
    series = pl.Series(cells, dtype=pl.String)
    assert len(values.micro(series, decimal=decimal)) == len(cells)
    for group in values.groups_of_formats(series, "UTC"):
        assert group.read > 0


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1.25", "3"], "."),
        (["1,25", "3"], ","),
        (["1,234.50"], "."),
        (["1.234,50"], ","),
        (["1.234.567"], ","),
        (["0.250"], "."),
        (["1234.567"], "."),
        (["3", "4"], "."),
        (["1,234", "2"], ""),
        (["1.234", "5.678"], ""),
    ],
)
def test_the_decimal_mark_is_found_or_left_open(cells: list[str], expected: str) -> None:
    assert values.decimal_mark(pl.Series(cells)) == expected


def read_dates(*cells: str, zone: str = "UTC") -> list[list[datetime | None]]:
    series = pl.Series(cells)
    groups = values.groups_of_formats(series, zone)
    best = max((group.read for group in groups), default=0)
    return [values.wall_time(series, group.formats, zone).to_list() for group in groups if group.read == best]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2010-12-01 08:26:00", datetime(2010, 12, 1, 8, 26)),
        ("2010-12-01T08:26:00.000000", datetime(2010, 12, 1, 8, 26)),
        ("2010-12-01T08:26:00Z", datetime(2010, 12, 1, 8, 26)),
        ("2010-12-01T08:26:00+08:00", datetime(2010, 12, 1, 0, 26)),
        ("2010-12-01 08:26:00 -0500", datetime(2010, 12, 1, 13, 26)),
        ("2010/12/1 8:26", datetime(2010, 12, 1, 8, 26)),
        ("12/31/2010 8:26", datetime(2010, 12, 31, 8, 26)),
        ("31.12.2010", datetime(2010, 12, 31)),
        ("31/12/10", datetime(2010, 12, 31)),
        ("2010年12月1日 08:26:00", datetime(2010, 12, 1, 8, 26)),
        ("２０１０-12-01", datetime(2010, 12, 1)),
        ("1 Dec 2010", datetime(2010, 12, 1)),
        ("Dec 1, 2010 08:26 PM", datetime(2010, 12, 1, 20, 26)),
        ("20101201", datetime(2010, 12, 1)),
    ],
)
def test_dates_are_read_as_systems_write_them(cell: str, expected: datetime) -> None:
    assert read_dates(cell) == [[expected]]


def test_a_column_decides_which_of_two_orders_its_dates_have() -> None:
    assert read_dates("1/2/2010", "13/2/2010") == [[datetime(2010, 2, 1), datetime(2010, 2, 13)]]
    assert read_dates("1/2/2010", "2/13/2010") == [[datetime(2010, 1, 2), datetime(2010, 2, 13)]]
    assert len(read_dates("1/2/2010", "3/4/2010")) == 2


def test_dates_with_and_without_a_time_are_read_together() -> None:
    assert read_dates("2010-12-01", "2010-12-01 08:26:00") == [
        [datetime(2010, 12, 1), datetime(2010, 12, 1, 8, 26)]
    ]


def test_numbers_can_be_times() -> None:
    cells = pl.Series([40513.351388888885])
    form = values.number_format_of_dates(40513.0, 40514.0)
    assert form is not None
    assert values.wall_time(cells, (form,), "UTC").to_list() == [datetime(2010, 12, 1, 8, 26)]
    form = values.number_format_of_dates(1_291_191_960, 1_291_191_960)
    assert form is not None
    found = values.wall_time(pl.Series([1_291_191_960]), (form,), "Asia/Shanghai").to_list()
    assert found == [datetime(2010, 12, 1, 16, 26)]
    assert values.number_format_of_dates(1, 30) is None


@settings(deadline=None)
@given(
    st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2030, 1, 1)),
    st.sampled_from(
        ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]
    ),
)
def test_a_wall_time_is_the_instant_that_python_reads_with_fold_0(wall: datetime, zone: str) -> None:
    frame = pl.DataFrame({"wall": [wall]})
    found = frame.select(values.instant(pl.col("wall"), zone)).item()
    assert found == wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def test_hours_that_never_were_or_came_twice_have_one_meaning() -> None:
    frame = pl.DataFrame({"wall": [datetime(2024, 3, 31, 2, 30), datetime(2024, 10, 27, 2, 30)]})
    found = frame.select(values.instant(pl.col("wall"), "Europe/Berlin")).to_series().to_list()
    assert found == [datetime(2024, 3, 31, 1, 30, tzinfo=UTC), datetime(2024, 10, 27, 0, 30, tzinfo=UTC)]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.decimals(min_value="0.001", max_value="99999", places=3),
            st.decimals(min_value="0.001", max_value="99999", places=4),
        ),
        min_size=1,
    ),
    st.sampled_from([("JPY", 0), ("GBP", 2), ("KWD", 3)]),
)
def test_amounts_are_those_of_decimal_arithmetic(
    lines: list[tuple[Decimal, Decimal]], currency: tuple[str, int]
) -> None:
    exponent = currency[1]
    expected = [
        int((quantity * price).scaleb(exponent).quantize(Decimal(1), rounding=ROUND_HALF_UP))
        for quantity, price in lines
    ]
    assert judged_amounts(lines, exponent=exponent) == expected


def test_the_zone_decides_the_day() -> None:
    wall = datetime(2026, 1, 5, 0, 30)
    utc = pl.DataFrame({"wall": [wall]}).select(values.instant(pl.col("wall"), "Asia/Shanghai")).item()
    assert utc == datetime(2026, 1, 5, tzinfo=UTC) + timedelta(minutes=30) - timedelta(hours=8)


@pytest.mark.parametrize(
    ("currency", "expected"),
    [
        ("CNY", [False, False, False, True, True, False]),
        ("USD", [False, True, True, False, True, False]),
        ("JPY", [False, False, True, True, True, False]),
        ("XAU", [False] * 6),
    ],
)
def test_an_amount_marked_as_another_currencys_is_told_apart(currency: str, expected: list[bool]) -> None:
    cells = pl.Series(["5", "￥5", "5元", "US$ 5", "5 €", None])
    assert values.of_another_currency(cells, currency).to_list() == expected
