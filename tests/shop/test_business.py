from datetime import UTC, datetime

import pytest

from regulars.kernel.days import UnknownTimeZoneError
from regulars.kernel.money import InvalidCurrencyError
from regulars.outbox.models import OutboxEvent
from regulars.shop.business import CurrencyInUseError, InvalidMarginError, change_business
from regulars.shop.models import Business, ChangedMonth, Order, Refund
from tests.shop.factories import make_business, make_customer, make_order, make_refund

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def change(**values: object) -> Business:
    return change_business(
        **{"name": "Shop", "time_zone": "UTC", "currency": "GBP", "margin_bp": 3_000, **values}  # type: ignore[arg-type]
    )


def test_the_first_change_makes_the_business() -> None:
    assert change(name="Tea House").name == "Tea House"
    assert Business.objects.count() == 1


def test_a_new_zone_moves_orders_and_refunds_to_their_new_days_and_marks_both_months() -> None:
    make_business()
    late = make_order(day=20_057)  # 2024-11-30
    Order.objects.filter(pk=late.pk).update(placed_at=datetime(2024, 11, 30, 20, tzinfo=UTC))
    noon = make_order(day=20_057)
    refund = make_refund(customer=make_customer(), day=20_057)
    Refund.objects.filter(pk=refund.pk).update(refunded_at=datetime(2024, 11, 30, 17, tzinfo=UTC))
    change(time_zone="Asia/Shanghai")
    assert dict(Order.objects.values_list("pk", "day")) == {late.pk: 20_058, noon.pk: 20_057}
    assert Refund.objects.get().day == 20_058
    assert sorted(str(month) for month in ChangedMonth.objects.values_list("month", flat=True)) == [
        "2024-11-01",
        "2024-12-01",
    ]
    assert OutboxEvent.objects.get().name == "shop.BusinessChanged"


def test_a_new_name_or_margin_touches_no_order() -> None:
    make_business()
    make_order()
    change(name="New", margin_bp=1_000)
    assert not ChangedMonth.objects.exists()
    assert not OutboxEvent.objects.exists()


def test_the_currency_stays_once_amounts_could_not_be_read_in_the_new_one() -> None:
    make_business()
    assert change(currency="JPY").currency == "JPY"
    change(currency="GBP")
    make_order()
    assert change(currency="CNY").currency == "CNY"
    with pytest.raises(CurrencyInUseError, match="JPY"):
        change(currency="JPY")


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"time_zone": "Mars/Olympus"}, UnknownTimeZoneError),
        ({"currency": "gbp"}, InvalidCurrencyError),
        ({"margin_bp": 10_001}, InvalidMarginError),
    ],
)
def test_a_value_without_meaning_changes_nothing(
    *, values: dict[str, object], error: type[Exception]
) -> None:
    make_business()
    with pytest.raises(error):
        change(**values)
    assert Business.objects.get().time_zone == "UTC"
