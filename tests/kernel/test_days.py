from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.kernel.days import (
    UnknownTimeZoneError,
    date_of_day,
    day_of_date,
    day_of_instant,
    start_of_day,
    zone_named,
)

pytestmark = pytest.mark.unit
SHANGHAI = ZoneInfo("Asia/Shanghai")
ZONES = st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"])


def test_day_numbers_count_from_1970() -> None:
    assert day_of_date(date(1970, 1, 1)) == 0
    assert day_of_date(date(2011, 12, 9)) == 15_317
    assert date_of_day(15_317) == date(2011, 12, 9)


def test_midnight_is_the_merchants() -> None:
    before_midnight_in_london = datetime(2011, 12, 9, 16, 30, tzinfo=UTC)
    assert day_of_instant(before_midnight_in_london, SHANGHAI) == day_of_date(date(2011, 12, 10))
    assert start_of_day(day_of_date(date(2011, 12, 10)), SHANGHAI) == datetime(2011, 12, 9, 16, tzinfo=UTC)


@given(day=st.integers(0, 40_000), zone=ZONES)
def test_a_day_begins_at_its_first_instant_and_not_before(day: int, zone: str) -> None:
    start = start_of_day(day, ZoneInfo(zone))
    assert day_of_instant(start, ZoneInfo(zone)) == day
    assert day_of_instant(start - timedelta(microseconds=1), ZoneInfo(zone)) == day - 1


@pytest.mark.parametrize("name", ["Asia/Beijing2", "", "../etc/passwd", "Asia"])
def test_a_zone_nobody_knows_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(UnknownTimeZoneError, match="Asia/Shanghai"):
        zone_named(name)
