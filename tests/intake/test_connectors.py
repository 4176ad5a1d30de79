"""What connected shops tell becomes orders, people and products, whatever order it arrives in."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from regulars.intake import operations
from regulars.intake.connectors.connecting import (
    InvalidConnectionError,
    SealedByAnotherError,
    webhook_secrets,
)
from regulars.intake.connectors.taking import BadSignatureError
from regulars.intake.models import Credential, Delivery, PrivacyRequest
from regulars.shop import models as shop_models
from regulars.shop import operations as shop_operations
from regulars.shop.models import Consent, Customer, Identifier, Order, Product
from tests.intake.shops import (
    HOURS,
    NOW,
    connect_shop,
    deliver,
    headers_of,
    last_delivery,
    shopify_customer,
    shopify_line,
    shopify_order,
    shopify_refund,
    woo_order,
    woo_product,
    work_all,
)
from tests.intake.tracking import record

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def amounts() -> tuple[int, int, int]:
    order = Order.objects.get()
    return order.amount_minor, order.discount_minor, order.refunded_minor


def test_a_shopify_order_is_its_goods_after_discounts_without_shipping() -> None:
    row = connect_shop()
    deliver(row, "orders/create", shopify_order())
    order = Order.objects.get()
    assert (order.code, order.status, order.placed_at) == ("#1001", "paid", HOURS[0])
    assert amounts() == (830, 70, 0)
    assert record()["lines"] == [("#1001", "T1", 1, 200, 0), ("#1001", "W80", 2, 630, 70)]
    assert (order.customer.code, order.customer.name, order.customer.country) == (
        "207119551",
        "Bob Norman 1",
        "GB",
    )
    assert last_delivery().state == "done"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"financial_status": "authorized"}, "pending"),
        ({"financial_status": "partially_paid"}, "pending"),
        ({"financial_status": "voided"}, "cancelled"),
        ({"financial_status": "refunded"}, "paid"),
        ({"cancelled_at": HOURS[1].isoformat()}, "cancelled"),
    ],
)
def test_only_what_was_paid_and_not_cancelled_counts(said: dict[str, Any], status: str) -> None:
    deliver(connect_shop(), "orders/updated", shopify_order(**said))
    assert Order.objects.get().status == status


def test_a_test_order_is_none_and_an_order_of_nobody_waits_for_a_name() -> None:
    row = connect_shop()
    deliver(row, "orders/create", shopify_order(1, test=True))
    assert (last_delivery().state, last_delivery().reason) == ("ignored", "test_order")
    nobody = shopify_order(2, customer=None, email="", phone=None)
    deliver(row, "orders/create", nobody)
    assert last_delivery().reason == "order_of_nobody"
    assert not Order.objects.exists()
    deliver(
        row, "orders/updated", {**nobody, "email": "late@example.com", "updated_at": HOURS[3].isoformat()}
    )
    assert Order.objects.get().customer.identifiers.get().value == "late@example.com"


def test_refunds_count_for_goods_only_and_never_more_than_was_paid() -> None:
    row = connect_shop()
    deliver(row, "refunds/create", shopify_refund(1, at=HOURS[4]))
    assert last_delivery().reason == "order_not_known_yet"
    deliver(row, "orders/create", shopify_order())
    assert amounts() == (830, 70, 315)
    shipping = {"kind": "shipping_refund", "amount": "-4.00"}
    deliver(
        row,
        "refunds/create",
        shopify_refund(2, at=HOURS[5], refund_line_items=[], order_adjustments=[shipping]),
    )
    assert amounts() == (830, 70, 315)
    less = {"kind": "refund_discrepancy", "amount": "1.15"}
    deliver(row, "refunds/create", shopify_refund(3, at=HOURS[6], order_adjustments=[less]))
    assert amounts() == (830, 70, 515)
    more = {"kind": "refund_discrepancy", "amount": "-99.00"}
    deliver(
        row, "refunds/create", shopify_refund(4, at=HOURS[7], refund_line_items=[], order_adjustments=[more])
    )
    assert amounts() == (830, 70, 830)
    assert not Order.objects.get().is_valid


def test_what_came_later_in_the_shop_counts_not_what_arrives_later() -> None:
    row = connect_shop()
    deliver(row, "orders/updated", shopify_order(at=HOURS[5], cancelled_at=HOURS[5].isoformat()))
    deliver(row, "orders/create", shopify_order(at=HOURS[0]))
    assert last_delivery().state == "old"
    assert Order.objects.get().status == "cancelled"


def test_a_deleted_order_counts_no_more_whatever_arrives_first() -> None:
    row = connect_shop()
    deliver(row, "orders/delete", {"id": 450790001})
    deliver(row, "orders/create", shopify_order())
    assert Order.objects.get().status == "cancelled"


def test_a_signed_body_under_another_topic_deletes_and_forgets_nothing() -> None:
    row = connect_shop()
    deliver(row, "orders/create", shopify_order())
    before = record()
    for topic in (
        "orders/delete",
        "customers/delete",
        "customers/redact",
        "shop/redact",
        "customers/data_request",
    ):
        deliver(row, topic, shopify_order(), id_=topic)
        assert (last_delivery().state, last_delivery().reason) == ("parked", "body_of_another_topic")
    assert record() == before
    assert not PrivacyRequest.objects.exists()


def test_customers_and_products_are_described_and_consents_go_to_the_ledger() -> None:
    row = connect_shop()
    consent = {
        "state": "subscribed",
        "opt_in_level": "confirmed_opt_in",
        "consent_updated_at": HOURS[1].isoformat(),
    }
    deliver(row, "orders/create", shopify_order())
    said = shopify_customer(
        1, phone="07700 900001", updated_at=HOURS[2].isoformat(), email_marketing_consent=consent
    )
    deliver(row, "customers/update", {**said, "first_name": "Robert"})
    assert Customer.objects.get().name == "Robert Norman 1"
    assert set(Identifier.objects.values_list("kind", "value")) == {
        ("external", "207119551"),
        ("email", "buyer1@example.com"),
        ("phone", "+447700900001"),
    }
    assert list(Consent.objects.values_list("channel", "state", "wording")) == [
        ("email", "granted", "confirmed_opt_in")
    ]
    product = {
        "id": 1,
        "title": "Wipes",
        "product_type": "Care",
        "vendor": "Soft",
        "updated_at": HOURS[2].isoformat(),
        "variants": [{"sku": "W80", "title": "80 pieces"}, {"sku": "W20", "title": "20 pieces"}],
    }
    deliver(row, "products/update", product)
    deliver(row, "products/create", {**product, "title": "Old wipes", "updated_at": HOURS[1].isoformat()})
    named = dict(Product.objects.values_list("code", "name"))
    assert named == {"W80": "Wipes - 80 pieces", "W20": "Wipes - 20 pieces", "T1": "Wipes T1"}


def test_the_three_privacy_topics_are_kept_open_until_a_person_has_seen_to_them() -> None:
    row = connect_shop()
    deliver(row, "orders/create", shopify_order())
    buyer = Customer.objects.get()
    who = {
        "shop_id": 954889,
        "shop_domain": "corner.myshopify.com",
        "customer": {"id": 207119551, "email": "b@example.com"},
    }
    erase = {**who, "orders_to_redact": [450790001]}
    deliver(
        row, "customers/data_request", {**who, "orders_requested": [450790001], "data_request": {"id": 9999}}
    )
    deliver(row, "customers/redact", erase)
    deliver(row, "shop/redact", {"shop_id": 954889, "shop_domain": "corner.myshopify.com"})
    asked = PrivacyRequest.objects.order_by("id")
    assert [(one.kind, one.external, one.due_at - one.asked_at) for one in asked] == [
        ("export", "207119551", timedelta(days=30)),
        ("erase", "207119551", timedelta(days=30)),
        ("erase_shop", "", timedelta(days=30)),
    ]
    before_staff = shop_models.PrivacyRequest.objects.order_by("id")
    assert [(one.kind, one.state, one.customer_id) for one in before_staff] == [
        ("access", "open", buyer.pk),
        ("erasure", "open", buyer.pk),
    ]
    [whole_shop] = asked.filter(done_at=None)
    operations.close_privacy_request(request_id=whole_shop.pk, by=None, now=NOW)
    deliver(row, "customers/redact", erase, id_="a replay")
    assert not PrivacyRequest.objects.filter(done_at=None).exists()
    assert before_staff.count() == 2


def test_an_erased_buyer_does_not_come_back_by_a_message_and_none_of_theirs_is_kept() -> None:
    row = connect_shop()
    deliver(row, "orders/create", shopify_order())
    deliver(row, "orders/updated", shopify_order(1002, currency="XXX"))
    assert last_delivery().state == "parked"
    shop_operations.erase_customer(customer_id=Customer.objects.get().pk, now=NOW)
    assert not Delivery.objects.filter(body__isnull=False).exists()
    deliver(row, "orders/updated", shopify_order(updated_at=HOURS[7].isoformat()), id_="told again")
    assert (last_delivery().state, last_delivery().reason, last_delivery().body) == (
        "ignored",
        "erased_person",
        None,
    )
    assert Customer.objects.filter(erased_at=None).count() == 0


def test_a_woocommerce_order_has_the_prices_that_customers_see() -> None:
    row = connect_shop("woocommerce", address="https://corner.example")
    deliver(row, "product.updated", woo_product())
    deliver(row, "order.created", woo_order())
    order = Order.objects.get()
    assert (order.code, order.status, order.placed_at, order.customer.code) == ("727", "paid", HOURS[0], "26")
    assert amounts() == (720, 240, 0)
    assert set(Identifier.objects.values_list("kind", "value")) == {
        ("external", "26"),
        ("email", "ann@example.com"),
        ("phone", "+447700900002"),
    }
    assert list(Product.objects.values_list("name", "category")) == [("Soft wipes", "Care")]
    net = woo_order(728, prices_include_tax=False, customer_id=0)
    deliver(row, "order.created", net)
    assert Order.objects.get(code="728").amount_minor == 600


def test_a_woocommerce_refund_is_a_share_of_its_sum_until_its_lines_are_told() -> None:
    row = connect_shop("woocommerce", address="https://corner.example")
    summed = {"id": 726, "reason": "", "total": "-6.60"}
    deliver(row, "order.updated", woo_order(at=HOURS[6], refunds=[summed]))
    assert amounts() == (720, 240, 360)
    deliver(row, "order.updated", woo_order(at=HOURS[7], refunds=[]))
    assert amounts() == (720, 240, 0)


def test_a_woocommerce_order_in_the_trash_counts_no_more_until_it_is_restored() -> None:
    row = connect_shop("woocommerce", address="https://corner.example")
    deliver(row, "order.deleted", {"id": 727})
    deliver(row, "order.created", woo_order())
    assert Order.objects.get().status == "cancelled"
    deliver(row, "order.restored", woo_order(at=HOURS[8]))
    assert Order.objects.get().status == "paid"


def test_a_deletion_of_something_else_sent_again_as_an_orders_is_set_aside() -> None:
    row = connect_shop("woocommerce", address="https://corner.example")
    deliver(row, "order.created", woo_order(727))
    deliver(row, "customer.deleted", {"id": 727})
    deliver(row, "order.deleted", {"id": 727}, id_="replayed")
    assert Order.objects.get().status == "paid"
    assert (last_delivery().state, last_delivery().reason) == ("parked", "deletion_of_another")


def test_a_status_of_the_shops_own_making_is_paid_if_the_order_says_when() -> None:
    row = connect_shop("woocommerce", address="https://corner.example")
    deliver(row, "order.created", woo_order(status="packed-by-hand"))
    assert Order.objects.get().status == "paid"
    deliver(row, "order.updated", woo_order(at=HOURS[2], status="packed-by-hand", date_paid_gmt=None))
    assert Order.objects.get().status == "pending"


def test_two_messages_of_one_second_with_one_id_are_both_taken() -> None:
    """WooCommerce makes the id of a delivery from the webhook and the second."""
    row = connect_shop("woocommerce", address="https://corner.example")
    deliver(row, "order.updated", woo_order(727), id_="same")
    deliver(row, "order.updated", woo_order(728), id_="same")
    assert not deliver(row, "order.updated", woo_order(728), id_="same")
    assert Order.objects.count() == 2


def test_what_cannot_be_understood_is_parked_with_its_reason_and_can_be_read_again() -> None:
    row = connect_shop()
    deliver(row, "orders/create", shopify_order(1, currency="EUR"))
    deliver(row, "orders/create", shopify_order(2, updated_at="yesterday"))
    deliver(row, "orders/create", shopify_order(3, line_items=[shopify_line(1, sku="A", price="NaN")]))
    deliver(row, "orders/create", shopify_order(4, line_items="none"))
    deliver(row, "orders/create", shopify_order(5, financial_status="on_the_moon"))
    deliver(row, "orders/create", shopify_order(6))
    parked = Delivery.objects.filter(state="parked").order_by("id").values_list("reason", flat=True)
    assert list(parked) == ["other_currency", "bad_time", "bad_number", "malformed", "unknown_status"]
    assert list(Order.objects.values_list("code", flat=True)) == ["#6"]
    body = json.dumps(shopify_order(1)).encode()
    Delivery.objects.filter(reason="other_currency").update(body=body)
    assert operations.retry(connection_id=row.pk, reason="other_currency") == 1
    work_all()
    assert Order.objects.count() == 2
    assert operations.let_go(connection_id=row.pk, reason="bad_time", now=NOW) == 1
    assert Delivery.objects.get(reason="bad_time").body is None


def test_a_message_that_breaks_our_own_rules_is_parked_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = connect_shop()
    deliver(row, "orders/create", shopify_order(1), work=False)
    deliver(row, "orders/create", shopify_order(2), work=False)
    put = "regulars.shop.operations.put_order"
    from regulars.shop.operations import OrderState, Put, put_order  # noqa: PLC0415  before it is broken

    def broken(state: OrderState) -> Put | None:
        if state.code == "#1":
            raise ZeroDivisionError
        return put_order(state)

    monkeypatch.setattr(put, broken)
    work_all()
    assert list(Delivery.objects.order_by("id").values_list("state", "reason")) == [
        ("parked", "failed"),
        ("done", ""),
    ]


def test_a_secret_can_be_replaced_while_both_are_good_and_the_old_one_retired() -> None:
    row = connect_shop()
    operations.add_webhook_secret(connection_id=row.pk, secret="new secret", now=NOW)
    body = json.dumps(shopify_order()).encode()

    def take(secret: str) -> None:
        operations.take_delivery(
            connector="shopify",
            key=row.key,
            headers=headers_of("shopify", "orders/create", body, secret=secret, id_=secret),
            body=body,
            now=NOW,
        )

    take("new secret")
    take("shpss_0123456789abcdef")
    operations.retire_webhook_secret(credential_id=row.credentials.earliest("id").pk)
    with pytest.raises(BadSignatureError):
        take("shpss_0123456789abcdef")
    with pytest.raises(InvalidConnectionError, match="only webhook secret"):
        operations.retire_webhook_secret(credential_id=row.credentials.get().pk)
    operations.disconnect(connection_id=row.pk, now=NOW)
    with pytest.raises(BadSignatureError):
        take("new secret")
    assert not Credential.objects.exists()
    again = connect_shop()
    assert (again.pk, again.key != row.key) == (row.pk, True)


def test_secrets_are_sealed_and_survive_an_exchange_of_the_installations_own() -> None:
    row = connect_shop(access={"token": "shpat_good"})
    assert not [one for one in Credential.objects.all() if "shp" in one.sealed]
    former = settings.SECRET_KEY
    with override_settings(SECRET_KEY="another"):
        with pytest.raises(SealedByAnotherError, match="REGULARS_FORMER_SECRET_KEYS"):
            webhook_secrets(row)
        with override_settings(SECRET_KEY_FALLBACKS=[former]):
            assert operations.reseal() == 2
        assert webhook_secrets(row) == ["shpss_0123456789abcdef"]


def test_bodies_that_were_understood_are_forgotten_and_stay_known() -> None:
    row = connect_shop()
    deliver(row, "orders/create", shopify_order(1))
    deliver(row, "orders/create", shopify_order(2, currency="EUR"))
    assert operations.forget_bodies(now=NOW + timedelta(days=8)) == 1
    assert not deliver(row, "orders/create", shopify_order(1))
    assert Delivery.objects.get(state="parked").body is not None


def test_quantities_keep_three_decimals() -> None:
    deliver(
        connect_shop(),
        "orders/create",
        shopify_order(line_items=[shopify_line(1, sku="A", price="1.00", quantity=3)]),
    )
    assert Order.objects.get().lines.get().quantity == Decimal(3)
