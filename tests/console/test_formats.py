from datetime import UTC, datetime

import pytest
from django.utils import translation

from regulars.insights import formats

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("language", "amount_minor", "currency", "exact", "rounded"),
    [
        ("en", 891_140_790, "GBP", "£8,911,407.90", "£8.9M"),
        ("zh-hans", 891_140_790, "GBP", "£8,911,407.90", "£891.1万"),
        ("zh-hans", 12_345_678_900, "CNY", "¥123,456,789.00", "¥1.2亿"),
        ("en", 1_234_567, "USD", "US$12,345.67", "US$12,346"),
        ("en", 1_234, "USD", "US$12.34", "US$12.34"),
        ("en", 500, "JPY", "JP¥500", "JP¥500"),
        ("en", -1_234, "GBP", "-£12.34", "-£12.34"),
    ],
)
def test_money_is_exact_in_tables_and_short_in_headlines(
    *, language: str, amount_minor: int, currency: str, exact: str, rounded: str
) -> None:
    with translation.override(language):
        assert formats.money(amount_minor, currency) == exact
        assert formats.money_rounded(amount_minor, currency) == rounded


@pytest.mark.parametrize(
    ("value", "expected"), [(2.1, "+2.1"), (-3.04, "−3.0"), (0.0, "0.0"), (0.04, "0.0"), (-0.04, "0.0")]
)
def test_a_change_has_a_sign_unless_it_rounds_to_nothing(*, value: float, expected: str) -> None:
    with translation.override("en"):
        assert formats.signed(value) == expected


@pytest.mark.parametrize(
    ("language", "date", "month", "moment"),
    [
        ("en", "10 Dec 2011", "Dec 2011", "10 Dec 2011, 20:05"),
        ("zh-hans", "2011年12月10日", "2011年12月", "2011年12月10日 20:05"),
    ],
)
def test_days_and_instants_are_written_as_the_language_does(
    *, language: str, date: str, month: str, moment: str
) -> None:
    with translation.override(language):
        assert formats.day(15_318) == date
        assert formats.month(15_318) == month
        assert formats.moment(datetime(2011, 12, 10, 12, 5, tzinfo=UTC), "Asia/Shanghai") == moment


def test_counts_are_apart_in_thousands_and_short_when_large() -> None:
    with translation.override("en"):
        assert formats.count(4_338) == "4,338"
        assert formats.count_rounded(1_234_567) == "1.2M"
        assert formats.percent(0.6558) == "65.6%"
    with translation.override("zh-hans"):
        assert formats.count_rounded(1_234_567) == "123.5万"
