"""A small shop to read through the API."""

from django.db import connection

from regulars.insights.models import Profile, ProfileChange, Run
from regulars.intake.models import ColumnMap, Import, Reject
from regulars.planner.models import Action
from regulars.shop.models import Customer, Identifier
from tests.api.clients import NOW
from tests.shop.factories import (
    make_business,
    make_line,
    make_order,
    make_product,
    make_refund,
    make_store,
)

THRESHOLDS = {
    "window_days": None,
    "cuts": {},
    "rfm": {"mean_recency_days": 100.0, "mean_frequency": 1.5, "mean_monetary_minor": 3_000.0},
    "tiers": {"frequency": 3, "monetary_minor": 5_000, "late_days": 180},
    "tiers_chosen": {"late_days": None},
    "stages": {"slowing_percent": 200, "short_cycles": 1, "long_cycles": 3},
}


def make_run(**fields: object) -> Run:
    defaults: dict[str, object] = {
        "as_of_day": 20_001,
        "engine": "polars",
        "state": Run.State.DONE,
        "currency": "GBP",
        "started_at": NOW,
        "finished_at": NOW,
        "thresholds": THRESHOLDS,
    }
    return Run.objects.create(**(defaults | fields))


def make_profile(customer: Customer, **fields: object) -> Profile:
    defaults: dict[str, object] = {
        "orders": 1,
        "tier": "general",
        "stage": "new",
        "cell": "rfm",
        "frequency": 1,
        "last_day": 19_999,
        "cycle_days": 50.0,
    }
    return Profile.objects.create(customer=customer, **(defaults | fields))


def make_action(customer: Customer, **fields: object) -> Action:
    defaults: dict[str, object] = {
        "playbook": "win_back_long",
        "reason": {
            "code": "win_back_long",
            "orders": 3,
            "recency_days": 120,
            "cycle_days": 30.0,
            "year_minor": 9_000,
            "currency": "GBP",
        },
        "value_minor": 900,
        "as_of_day": 20_001,
    }
    return Action.objects.create(customer=customer, **(defaults | fields))


def make_shop() -> list[Customer]:
    """Make three customers, ids 1 to 3: a VIP with orders and refunds, one at risk, one without anything."""
    make_business(currency="GBP")
    store = make_store()
    alice, bob, charlie = (
        Customer.objects.create(id=number, code=code, name=code.title())
        for number, code in enumerate(("alice", "bob", "charlie"), start=1)
    )
    Identifier.objects.create(customer=alice, kind="email", value="alice@example.com")
    Identifier.objects.create(customer=bob, kind="ouid", store=store, value="17")
    product = make_product(code="wipes-80")
    for customer, days in ((alice, (19_900, 19_950, 20_000)), (bob, (19_000,))):
        for day in days:
            order = make_order(customer=customer, day=day, amount_minor=2_500, refunded_minor=500)
            make_line(order=order, product=product, amount_minor=2_500)
            make_refund(customer=customer, order=order, amount_minor=500, day=day + 1)
    make_refund(customer=bob)
    run = make_run()
    make_profile(
        alice, orders=3, frequency=3, monetary_minor=6_000, r=5, f=5, m=5, cell="RFM", tier="VIP",
        stage="growing", first_day=19_900, last_day=20_000, due_day=20_050, late_day=20_070,
    )  # fmt: skip
    make_profile(bob, orders=1, tier="at_risk", stage="lapsed_long", cell="rfm", last_day=19_000)
    ProfileChange.objects.create(
        customer=bob, label="tier", before="general", after="at_risk", as_of_day=20_001, run=run
    )
    make_action(bob)
    imported = Import.objects.create(
        id=1, store=store, file_name="orders.csv", state=Import.State.DONE, created_at=NOW, lines_read=1,
        lines_rejected=1,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ALTER SEQUENCE intake_import_id_seq RESTART WITH 2")
    Reject.objects.create(
        imported=imported, line_number=2, column="Date", value="?", reason="date", raw={"Date": "?"}
    )
    ColumnMap.objects.create(name="saved", header=["Order"], mapping={"columns": {"order_code": "Order"}})
    return [alice, bob, charlie]
