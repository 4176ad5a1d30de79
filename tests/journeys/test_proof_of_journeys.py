"""What journeys brought: against those held out, by the ways of a split, and against another journey."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from regulars.experiments import operations as experiments
from regulars.experiments import queries
from regulars.experiments.operations import ArmTold, ExperimentStateError, ExperimentTold
from regulars.experiments.reading import Reading, read
from regulars.experiments.registry import kind_named
from regulars.experiments.words import headline
from regulars.insights import formats
from regulars.journeys.models import Enrollment, Journey, JourneyVersion
from regulars.journeys.operations import journeys as operations
from regulars.journeys.proof_of_journeys import splits_of
from regulars.kernel.buckets import bucket, is_held_out_globally
from regulars.messaging.models import Channel, Delivery, Send
from regulars.shop.models import Order
from tests.experiments.worlds import make_list
from tests.journeys.graphs import NOON, enroll, graph, live, make_customers, run_journey
from tests.offers.factories import make_offer
from tests.shop.factories import make_business, make_store
from tests.staff.factories import make_user

pytestmark = pytest.mark.django_db


def after(days: float) -> timedelta:
    return timedelta(days=days)


def make_orders(orders: Iterable[tuple[int, float, int]]) -> None:
    """Orders of customers, so many days after NOON, worth so much."""
    store = make_store()
    Order.objects.bulk_create(
        Order(store=store, code=f"p{number}", customer_id=who, day=20_500, placed_at=NOON + after(days), amount_minor=net)
        for number, (who, days, net) in enumerate(orders)
    )  # fmt: skip


def said(kind: str, source_id: int, *, day: float, metric: str = "buyers") -> Reading:
    found = queries.reading(kind, source_id, metric=metric, now=NOON + after(day))
    assert found is not None
    return found


def reach(journey: Journey, customer_ids: Iterable[int], *, day: float, cost: str) -> None:
    channel = Channel.objects.create(kind="email", name="m", created_at=NOON, medium="email")
    send = Send.objects.create(
        kind="journey", source_id=journey.pk, step="1.a.1.0", label="m", purpose="marketing", created_at=NOON
    )
    Delivery.objects.bulk_create(
        Delivery(
            send=send, channel=channel, customer_id=who, state="accepted", accepted_at=NOON + after(day),
            created_at=NOON, settled_at=NOON + after(day), due_at=NOON, cost_minor=Decimal(cost),
        )
        for who in customer_ids
    )  # fmt: skip


def test_a_journey_is_read_against_its_hold_out_nested_in_that_of_everything() -> None:
    make_business(holdout_bp=1_000)
    customers = make_customers(900)
    offer = make_offer()
    code = {"kind": "offer", "offer": offer.pk, "next": {"then": None}}
    journey = run_journey(graph({"code": code}, holdout_bp=3_000))
    enroll(journey, customers[:600])
    enroll(journey, customers[600:], now=NOON + after(5))
    here = [who for who in customers if not is_held_out_globally(who, holdout_bp=1_000)]
    held = {who for who in here if bucket(who, salt=journey.salt) < 3_000}
    treated = [who for who in here if who not in held]
    assert 0 < len(held) < len(treated) < len(here) < 900
    # Who came on the fifth day bought on the third: it counts for nobody. Nor does what comes after 30 days of one's own.
    make_orders(
        [(who, 6, 1_000) for who in treated[::2]]
        + [(who, 6, 1_000) for who in sorted(held)[::4]]
        + [(who, 3, 9_000) for who in customers[600:]]
        + [(who, 31, 9_000) for who in customers[:600]]
    )
    reach(journey, treated[:100], day=5.5, cost="2.5")
    found = said("journey", journey.pk, day=60)
    [side] = found.treated
    assert [one.units for one in found.sides] == [len(held), len(treated)]
    share = len(treated[::2]) / len(treated) - len(sorted(held)[::4]) / len(held)
    assert side.effects["buyers"].effect == pytest.approx(share)
    assert side.verdict is not None
    assert side.verdict.kind == "better"
    assert side.attributed is not None
    assert (side.attributed.reached, side.attributed.orders, side.attributed.cost_minor) == (100, 50, 250.0)
    assert "does better than" in headline(found, currency="GBP")
    # The offer's page says the same of the journey that gives it.
    client = Client()
    client.force_login(make_user())
    shown = client.get(f"/offers/{offer.pk}/effects/").content.decode()
    now = queries.reading("journey", journey.pk, now=timezone.now())
    assert now is not None
    [side] = now.treated
    assert side.attributed is not None
    for minor in (side.attributed.net_minor, side.effects["revenue"].total, side.effects["margin"].total):
        assert formats.money_rounded(round(minor), "GBP") in shown
    assert f'href="/journeys/{journey.pk}/"' in shown


def test_what_a_journey_brought_in_a_month_counts_that_months_orders_and_costs_only() -> None:

    make_business()
    customers = make_customers(400)
    journey = run_journey(graph(holdout_bp=5_000, reentry={"kind": "after_exit"}))
    enroll(journey, customers)
    treated = list(Enrollment.objects.filter(state="active").values_list("customer", flat=True))
    make_orders([(who, 10, 1_000) for who in customers] + [(who, 40, 500) for who in treated])
    reach(journey, treated, day=35, cost="1")
    between = kind_named("journey").between
    assert between is not None
    for begin, end, sales, cost in ((0, 30, 0.0, None), (30, 60, 500.0, float(len(treated)))):
        assigned = between(journey.pk, NOON + after(begin), NOON + after(end))
        assert assigned is not None
        [side] = read(assigned, metric="revenue", now=NOON + after(90)).treated
        assert side.effects["revenue"].effect == pytest.approx(sales)
        assert (side.attributed.cost_minor if side.attributed else None) == cost


def test_a_hold_out_that_was_changed_is_read_from_then_on() -> None:
    make_business()
    customers = make_customers(600)
    journey = run_journey(graph(holdout_bp=1_000))
    enroll(journey, customers[:300])
    operations.save_draft(journey.pk, graph=graph(holdout_bp=5_000), expected_revision=journey.revision)
    operations.publish(journey.pk, now=NOON + after(1))
    enroll(operations.found(journey.pk), customers[300:], now=NOON + after(2))
    found = said("journey", journey.pk, day=10)
    assert sum(side.units for side in found.sides) == 300
    assert found.split is not None
    assert not found.split.suspicious
    operations.save_draft(journey.pk, graph=graph(), expected_revision=journey.revision + 1)
    operations.publish(journey.pk, now=NOON + after(3))
    assert queries.reading("journey", journey.pk, now=NOON + after(10)) is None
    assert journey.pk not in [one.listed.id for one in queries.held_out() if one.kind.kind == "journey"]


def test_a_version_that_is_published_while_a_page_reads_does_not_stop_it() -> None:
    make_business()
    customers = make_customers(600)
    journey = run_journey(graph(holdout_bp=1_000))
    enroll(journey, customers)
    before = said("journey", journey.pk, day=1)
    assert journey.current is not None
    # The page has read which version is current when the next one, with another hold-out, comes.
    JourneyVersion.objects.create(
        journey=journey, number=journey.current.number + 1, graph=graph(), published_at=NOON
    )
    assert said("journey", journey.pk, day=1) == before


def test_the_ways_of_a_split_are_read_against_each_other_over_versions_that_drew_it_alike() -> None:
    make_business()
    customers = make_customers(800)
    steps: dict[str, dict[str, Any]] = {
        "which": {"kind": "split", "shares": {"a": 5_000, "b": 5_000}, "next": {"a": "soon", "b": None}},
        "soon": {"kind": "wait", "days": 1, "label": "An SMS", "next": {"then": None}},
    }
    journey = run_journey(graph(steps))
    enroll(journey, customers[:500])
    live(since=NOON, until=NOON)
    # Another version with the same split is the same question; with other shares it is another one.
    operations.save_draft(journey.pk, graph=graph(steps, entrants_per_day=900), expected_revision=1)
    operations.publish(journey.pk, now=NOON)
    enroll(operations.found(journey.pk), customers[500:])
    live(since=NOON, until=NOON)
    [split] = splits_of(journey)
    assert split.labels == {"a": "a: An SMS", "b": "b: nothing more"}
    assert split.id in [one.listed.id for one in queries.held_out() if one.kind.kind == "split"]
    salt = f"{journey.salt}:which"
    on_b = [who for who in customers if bucket(who, salt=salt) >= 5_000]
    make_orders([(who, 2, 1_000) for who in on_b[::3]])
    found = said("split", split.id, day=9)
    assert [side.units for side in found.sides] == [800 - len(on_b), len(on_b)]
    assert found.treated[0].effects["buyers"].effect == pytest.approx(len(on_b[::3]) / len(on_b))
    steps["which"]["shares"] = {"a": 1_000, "b": 9_000}
    operations.save_draft(journey.pk, graph=graph(steps), expected_revision=2)
    operations.publish(journey.pk, now=NOON)
    assert [one.shares["a"] for one in splits_of(journey)] == [1_000, 5_000]


def test_whole_journeys_are_arms_and_the_one_that_is_rolled_out_opens_for_everybody() -> None:
    make_business()
    customers = make_customers(300)
    gentle, loud = (
        operations.create_journey(name=name, graph=graph(), now=NOON) for name in ("Gentle", "Loud")
    )
    row = experiments.create_experiment(
        ExperimentTold(
            name="Which playbook?", segment_id=make_list(customers[:200]).pk, varies="playbook",
            arms=[
                ArmTold(name="Gentle", share_bp=5_000, source_kind="journey", source_id=gentle.pk),
                ArmTold(name="Loud", share_bp=5_000, source_kind="journey", source_id=loud.pk),
            ],
        ),
        by=None, now=NOON,
    )  # fmt: skip
    with pytest.raises(ExperimentStateError):
        operations.publish(gentle.pk, now=NOON)
    experiments.launch(row.pk, now=NOON)
    for journey in (gentle, loud):
        operations.publish(journey.pk, now=NOON)
        enroll(journey, customers)
    came = {
        one: set(Enrollment.objects.filter(journey=one).values_list("customer", flat=True))
        for one in (gentle, loud)
    }
    assert came[gentle] | came[loud] == set(customers[:200])
    assert not came[gentle] & came[loud]
    arm = row.arms.get(name="Loud")
    _row, made = experiments.roll_out(row.pk, arm_id=arm.pk, by=None, now=NOON + after(20))
    assert made is None
    assert enroll(loud, customers, key="later", now=NOON + after(21)).new == 100 + len(came[gentle])
    assert enroll(gentle, customers, key="later", now=NOON + after(21)).new == 0
