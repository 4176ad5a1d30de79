from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.kernel.money import InvalidCurrencyError, from_minor, minor_unit_exponent, to_minor

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.34", "CNY", 1_234),
        ("1234", "JPY", 1_234),
        ("1.234", "KWD", 1_234),
        ("0.005", "GBP", 1),
        ("-0.005", "GBP", -1),
    ],
)
def test_minor_units_follow_iso_4217_and_halves_go_away_from_zero(
    amount: str, currency: str, minor: int
) -> None:
    assert to_minor(Decimal(amount), currency) == minor


@given(minor=st.integers(-(10**15), 10**15), currency=st.sampled_from(["CNY", "JPY", "KWD"]))
def test_minor_units_survive_the_round_trip(minor: int, currency: str) -> None:
    assert to_minor(from_minor(minor, currency), currency) == minor


@pytest.mark.parametrize("currency", ["", "cny", "YUAN", "￥", "C1Y"])
def test_a_currency_that_is_no_iso_code_is_refused(currency: str) -> None:
    with pytest.raises(InvalidCurrencyError, match="such as CNY"):
        minor_unit_exponent(currency)
