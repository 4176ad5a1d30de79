"""The track API's calls become people, behaviour and orders."""

import json
from datetime import timedelta

import pytest
from django.db import connection

from regulars.intake import operations
from regulars.intake.models import Call
from regulars.intake.track.taking import UnknownWriteKeyError
from regulars.intake.track.wire import CallTooLargeError, InvalidCallError
from regulars.shop import operations as shop
from regulars.shop.models import Account, Customer, Event, Identifier, Merge, MergeSuggestion, Order, Product
from regulars.shop.operations import define_attribute
from regulars.shop.queries import attributes
from tests.intake.tracking import NOW, event, last_call, make_source, record, send, work_all

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
HOUR = timedelta(hours=1)


def test_what_a_visitor_did_becomes_the_customers_once_they_say_who_they_are() -> None:
    key = make_source()
    send(
        key,
        event(
            "track", "1", anonymousId="a", event="Product Viewed", properties={"sku": "W80", "name": "Wipes"}
        ),
    )
    assert Event.objects.get().customer is None
    send(
        key,
        event(
            "identify", "2", anonymousId="a", userId="17", traits={"email": "Ann@Example.com", "name": "Ann"}
        ),
    )
    viewed = Event.objects.get()
    assert viewed.customer is not None
    assert (viewed.customer.code, viewed.customer.name, viewed.is_named) == ("17", "Ann", False)
    assert viewed.product is not None
    assert viewed.product.name == "Wipes"
    assert record()["identifiers"] == [
        ("17", "email", None, "ann@example.com"),
        ("17", "external", "main", "17"),
    ]


@pytest.mark.parametrize(("views", "is_packed"), [(1, False), (100, True)])
def test_a_long_call_is_kept_packed_and_reads_as_it_came(views: int, is_packed: bool) -> None:  # noqa: FBT001  a case
    key = make_source()
    body = json.dumps({"batch": [event("page", f"m{n}", anonymousId="a") for n in range(views)]}).encode()
    operations.take_call(write_key=key.key, kind="batch", body=body, now=NOW)
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM intake_call")
        kept = bytes(cursor.fetchone()[0])
    assert (kept != body) is is_packed
    assert len(kept) <= len(body)
    work_all()
    assert (last_call().body, Event.objects.count()) == (body, views)


def test_a_browser_that_two_people_share_gives_each_what_was_theirs() -> None:
    key = make_source()
    seen = [event("page", f"p{n}", anonymousId="a", at=NOW - n * HOUR) for n in (9, 7, 5, 3)]
    named = [
        event("identify", "ann", anonymousId="a", userId="ann", at=NOW - 8 * HOUR),
        event("identify", "bob", anonymousId="a", userId="bob", at=NOW - 4 * HOUR),
    ]
    send(key, *seen[2:], named[1])
    send(key, named[0], *seen[:2])
    owners = Event.objects.order_by("at").values_list("customer__code", flat=True)
    assert list(owners) == ["ann", "ann", "ann", "bob"]


def test_an_event_is_taken_in_once_for_ever() -> None:
    key = make_source()
    viewed = event("track", "m1", userId="17", event="Product Viewed")
    send(key, viewed, viewed)
    assert last_call().outcomes == "ed"
    send(key, viewed, now=NOW + timedelta(days=400))
    assert last_call().outcomes == "d"
    assert Event.objects.count() == 1


def test_what_is_told_of_somebody_before_they_were_erased_is_refused_and_not_kept() -> None:
    key = make_source()
    send(key, event("identify", "m1", userId="17", traits={"email": "ann@x.y"}))
    shop.erase_customer(customer_id=Customer.objects.get().pk, now=NOW)
    old = [
        event("track", "m2", userId="17", event="Product Viewed"),
        event("identify", "m3", userId="18", traits={"email": "Ann@x.y"}),
        event("track", "m4", userId="19", event="Product Viewed"),
    ]
    send(key, *old)
    call = last_call()
    assert call.outcomes == "rre"
    assert b"ann@x.y" not in bytes(call.body).lower()
    assert sorted(Customer.objects.filter(erased_at=None).values_list("code", flat=True)) == ["19"]
    later = NOW + timedelta(hours=2)
    send(key, event("identify", "m5", userId="17", traits={"email": "ann@x.y"}, at=later), now=later)
    assert last_call().outcomes == "p"
    assert Customer.objects.filter(code="17", erased_at=None).exists()


def test_the_senders_clock_is_set_by_when_it_sent_and_when_we_received() -> None:
    key = make_source()
    an_hour_ahead = event(
        "track", "1", userId="17", event="Seen", at=NOW + 30 * HOUR / 60, sentAt=(NOW + HOUR).isoformat()
    )
    send(key, an_hour_ahead)
    assert Event.objects.get().at == NOW - 30 * HOUR / 60


def test_nothing_happens_after_it_has_arrived() -> None:
    key = make_source()
    send(key, event("track", "1", userId="17", event="Seen", at=NOW + 5 * HOUR))
    assert Event.objects.get().at == NOW


def test_two_accounts_that_share_an_address_stay_two_and_are_put_before_a_person() -> None:
    key = make_source()
    send(key, event("identify", "1", userId="mum", traits={"email": "family@example.com"}))
    send(key, event("identify", "2", userId="dad", traits={"email": "family@example.com"}))
    assert set(Customer.objects.values_list("code", "merged_into")) == {("mum", None), ("dad", None)}
    assert MergeSuggestion.objects.get().value == "family@example.com"
    assert Merge.objects.count() == 0


def test_a_customer_known_by_an_address_alone_is_whoever_logs_in_with_it() -> None:
    key = make_source()
    send(key, event("identify", "1", anonymousId="a", traits={"email": "ann@example.com"}))
    send(key, event("identify", "2", userId="17", traits={"email": "ann@example.com"}))
    assert list(Customer.objects.values_list("code", flat=True)) == ["17"]


def test_an_id_that_an_alias_told_says_who_told_it_and_when() -> None:
    key = make_source()
    send(key, event("identify", "2", userId="new"), event("alias", "3", userId="new", previousId="an-2"))
    told = {one.value: (one.source, one.told_at) for one in Identifier.objects.all()}
    assert set(told) == {"new", "an-2"}
    assert told["an-2"] == told["new"]
    assert told["an-2"][1] is not None


def test_an_alias_joins_two_customers_with_their_orders() -> None:
    key = make_source()
    bought = {"order_id": "A1", "products": [{"sku": "W80", "price": 3.5, "quantity": 2}]}
    send(key, event("track", "1", userId="old", event="Order Completed", properties=bought))
    send(key, event("identify", "2", userId="new"), event("alias", "3", userId="new", previousId="old"))
    assert Order.objects.get().customer.code == "new"
    assert Customer.objects.get(code="old").merged_into == Customer.objects.get(code="new")
    assert Merge.objects.get().evidence == "alias"


def test_an_order_carries_its_lines_its_share_of_the_discount_and_its_refund() -> None:
    key = make_source()
    products = [{"sku": "W80", "price": 3.5, "quantity": 2}, {"product_id": 5, "price": "1.00"}]
    properties = {"order_id": "A1", "currency": "GBP", "discount": 0.8, "products": products}
    send(
        key,
        event("track", "1", userId="17", event="Order Completed", properties=properties),
        event(
            "track",
            "2",
            userId="17",
            event="Order Refunded",
            properties={"order_id": "A1", "products": [{"sku": "W80", "quantity": 1}]},
        ),
    )
    order = Order.objects.get()
    assert (order.amount_minor, order.discount_minor, order.refunded_minor) == (720, 80, 315)
    assert record()["lines"] == [("A1", "5", 1, 90, 10), ("A1", "W80", 2, 630, 70)]
    assert last_call().outcomes == "oo"


def test_an_order_of_a_nameless_visitor_waits_until_they_say_who_they_are() -> None:
    key = make_source()
    properties = {"order_id": "A1", "revenue": 12.5}
    send(key, event("track", "1", anonymousId="a", event="Order Completed", properties=properties))
    assert last_call().notes == [[0, "order_of_nobody", "A1"]]
    assert not Order.objects.exists()
    send(key, event("identify", "2", anonymousId="a", userId="17"))
    assert Order.objects.get().customer.code == "17"
    assert Order.objects.get().amount_minor == 1250


def test_an_order_says_what_was_paid_for_the_goods_with_or_without_its_products() -> None:
    """The example of an order in Segment's specification, told whole, without prices, and without products."""
    key = make_source()
    totals = {"revenue": 25, "subtotal": 22.5, "total": 27.5, "shipping": 3, "tax": 2, "discount": 2.5}
    monopoly = {"product_id": "507f1f", "sku": "45790-32", "name": "Monopoly", "price": 19, "quantity": 1}
    uno = {"product_id": "505bd7", "sku": "46493-32", "name": "UNO", "price": 3, "quantity": 2}
    bare = [{name: one[name] for name in ("sku", "quantity")} for one in (monopoly, uno)]
    for number, products in enumerate([[monopoly, uno], [], bare, [monopoly, bare[1]]], start=1):
        told = {"order_id": f"A{number}", **totals, "products": products}
        send(key, event("track", f"{number}", userId="17", event="Order Completed", properties=told))
    assert list(Order.objects.order_by("code").values_list("amount_minor", flat=True)) == [2250] * 4
    assert [line for line in record()["lines"] if line[0] == "A3"] == [
        ("A3", "45790-32", 1, 750, 83),
        ("A3", "46493-32", 2, 1500, 167),
    ]
    codes = set(Product.objects.values_list("code", flat=True))
    assert codes == {"45790-32", "46493-32", "unitemised"}
    assert [line[1:4] for line in record()["lines"] if line[0] == "A4"] == [
        line[1:4] for line in record()["lines"] if line[0] == "A1"
    ]


def test_an_order_whose_products_have_no_price_and_that_has_no_total_is_none() -> None:
    key = make_source()
    told = {"order_id": "A1", "products": [{"sku": "W80", "price": 3.5}, {"sku": "X1"}]}
    send(key, event("track", "1", userId="17", event="Order Completed", properties=told))
    assert last_call().notes == [[0, "order_without_amount", "A1"]]
    assert "unitemised" not in Product.objects.values_list("code", flat=True)
    assert not Order.objects.exists()


def test_an_order_in_another_currency_is_kept_as_behaviour_and_said_so() -> None:
    key = make_source()
    properties = {"order_id": "A1", "revenue": 12.5, "currency": "EUR"}
    send(key, event("track", "1", userId="17", event="Order Completed", properties=properties))
    assert last_call().notes == [[0, "other_currency", "A1"]]
    assert (Event.objects.count(), Order.objects.count()) == (1, 0)


def test_a_group_is_an_account_and_its_member_a_contact() -> None:
    key = make_source()
    send(key, event("group", "1", userId="17", groupId="acme", traits={"name": "Acme", "role": "buyer"}))
    account = Account.objects.get()
    assert (account.code, account.name) == ("acme", "Acme")
    assert list(account.contacts.values_list("customer__code", "role")) == [("17", "buyer")]


def test_traits_are_kept_where_an_attribute_is_defined_and_named_where_none_is() -> None:
    key = make_source()
    define_attribute(name="skin", label="Skin", type="choice", choices=["dry", "oily"])
    send(
        key,
        event("identify", "1", userId="17", traits={"skin": "dry", "shoe": 38}),
        event("identify", "2", userId="17", traits={"skin": "blue"}, at=NOW),
    )
    assert [(a.name, a.value) for a in attributes(Customer.objects.get().pk)] == [("skin", "dry")]
    assert [note[:2] for note in last_call().notes] == [[0, "traits_without_attribute"], [1, "bad_attribute"]]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"type": "track", "event": "x"}, "of_nobody"),
        ({"type": "track", "userId": "1"}, "no_name"),
        ({"type": "dance", "userId": "1"}, "unknown_type"),
        ({"type": "track", "event": "x", "userId": "1", "timestamp": "yesterday"}, "bad_time"),
        ({"type": "track", "event": "x", "userId": "1", "timestamp": "1970-01-01T00:00:00Z"}, "too_old"),
        ({"type": "track", "event": "x", "userId": "1", "properties": [1]}, "malformed"),
        ({"type": "track", "event": "x", "userId": "1" * 201}, "id_too_long"),
        ({"type": "alias", "userId": "1"}, "no_previous_id"),
    ],
)
def test_an_event_that_cannot_be_understood_says_why_and_holds_up_no_other(
    told: dict[str, object], reason: str
) -> None:
    key = make_source()
    send(key, told, event("track", "ok", userId="1", event="Seen"))
    assert last_call().outcomes == "re"
    assert last_call().notes[0][:2] == [0, reason]


def test_text_that_a_database_cannot_hold_is_kept_without_what_it_cannot() -> None:
    key = make_source()
    send(
        key, event("track", "1", userId="1\0", event="Se\0en", properties={"q": "a\0b", "path": "C:\\u0000"})
    )
    seen = Event.objects.get()
    assert (seen.name, seen.properties) == ("Seen", {"q": "ab", "path": "C:\\u0000"})


def test_a_call_that_breaks_our_own_rules_is_set_aside_and_the_others_go_on() -> None:
    key = make_source()
    for number in range(3):
        send(key, event("track", str(number), userId="1", event=f"E{number}"), work=False)
    # A fault of the database's own, planted: it accepts no event of this name.
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE shop_event ADD CONSTRAINT planted CHECK (name <> 'E1')")
    while operations.work(now=NOW).calls:
        pass
    assert list(Call.objects.order_by("id").values_list("outcomes", flat=True)) == ["e", "f", "e"]


def test_a_call_is_refused_when_its_key_is_unknown_or_revoked() -> None:
    key = make_source()
    body = b'{"userId": "1", "event": "x"}'
    operations.revoke_write_key(key_id=key.pk, now=NOW)
    for name in (key.key, "", "x\0"):
        with pytest.raises(UnknownWriteKeyError):
            operations.take_call(write_key=name, kind="track", body=body, now=NOW)
    assert not Call.objects.exists()


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"batch": 1}', b"\xff", b'{"batch": ' + b"[" * 100_000])
def test_what_is_no_call_is_refused(body: bytes) -> None:
    key = make_source()
    with pytest.raises(InvalidCallError):
        operations.take_call(write_key=key.key, kind="batch", body=body, now=NOW)


@pytest.mark.parametrize(
    "body",
    [
        b'{"batch": [{"userId": "' + b"a" * 32 * 1024 + b'"}]}',
        b'{"batch": [' + b", ".join([b'{"userId": "1"}'] * 40_000) + b"]}",
        b'{"batch": [' + b", ".join([b"{}"] * 2_501) + b"]}",
    ],
)
def test_what_is_too_large_is_refused(body: bytes) -> None:
    key = make_source()
    with pytest.raises(CallTooLargeError):
        operations.take_call(write_key=key.key, kind="batch", body=body, now=NOW)


def test_an_identify_call_tells_the_language_and_what_they_chose_stands() -> None:
    source = make_source()
    send(
        source,
        event("identify", "1", userId="A", context={"locale": "zh-CN"}),
        event("identify", "2", userId="B", traits={"locale": "en_GB"}, context={"locale": "zh-CN"}),
        event("identify", "3", userId="C", traits={"language": "Chinese", "locale": "en"}),
        event("track", "4", userId="D", event="Tea Viewed", context={"locale": "zh-CN"}),
    )
    assert spoken() == {"A": "zh-hans", "B": "en", "C": "zh-hans", "D": ""}
    assert "traits_without_attribute" not in str(last_call().notes)
    shop.speak_to(customer_id=Customer.objects.get(code="C").pk, language="en")
    send(
        source,
        event("identify", "5", userId="A", traits={"language": "en"}),
        event("identify", "6", userId="B", context={"locale": "zh-CN"}),
        event("identify", "7", userId="C", traits={"language": "zh"}),
    )
    assert spoken() == {"A": "en", "B": "en", "C": "en", "D": ""}


def spoken() -> dict[str, str]:
    """What customers are spoken to in, by code."""
    return dict(Customer.objects.values_list("code", "language"))
