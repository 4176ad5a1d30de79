from datetime import UTC, datetime, timedelta
from operator import attrgetter

import pytest
from django.db import transaction

from regulars.segments import operations as segments
from regulars.shop import operations
from regulars.shop.models import AttributeDefinition, Customer, Merge, Order
from regulars.shop.operations import NewEvent, Person, ProductSeen, Statement, Told
from tests.console.browser import LOOKS, Console, Look
from tests.console.shop_at_work import make_people, make_run
from tests.intake.tracking import event, make_source, send
from tests.shop.factories import make_customer, make_line, make_order, make_store
from tests.staff.factories import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def somebody() -> Customer:
    """Anna, of whom everything is known."""
    now = datetime.now(UTC)
    make_run()
    anna = make_people(count=3)[0].customer
    make_line(order=make_order(customer=anna, code="O-1001", amount_minor=12_900))
    store = make_store()
    source = operations.ensure_source(code="web", name="Web shop", store_id=store.pk)
    seen = [
        ProductSeen(store_id=store.pk, code=code, name=name)
        for code, name in (("T1", "Oolong"), ("T2", "Puer"))
    ]
    products = operations.see_products(seen)
    steps: list[tuple[int, str, str, dict[str, object]]] = [
        (5_000, "Page Viewed", "", {"title": "Tea House"}),
        (4_999, "Product Viewed", "T1", {}),
        (4_998, "Product Viewed", "T2", {}),
        (60, "Product Viewed", "T1", {}),
        (59, "Product Viewed", "T1", {}),
        (58, "Product Added", "T1", {}),
        (50, "Ticket Opened", "", {"subject": "The lid leaks", "status": "open"}),
        (40, "Survey Answered", "", {"score": 9, "comment": "Quick and friendly"}),
    ]
    operations.prepare_months([(now - timedelta(minutes=minutes)).date() for minutes, *_ in steps])
    operations.write_events(
        [
            NewEvent(
                source_id=source.pk, at=now - timedelta(minutes=minutes), name=name, customer_id=anna.pk,
                product_id=products.get((store.pk, code)), url=f"https://tea.example/{code.lower()}", properties=told,
            )
            for minutes, name, code, told in steps
        ]
    )  # fmt: skip
    operations.record_consents(
        [
            Statement(
                customer_id=anna.pk, channel="email", purpose="marketing", state="granted", at=now, source="checkout",
                key="1", address="anna@example.com",
            )
        ]
    )  # fmt: skip
    for name, colour in (("Wholesale", "teal"), ("Allergic to nuts", "red")):
        tag = operations.ensure_tag(name=name)
        operations.change_tag(tag_id=tag.pk, name=name, description="", colour=colour)
        operations.tag_customers(tag_id=tag.pk, customer_ids=[anna.pk], source="staff", now=now)
    regulars = segments.create_list(name="Regulars of the tea room", now=now)
    segments.keep_tag(tag_id=operations.ensure_tag(name="Regular").pk, segment_id=regulars.pk, now=now)
    segments.add_members(regulars.pk, customer_ids=[anna.pk], now=now)
    operations.define_attribute(
        name="birthday", label="Birthday", label_zh="生日", type="yearly", is_customers=True
    )
    operations.define_attribute(
        name="taste", label="Taste", label_zh="口味", type="choices", choices=["smoky", "floral"]
    )
    operations.set_attributes(
        [
            Told(customer_id=anna.pk, name="birthday", value="03-08", at=now, source="questionnaire"),
            Told(customer_id=anna.pk, name="taste", value=["floral", "smoky"], at=now, source="staff"),
        ]
    )
    account = operations.ensure_account(code="acme", name="Acme Tea Rooms", country="France")
    operations.add_contacts(account_id=account.pk, contacts=[(anna.pk, "buyer")], now=now)
    operations.give_orders(
        account_id=account.pk,
        order_ids=list(Order.objects.filter(customer=anna).values_list("id", flat=True)),
    )
    operations.merge(
        kept_id=anna.pk, absorbed_id=make_customer(code="guest-7").pk, evidence=Merge.Evidence.PERSON,
        by=make_user(name="Mia"), now=now,
    )  # fmt: skip
    with transaction.atomic():
        operations.recognise(
            [
                Person(store_id=store.pk, identifiers={"external": code, "email": "home@example.com"}, at=now)
                for code in ("F1", "F2")
            ],
            now=now,
        )
    return anna


@pytest.mark.parametrize("look", LOOKS, ids=attrgetter("name"))
def test_the_pages_of_people_are_sound(*, console: Console, look: Look) -> None:
    anna = somebody()
    key = make_source(name="Site")
    viewed = {"sku": "W80", "url": "https://shop.example/products/wipes-for-sensitive-skin-80-pieces"}
    send(
        key,
        event("track", "m1", userId="anna", event="Product Viewed", properties=viewed),
        event("identify", "m2", userId="anna", traits={"shoe size": 38, "birthday": "soon"}),
        event("track", "m3", anonymousId="5f1b7e3a-visitor", event="Order Completed", properties={"order_id": "A9"}),
        {"type": "track", "messageId": "m4", "event": "Of nobody"},
    )  # fmt: skip
    account = operations.ensure_account(code="acme")
    pages = {
        "person": f"/customers/{anna.pk}/",
        "person-service": f"/customers/{anna.pk}/?kind=service&kind=answer",
        "person-preferences": f"/customers/{anna.pk}/preferences/",
        "duplicates": "/duplicates/",
        "tags": "/tags/",
        "companies": "/companies/",
        "company": f"/companies/{account.pk}/",
        "attributes": "/settings/attributes/",
        "attribute": f"/settings/attributes/{AttributeDefinition.objects.get(name='taste').pk}/",
        "quality": "/data/quality/",
        "source": f"/settings/sources/{key.source_id}/",
    }
    console.look_over(pages, look=look, user=make_user(name="Alice"), is_whole=True)
