from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from regulars.shop import operations, queries
from regulars.shop.models import Customer, Merge
from regulars.shop.operations import NewEvent, ProductSeen, Statement, Told
from regulars.shop.queries import StoryEntry, StoryPlace
from regulars.shop.story import StoryKind, StorySource, register
from tests.shop.factories import (
    make_business,
    make_customer,
    make_line,
    make_order,
    make_product,
    make_refund,
    make_store,
)

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def whole(customer: Customer, *, limit: int, kinds: tuple[str, ...] = ()) -> list[StoryEntry]:
    told: list[StoryEntry] = []
    place: StoryPlace | None = None
    while True:
        page, place = queries.story(customer.pk, zone="UTC", kinds=kinds, after=place, limit=limit)
        told += page
        if place is None:
            return told


def visit(customer: Customer, *events: tuple[int, str, str]) -> None:
    """Write events some minutes before NOW: name and product code."""
    source = operations.ensure_source(code="web", name="Web shop", store_id=make_store().pk)
    products = operations.see_products(
        [ProductSeen(store_id=make_store().pk, code=code) for _, _, code in events if code]
    )
    operations.prepare_months([NOW.date()])
    operations.write_events(
        [
            NewEvent(
                source_id=source.pk,
                at=NOW - timedelta(minutes=ago),
                name=name,
                customer_id=customer.pk,
                product_id=products.get((make_store().pk, code)),
                url="https://shop.example/" + code,
                properties={},
            )
            for ago, name, code in events
        ]
    )


def test_a_story_tells_orders_and_refunds_newest_first_over_pages() -> None:
    make_business()
    customer = make_customer()
    first = make_order(customer=customer, day=100, code="O1")
    make_line(order=first)
    make_line(order=first)
    make_refund(customer=customer, order=first, day=103)
    make_order(customer=customer, day=102, code="O2", status="cancelled")
    make_refund(customer=customer, day=101, amount_minor=700)
    make_order(day=102)
    told = [
        (entry.kind, entry.told.get("code") or entry.told.get("order_code"), entry.told.get("lines"))
        for entry in whole(customer, limit=1)
    ]
    assert told == [("refund", "O1", None), ("order", "O2", 0), ("refund", None, None), ("order", "O1", 2)]


def test_a_story_tells_everything_of_those_who_became_one_by_kind() -> None:
    make_business()
    customer, other = make_customer(code="A"), make_customer(code="B")
    visit(customer, (90, "Product Viewed", "T1"), (80, "Ticket Opened", ""), (70, "Coupon Redeemed", ""))
    operations.record_consents(
        [
            Statement(
                customer_id=other.pk, channel="email", purpose="marketing", state="granted",
                at=NOW - timedelta(minutes=60), source="form", key="k1",
            )
        ]
    )  # fmt: skip
    tag = operations.ensure_tag(name="VIP")
    operations.tag_customers(tag_id=tag.pk, customer_ids=[other.pk], now=NOW - timedelta(minutes=50))
    operations.define_attribute(name="birthday", label="Birthday", type="yearly")
    operations.set_attributes(
        [Told(customer_id=customer.pk, name="birthday", value="3月8日", at=NOW - timedelta(minutes=40))]
    )
    account = operations.ensure_account(code="acme", name="Acme")
    operations.add_contacts(
        account_id=account.pk, contacts=[(customer.pk, "buyer")], now=NOW - timedelta(minutes=30)
    )
    operations.merge(kept_id=customer.pk, absorbed_id=other.pk, evidence=Merge.Evidence.PERSON, now=NOW)
    kinds = [entry.kind for entry in whole(customer, limit=3)]
    assert kinds == ["merge", "account", "attribute", "tag", "consent", "coupon", "service", "behaviour"]
    assert kinds == [entry.kind for entry in whole(customer, limit=100)]
    assert [entry.kind for entry in whole(customer, limit=1, kinds=("service", "tag"))] == ["tag", "service"]
    with CaptureQueriesContext(connection) as asked:
        queries.story(customer.pk, zone="UTC")
    assert len(asked) == 1


def test_visits_end_with_a_pause_and_repeated_steps_are_one() -> None:
    make_business()
    customer = make_customer()
    visit(
        customer,
        (200, "Product Viewed", "T1"),
        (100, "Page Viewed", ""),
        (99, "Product Viewed", "T1"),
        (98, "Product Viewed", "T1"),
        (60, "Product Added", "T1"),
    )
    found = queries.visits(customer.pk, since=NOW - timedelta(days=30))
    steps = [[(step.name, step.product, step.times) for step in one.steps] for one in found]
    assert steps == [
        [("Product Added", "T1", 1)],
        [("Page Viewed", "", 1), ("Product Viewed", "T1", 2)],
        [("Product Viewed", "T1", 1)],
    ]


def test_what_was_looked_at_often_and_not_bought_since_is_told() -> None:
    make_business()
    customer = make_customer()
    bought = make_product(code="T2")
    order = make_order(customer=customer)
    order.placed_at = NOW - timedelta(minutes=5)
    order.save(update_fields=["placed_at"])
    make_line(order=order, product=bought)
    views = [(minutes, "Product Viewed", code) for code in ("T1", "T2") for minutes in (30, 20, 10)]
    visit(customer, *views, (15, "Product Viewed", "T3"))
    found = queries.viewed_not_bought(customer.pk, since=NOW - timedelta(days=1))
    assert [(one.code, one.times) for one in found] == [("T1", 3)]


def test_two_sources_of_stories_do_not_share_a_name_or_a_rank() -> None:
    kind = StoryKind(key="x", label="X", icon="info")
    for name, rank in (("order", 99), ("mine", 1)):
        with pytest.raises(ValueError, match="is there"):
            register(StorySource(name=name, rank=rank, sql="SELECT", kinds={kind: ""}))
