"""Journeys as people draw them: what is wrong with a graph, drafts and versions, who may come in, and every kind of step."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.utils import timezone

from regulars.analytics.experiments import bucket
from regulars.journeys import advancing, entering, registry
from regulars.journeys.graph import check, hindrances
from regulars.journeys.kinds.entries import entrants_by_date, latest_slot
from regulars.journeys.kinds.waits import clock_of, opens_at
from regulars.journeys.models import Enrollment, JourneyVersion, Passage
from regulars.journeys.operations import journeys as operations
from regulars.journeys.queries import journeys as queries
from regulars.journeys.registry import Batch
from regulars.kernel.days import day_of_date
from regulars.messaging.models import Channel, Delivery, Send
from regulars.messaging.registry import Source, composer_of
from regulars.offers import operations as offers
from regulars.offers.models import Coupon
from regulars.offers.rules import Percent
from regulars.outbox.delivery import deliver_event
from regulars.outbox.models import OutboxEvent
from regulars.segments import operations as segments
from regulars.segments.models import Membership
from regulars.shop.models import AttributeValue, Customer, Product, Tag, Tagging
from regulars.shop.operations import (
    NewEvent,
    Told,
    define_attribute,
    ensure_source,
    ensure_tag,
    erase_customer,
    merge,
    set_attributes,
    write_events,
)
from tests.journeys.campaigns import make_list
from tests.journeys.graphs import NOON, enroll, graph, live, make_customers, run_journey, way
from tests.messaging.letters_to import publish, recipient
from tests.messaging.sending import allow, make_readers, smtp_channel
from tests.offers.factories import make_offer, use
from tests.shop.factories import make_business, make_line, make_order, make_product, make_store

WAIT = {"kind": "wait", "days": 1, "next": {"then": None}}
SPLIT = {"kind": "split", "shares": {"a": 5_000, "b": 5_000}, "next": {"a": None, "b": None}}


def codes(drawn: object) -> set[tuple[str, str | None, str | None]]:
    return {(one.code, one.step, one.field) for one in check(drawn)}


@pytest.mark.parametrize(
    ("drawn", "fault"),
    [
        ([], ("not_a_graph", None, None)),
        (graph({}), ("no_steps", None, "first")),
        (graph({"a": WAIT}, first="b"), ("points_nowhere", None, "first")),
        (graph({"a": WAIT, "b": WAIT}), ("unreachable", "b", None)),
        (graph({"a": {**WAIT, "next": {"then": "z"}}}), ("points_nowhere", "a", "next.then")),
        (graph({"a": {**WAIT, "next": {"yes": None}}}), ("unknown_out", "a", "next.yes")),
        (graph({"a": {**WAIT, "kind": "dance"}}), ("unknown_kind", "a", "kind")),
        (graph({"a": {**WAIT, "days": 0}}), ("no_time", "a", "days")),
        (graph({"a": {**WAIT, "days": "2"}}), ("invalid", "a", "days")),
        (graph({"a": {**WAIT, "dyas": 2}}), ("unknown_field", "a", "dyas")),
        (graph({"A b": WAIT}), ("step_id", "A b", None)),
        (graph({"a": {**SPLIT, "shares": {"a": 5_000, "b": 1}}}), ("invalid", "a", "shares")),
        (graph({"a": {**SPLIT, "next": {"a": "a", "b": None}}}), ("loop_without_wait", "a", None)),
        (graph({"a": {"kind": "condition", "next": {}}}), ("missing", "a", "rule")),
        (graph({"a": {"kind": "tag", "tag": 9, "next": {}}}), ("invalid", "a", "tag")),
        (graph(entry={"kind": "magic"}), ("unknown_kind", None, "entry")),
        (graph(entry={"kind": "event"}), ("missing", None, "entry.event")),
        (graph(entry={"kind": "product", "from_percent": 90, "until_percent": 80}), ("invalid", None, "entry.until_percent")),
        (graph(reentry={"kind": "after_days"}), ("reentry", None, "reentry.days")),
        (graph(entrants_per_day=0), ("entrants_per_day", None, "entrants_per_day")),
        (graph(holdout_bp=9_000), ("holdout_bp", None, "holdout_bp")),
        (graph(goal={"kind": "segment"}), ("missing", None, "goal.segment")),
        (graph(colour="red"), ("unknown_field", None, "colour")),
        (graph({"a": {"kind": "send", "over": [{"channel": 1, "template": 1}], "next": {}}}), ("missing_channel", "a", "over")),
    ],
)  # fmt: skip
@pytest.mark.django_db
def test_each_fault_of_a_graph_is_told_with_its_place(
    drawn: object, fault: tuple[str, str | None, str | None]
) -> None:
    assert fault in codes(drawn)


@pytest.mark.django_db
def test_a_graph_without_a_fault_has_none_and_a_loop_may_go_through_a_wait() -> None:
    tag = Tag.objects.create(name="t").pk
    assert check(graph({"a": {"kind": "tag", "tag": tag, "next": {"then": None}}})) == []
    assert check(graph({"a": {**WAIT, "next": {"then": "b"}}, "b": {**SPLIT, "next": {"a": "a"}}})) == []


@pytest.mark.parametrize("idle", [WAIT, SPLIT])
@pytest.mark.django_db
def test_a_step_that_only_waits_or_parts_ways_before_nothing_is_a_dead_end_that_may_be_published(
    idle: dict[str, Any],
) -> None:
    found = check(graph({"a": idle}))
    assert [(one.code, one.step, one.severity) for one in found] == [("dead_end", "a", "warning")]


@pytest.mark.django_db
def test_a_draft_is_kept_as_drawn_and_published_in_versions_that_never_change() -> None:
    make_business()
    journey = operations.create_journey(name=" Welcome  all ", graph={"steps": {}}, now=NOON)
    assert (journey.name, journey.state, journey.revision) == ("Welcome all", "draft", 1)
    with pytest.raises(operations.InvalidGraphError) as refused:
        operations.publish(journey.pk, now=NOON)
    assert {one.code for one in refused.value.faults} >= {"no_steps"}
    assert operations.save_draft(journey.pk, graph=graph(), expected_revision=1).revision == 2
    with pytest.raises(operations.StaleDraftError):
        operations.save_draft(journey.pk, graph=graph(holdout_bp=1), expected_revision=1)
    assert operations.save_draft(journey.pk, graph=graph(), expected_revision=1).revision == 2
    first = operations.publish(journey.pk, now=NOON).version
    assert operations.publish(journey.pk, now=NOON).version == first
    changed = graph({"pause": {**WAIT, "days": 3}})
    operations.save_draft(journey.pk, graph=changed, expected_revision=2)
    second = operations.publish(journey.pk, now=NOON).version
    assert [one.number for one in queries.versions(journey.pk)] == [2, 1]
    assert queries.diff(first.graph, second.graph) == [
        queries.Change(path="steps.pause.days", before=1, after=3)
    ]
    with pytest.raises(Exception, match="update"):
        JourneyVersion.objects.filter(pk=first.pk).update(graph={})


@pytest.mark.parametrize(("running", "days", "number"), [("finish", 1, 1), ("move", 3, 2)])
@pytest.mark.django_db
def test_who_is_on_the_way_finishes_by_their_version_or_is_moved(
    running: operations.Running, days: int, number: int
) -> None:
    make_business()
    [who] = make_customers(1)
    journey = run_journey(graph())
    enroll(journey, [who])
    advancing.advance_all(now=NOON)
    drawn = graph({"pause": {**WAIT, "days": 3}})
    operations.save_draft(journey.pk, graph=drawn, expected_revision=journey.revision)
    published = operations.publish(journey.pk, running=running, now=NOON)
    assert (published.moved, published.finishing) == ((1, 0) if running == "move" else (0, 1))
    live(since=NOON, until=NOON + timedelta(days=4))
    row = Enrollment.objects.get()
    assert (row.version.number, row.state, row.left_at) == (number, "finished", NOON + timedelta(days=days))


REENTRY: list[tuple[Mapping[str, Any], list[bool]]] = [
    ({"kind": "never"}, [True, False, False, False]),
    ({"kind": "after_exit"}, [True, False, True, True]),
    ({"kind": "after_days", "days": 5}, [True, False, False, True]),
    ({"kind": "always"}, [True, True, True, True]),
]


@pytest.mark.parametrize(("reentry", "may"), REENTRY)
@pytest.mark.django_db
def test_who_may_come_again(reentry: Mapping[str, Any], may: list[bool]) -> None:
    make_business()
    [who] = make_customers(1)
    journey = run_journey(graph(reentry=reentry))
    came = []
    for day, key in ((0, "a"), (0, "b"), (2, "c"), (6, "d")):
        now = NOON + timedelta(days=day)
        advancing.advance_all(now=now)
        came.append(enroll(journey, [who], key=key, now=now).new == 1)
        assert enroll(journey, [who], key=key, now=now).new == 0
    assert came == may


# Who comes in


@pytest.mark.django_db
def test_no_more_come_in_a_day_than_may_and_who_waits_comes_first_the_next_day() -> None:
    make_business()
    first, later = make_customers(5), make_customers(3)
    journey = run_journey(graph(entrants_per_day=4))
    assert enroll(journey, first) == operations.Enrolled(new=5, queued=1)
    tomorrow = NOON + timedelta(days=1)
    assert enroll(journey, later, now=tomorrow) == operations.Enrolled(new=3)
    # A clock that is set back gives yesterday no second number.
    assert enroll(journey, make_customers(2), now=NOON).queued == 2
    days = Enrollment.objects.filter(entered_at__isnull=False).values_list("entered_at", flat=True)
    assert sorted(at.day for at in days if at is not None) == [2] * 4 + [3] * 4
    assert set(Enrollment.objects.filter(entered_at=tomorrow).values_list("customer_id", flat=True)) == {
        first[4],
        *later,
    }


@pytest.mark.django_db
def test_the_hold_out_is_drawn_by_a_bucket_that_anybody_can_reckon_again() -> None:
    make_business()
    who = make_customers(200)
    journey = run_journey(graph(holdout_bp=2_000))
    enroll(journey, who)
    held = set(Enrollment.objects.filter(state="held_out").values_list("customer_id", flat=True))
    assert held == {one for one in who if bucket(one, salt=journey.salt) < 2_000}
    assert 20 <= len(held) <= 60


@pytest.mark.django_db
def test_only_those_come_in_of_whom_the_entrys_rule_holds() -> None:
    make_business()
    anna, bert = make_customers(2)
    make_order(customer=Customer.objects.get(pk=anna))
    rule = {"version": 1, "rule": {"bought": {}, "at_least": 1}}
    journey = run_journey(graph(entry={"kind": "manual", "rule": rule}))
    assert enroll(journey, [anna, bert]) == operations.Enrolled(new=1, refused=1)


@pytest.mark.django_db
def test_who_is_erased_or_becomes_somebody_else_goes_no_further() -> None:
    make_business()
    anna, bert, carl = make_customers(3)
    journey = run_journey(graph())
    enroll(journey, [anna, bert, carl])
    erase_customer(customer_id=anna, by=None, now=NOON)
    merge(kept_id=carl, absorbed_id=bert, evidence="email", now=NOON)
    live(since=NOON, until=NOON + timedelta(days=2), step=timedelta(days=1))
    ends = dict(Enrollment.objects.values_list("customer_id", "state"))
    assert [ends[one] for one in (anna, bert, carl)] == ["removed", "removed", "finished"]
    assert enroll(journey, [anna, bert], key="later").new == 0


@pytest.mark.parametrize(
    ("rule", "days"),
    [("28", ["2024-02-29", "2025-02-28"]), ("1", ["2024-02-29", "2025-03-01"])],
)
@pytest.mark.django_db
def test_a_birthday_comes_every_year_and_one_of_29_february_by_its_rule(rule: str, days: list[str]) -> None:
    make_business()
    leap, may = make_customers(2)
    define_attribute(name="birthday", label="Birthday", type="yearly")
    set_attributes([Told(customer_id=leap, name="birthday", value="1988-02-29", at=NOON), Told(customer_id=may, name="birthday", value="05-03", at=NOON)])  # fmt: skip
    entry = {"kind": "date", "attribute": "attribute.birthday", "shift_days": 0, "february_29": rule}
    start, end = day_of_date(date(2024, 1, 1)), day_of_date(date(2026, 1, 1))
    found = entrants_by_date(entry, since_day=start, until_day=end)
    assert sorted(one.key for one in found if one.customer_id == leap) == [f"d{day}" for day in days]
    early = entrants_by_date({**entry, "shift_days": -7}, since_day=start, until_day=end)
    mays = sorted((one.key, one.at.date().isoformat()) for one in early if one.customer_id == may)
    assert mays == [("d2024-05-03", "2024-04-26"), ("d2025-05-03", "2025-04-26")]


@pytest.mark.django_db
def test_a_birthday_brings_each_once_however_often_somebody_looks() -> None:
    make_business()
    [who] = make_customers(1)
    define_attribute(name="birthday", label="Birthday", type="yearly")
    set_attributes([Told(customer_id=who, name="birthday", value="03-04", at=NOON)])
    entry = {"kind": "date", "attribute": "attribute.birthday"}
    journey = run_journey(graph(entry=entry, reentry={"kind": "always"}))
    assert sum(entering.look_all(now=NOON + timedelta(hours=hours)) for hours in range(0, 96, 6)) == 1
    assert Enrollment.objects.get(journey=journey).entered_at == NOON + timedelta(hours=36)


SLOTS = [
    ({"every": "day", "clock": "08:00"}, "2026-03-02T07:00"),
    ({"every": "week", "weekdays": [2, 5], "clock": "08:00"}, "2026-02-27T07:00"),
    ({"every": "month", "day_of_month": 31, "clock": "20:00"}, "2026-02-28T19:00"),
    ({"every": "day", "clock": "13:30"}, "2026-03-01T12:30"),
]


@pytest.mark.parametrize(("told", "slot"), SLOTS)
def test_a_calendar_names_its_last_moment_by_the_shops_clock(told: Mapping[str, Any], slot: str) -> None:
    found = latest_slot(told, now=NOON, zone=ZoneInfo("Europe/Berlin"))
    assert found == datetime.fromisoformat(slot).replace(tzinfo=UTC)


@pytest.mark.django_db
def test_everybody_in_a_segment_comes_once_at_each_time_of_the_calendar() -> None:
    make_business()
    people = make_list(make_customers(3))
    entry = {"kind": "schedule", "segment": people.pk, "every": "day", "clock": "13:00"}
    run_journey(graph(entry=entry, reentry={"kind": "always"}))
    came = [entering.look_all(now=NOON + timedelta(hours=hours)) for hours in (0.5, 1, 1.5, 24, 25, 26)]
    assert came == [0, 3, 0, 0, 3, 0]


@pytest.mark.django_db
def test_who_comes_into_a_segment_comes_in_and_members_only_where_told() -> None:
    make_business()
    people = make_list(make_customers(2))
    asked = run_journey(graph(entry={"kind": "segment", "segment": people.pk, "members": True}))
    fresh = run_journey(graph(entry={"kind": "segment", "segment": people.pk}))
    Membership.objects.update(since_at=NOON)
    entering.look_all(now=NOON)
    [new] = make_customers(1)
    segments.add_members(people.pk, customer_ids=[new], now=NOON)
    for row in OutboxEvent.objects.filter(name="segments.SegmentEntered"):
        deliver_event(event_id=row.pk)
    came = {one.pk: set(one.enrollments.values_list("customer_id", flat=True)) for one in (asked, fresh)}
    assert new in came[fresh.pk]
    assert len(came[asked.pk]) == 3


@pytest.mark.django_db
def test_a_first_order_of_a_category_brings_somebody_in_once() -> None:
    make_business()
    old, new, other = (Customer.objects.get(pk=one) for one in make_customers(3))
    day = day_of_date(NOON.date())
    tea = make_product(category="Tea")
    for customer, when in ((old, day - 100), (old, day), (new, day), (other, day)):
        order = make_order(customer=customer, day=when)
        make_line(order=order, product=make_product(category="Cups") if customer == other else tea)
    entry = {"kind": "order", "which": "first", "category": "Tea"}
    journey = run_journey(graph(entry=entry))
    assert [entering.look_all(now=NOON + timedelta(minutes=one)) for one in (0, 1, 2)] == [1, 0, 0]
    assert Enrollment.objects.get(journey=journey).customer == new


def wipes(quantity: int, *, day: int, customer: Customer | None = None) -> Customer:
    """Somebody who buys packs of 80 wipes."""
    product = Product.objects.filter(code="wipes").first() or make_product(code="wipes")
    Product.objects.filter(pk=product.pk).update(pack_size="80 wipes")
    customer = customer or Customer.objects.get(pk=make_customers(1)[0])
    make_line(order=make_order(customer=customer, day=day), product=product, quantity=quantity)
    return customer


@pytest.mark.django_db
def test_replenishment_as_worked_out_by_hand() -> None:
    """80 wipes at 4 a day bought on day 0: a code on day 15 to 18; bought again on day 10: none for that pack; two: 30 to 36."""
    make_business()
    start = day_of_date(NOON.date())
    once, twice, two = wipes(1, day=start), wipes(1, day=start), wipes(2, day=start)
    wipes(1, day=start + 10, customer=twice)
    offer = make_offer(Percent(percent_bp=1_200))
    steps = {
        "code": {"kind": "offer", "offer": offer.pk, "next": {"then": "hour"}},
        "hour": {"kind": "wait_until", "clock": "10:00", "next": {"then": None}},
    }
    entry = {"kind": "product", "product": "wipes", "daily_use": 4}
    journey = run_journey(graph(steps, entry=entry, reentry={"kind": "always"}, goal={"kind": "order"}))
    assert hindrances(check(journey.graph)) == []
    for hours in range(0, 24 * 45, 12):
        now = NOON + timedelta(hours=hours)
        entering.look_all(now=now)
        advancing.advance_all(now=now)
    rows = Enrollment.objects.filter(journey=journey).order_by("pk")
    days = {
        who: [
            (row.entered_at.date() - NOON.date()).days
            for row in rows.filter(customer=who)
            if row.entered_at is not None
        ]
        for who in (once, twice, two)
    }
    assert [days[who] for who in (once, twice, two)] == [[15], [25], [30]]
    codes_of = {who: Coupon.objects.filter(holder=who).count() for who in (once, twice, two)}
    assert set(codes_of.values()) == {1}
    # A journey that begins on day 17 still reminds; one that begins on day 19 leaves in peace.
    for day, many in ((17, 1), (19, 0)):
        late = run_journey(graph(steps, entry=entry), name=f"Day {day}", now=NOON + timedelta(days=day))
        entering.look(late, now=NOON + timedelta(days=day))
        assert late.enrollments.filter(customer=once).count() == many


# Steps


@pytest.mark.parametrize(
    ("step", "arrives", "goes"),
    [
        ({"clock": "09:00"}, "2026-03-02T08:00", "2026-03-02T08:00"),
        ({"clock": "09:00"}, "2026-03-02T08:01", "2026-03-03T08:00"),
        ({"clock": "09:00", "weekdays": [6]}, "2026-03-02T07:00", "2026-03-07T08:00"),
        ({"clock": "09:00", "until": "18:00"}, "2026-03-02T12:00", "2026-03-02T12:00"),
        ({"clock": "09:00", "until": "18:00"}, "2026-03-02T17:00", "2026-03-03T08:00"),
        ({"clock": "22:00", "until": "02:00"}, "2026-03-02T23:30", "2026-03-02T23:30"),
        ({"clock": "02:30"}, "2026-03-28T23:00", "2026-03-29T01:30"),
    ],
)
def test_an_hour_is_waited_for_by_the_customers_clock(
    step: Mapping[str, Any], arrives: str, goes: str
) -> None:
    ends = clock_of(step["until"]) if "until" in step else None
    found = opens_at(
        datetime.fromisoformat(arrives).replace(tzinfo=UTC),
        zone=ZoneInfo("Europe/Berlin"),
        begins=clock_of(step["clock"]),
        ends=ends,
        weekdays=step.get("weekdays", ()),
    )
    assert found.astimezone(UTC) == datetime.fromisoformat(goes).replace(tzinfo=UTC)


@pytest.mark.django_db
def test_waits_for_dates_orders_and_behaviour_go_on_as_soon_as_it_happens_or_by_the_other_way() -> None:
    make_business()
    anna, bert = make_customers(2)
    define_attribute(name="baby", label="Baby", type="date")
    set_attributes([Told(customer_id=anna, name="baby", value="2026-03-05", at=NOON)])
    steps = {
        "born": {"kind": "wait_date", "attribute": "attribute.baby", "shift_days": 1, "clock": "10:00", "next": {"then": "order", "missing": "order"}},
        "order": {"kind": "wait_order", "days": 2, "next": {"happened": "looked", "timeout": None}},
        "looked": {"kind": "wait_event", "event": "Product Viewed", "days": 3, "next": {"happened": None, "timeout": None}},
    }  # fmt: skip
    journey = run_journey(graph(steps))
    assert hindrances(check(journey.graph)) == []
    enroll(journey, [anna, bert])
    live(since=NOON, until=NOON + timedelta(days=4))
    assert way(journey, bert) == [("born", "missing"), ("order", "timeout")]
    assert way(journey, anna) == [("born", "then"), ("order", None)]
    now = NOON + timedelta(days=5)
    order = make_order(customer=Customer.objects.get(pk=anna), day=day_of_date(now.date()))
    entering.hear_order(anna, now=order.placed_at + timedelta(seconds=1))
    advancing.advance_all(now=order.placed_at + timedelta(seconds=1))
    assert way(journey, anna)[1:] == [("order", "happened"), ("looked", None)]
    at = order.placed_at + timedelta(hours=2)
    view(anna, at=at)
    deliver_event(event_id=OutboxEvent.objects.get(name="shop.BehaviourTold").pk)
    advancing.advance_all(now=max(at, timezone.now()))
    assert way(journey, anna)[-1] == ("looked", "happened")


def view(customer_id: int, *, at: datetime) -> None:
    source = ensure_source(code="web", name="Web", store_id=make_store().pk)
    event = NewEvent(
        source_id=source.pk, at=at, name="Product Viewed", customer_id=customer_id, properties={}
    )
    with transaction.atomic():
        write_events([event, replace(event, name="Page Viewed")])


@pytest.mark.django_db
def test_behaviour_brings_somebody_in_and_is_told_of_only_where_a_journey_listens() -> None:
    make_business()
    [who] = make_customers(1)
    now = timezone.now()
    view(who, at=now)
    assert not OutboxEvent.objects.exists()
    journey = run_journey(
        graph(entry={"kind": "event", "event": "Product Viewed"}), now=now - timedelta(days=3)
    )
    view(who, at=now - timedelta(days=2))
    view(who, at=now)
    for row in OutboxEvent.objects.filter(name="shop.BehaviourTold"):
        deliver_event(event_id=row.pk)
    [came] = Enrollment.objects.filter(journey=journey)
    assert came.key.startswith("e")
    assert OutboxEvent.objects.filter(name="shop.BehaviourTold").count() == 2


@pytest.mark.django_db
def test_a_message_goes_over_the_first_channel_that_reaches_each_and_again_on_the_next_time() -> None:
    make_business()
    mail = smtp_channel(9)
    sms = Channel.objects.create(kind="staff_task", name="SMS", medium="sms", key="sms", created_at=NOON)
    [both] = make_readers(1)
    [other] = make_readers(1, channel="sms")
    [noone] = make_customers(1)
    allow([both], channel="sms")
    letters = publish(name="Mail", format="email", en=("Tea", "Hello {{ coupon.code }}")).template_id
    text = publish(name="Text", format="text", en=("", "Hello")).template_id
    offer = make_offer(Percent(percent_bp=1_200))
    over = [{"channel": mail.pk, "template": letters}, {"channel": sms.pk, "template": text}]
    steps = {"say": {"kind": "send", "over": over, "offer": offer.pk, "next": {"then": None}}}
    assert codes(graph({"say": {**steps["say"], "offer": None}})) == {("missing_offer", "say", "offer")}
    journey = run_journey(graph(steps, reentry={"kind": "always"}))
    for key in ("a", "b"):
        enroll(journey, [both, other, noone], key=key)
        advancing.advance_all(now=NOON)
    rows = Delivery.objects.order_by("send_id", "customer_id")
    told = [(one.customer_id, one.channel_id, one.state, one.reason) for one in rows]
    once = [(both, mail.pk, "pending", ""), (other, sms.pk, "pending", ""), (noone, mail.pk, "suppressed", "no_consent")]  # fmt: skip
    assert told == [*once, *once]
    assert Coupon.objects.filter(holder=both).count() == 2
    send = rows[0].send
    assert (send.label, send.step) == ("Welcome: say", "1.say.1.0")
    said = composer_of("journey")(Source(kind="journey", id=journey.pk, step=send.step), channel="email")
    [customer] = Customer.objects.filter(pk=both)
    assert said.batch([recipient(customer)], now=NOON)(recipient(customer)).subject == "Tea"


@pytest.mark.django_db
def test_who_has_used_an_offer_up_goes_on_without_its_code_and_the_message_that_brings_it() -> None:
    make_business()
    mail = smtp_channel(9)
    used, fresh = make_readers(2)
    offer = make_offer(Percent(percent_bp=1_200), per_customer=1)
    use(offer, used, now=NOON)
    letters = publish(name="Mail", format="email", en=("Tea", "Hello {{ coupon.code }}")).template_id
    receipt = publish(name="Receipt", format="email", en=("Tea", "Hello")).template_id
    say: dict[str, Any] = {"kind": "send", "offer": offer.pk}
    steps = {
        "give": {"kind": "offer", "offer": offer.pk, "next": {"then": "say"}},
        "say": {**say, "over": [{"channel": mail.pk, "template": letters}], "next": {"then": "bill"}},
        "bill": {
            **say,
            "over": [{"channel": mail.pk, "template": receipt}],
            "transactional": True,
            "next": {"then": None},
        },
    }
    journey = run_journey(graph(steps))
    enroll(journey, [used, fresh], now=NOON + timedelta(hours=1))
    advancing.advance_all(now=NOON + timedelta(hours=1))
    rows = Delivery.objects.order_by("send_id", "customer_id")
    assert list(rows.values_list("customer_id", "state", "reason")) == [
        (used, "suppressed", "offer_used"),
        (fresh, "pending", ""),
        (used, "pending", ""),
        (fresh, "pending", ""),
    ]
    assert list(Coupon.objects.exclude(source="before").values_list("holder", flat=True)) == [fresh]
    given = Passage.objects.filter(step="give").order_by("enrollment__customer")
    assert list(given.values_list("enrollment__customer", "note")) == [(used, "offer_used"), (fresh, "")]


@pytest.mark.django_db
def test_steps_tag_write_down_call_programs_and_lead_to_and_from_other_journeys() -> None:
    make_business()
    [who] = make_customers(1)
    task = Channel.objects.create(kind="staff_task", name="Calls", medium="", key="calls", created_at=NOON)
    hook = Channel.objects.create(kind="webhook", name="Hook", medium="", key="hook", created_at=NOON)
    define_attribute(name="greeted", label="Greeted", type="flag")
    tag = ensure_tag(name="greeted")
    other = run_journey(graph(), name="Other")
    left = run_journey(graph(), name="Left")
    enroll(left, [who])
    ways: list[dict[str, Any]] = [
        {"kind": "tag", "tag": tag.pk},
        {"kind": "attribute", "attribute": "attribute.greeted", "value": "yes"},
        {"kind": "task", "channel": task.pk, "title": "Call them", "text": "Say hello"},
        {"kind": "webhook", "channel": hook.pk},
        {"kind": "start_journey", "journey": other.pk},
        {"kind": "leave_journey", "journey": left.pk},
    ]
    steps: dict[str, Any] = {
        f"s{place}": {**step, "next": {"then": f"s{place + 1}" if place + 1 < len(ways) else None}}
        for place, step in enumerate(ways)
    }
    assert [one for one in check(graph(steps)) if one.severity == "error"] == []
    journey = run_journey(graph(steps))
    enroll(journey, [who])
    advancing.advance_all(now=NOON)
    assert [out for _step, out in way(journey, who)] == ["then"] * len(ways)
    assert Tagging.objects.get().customer_id == who
    assert AttributeValue.objects.get().flag is True
    assert {one.channel_id for one in Delivery.objects.all()} == {task.pk, hook.pk}
    assert Enrollment.objects.get(journey=other).state == "active"
    assert Enrollment.objects.get(journey=left).state == "removed"
    source = Source(kind="journey", id=journey.pk, step="1.s2.1.0")
    [customer] = Customer.objects.filter(pk=who)
    said = composer_of("journey")(source, channel="").batch([], now=NOON)(recipient(customer))
    assert (said.subject, said.text, said.data["customer"]) == ("Call them", "Say hello", who)


@pytest.mark.django_db
def test_goal_and_exit_end_a_way_before_the_next_step() -> None:
    make_business()
    buyer, vip, plain = make_customers(3)
    people = make_list([vip])
    told = {"goal": {"kind": "order", "within_days": 3}, "exit": {"kind": "segment", "segment": people.pk}}
    journey = run_journey(graph({"pause": {**WAIT, "days": 2}}, **told))
    enroll(journey, [buyer, vip, plain])
    make_order(customer=Customer.objects.get(pk=buyer), day=day_of_date(NOON.date()) + 1)
    live(since=NOON, until=NOON + timedelta(days=3), step=timedelta(days=1))
    ends = dict(Enrollment.objects.values_list("customer_id", "state"))
    assert [ends[one] for one in (buyer, vip, plain)] == ["goal", "exited", "finished"]
    assert queries.step_counts(journey.pk)["pause"] == queries.StepCount(passed=1, left=3, outs={"then": 1})


@pytest.mark.django_db
def test_an_error_parks_those_whom_it_concerns_and_they_can_be_tried_again_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_business()
    who = make_customers(9)
    offer = make_offer()
    steps = {"code": {"kind": "offer", "offer": offer.pk, "next": {"then": None}}}
    journey = run_journey(graph(steps))

    def act(batch: Batch) -> None:
        if who[4] in batch.customer_ids:
            raise ZeroDivisionError("their data")

    kind = registry.step_kinds()["offer"]
    monkeypatch.setitem(registry._steps, "offer", replace(kind, act=act))  # noqa: SLF001  a step that fails
    enroll(journey, who)
    advancing.advance_all(now=NOON)
    states = dict(Enrollment.objects.values_list("customer_id", "state"))
    assert {one: state for one, state in states.items() if state != "finished"} == {who[4]: "parked"}
    assert Enrollment.objects.get(state="parked").reason == "ZeroDivisionError: their data"
    monkeypatch.setitem(registry._steps, "offer", kind)  # noqa: SLF001  as it was
    offers.move(offer.pk, state="ended")
    assert operations.retry_parked(journey.pk, now=NOON) == 1
    advancing.advance_all(now=NOON)
    assert "ended" in Enrollment.objects.get(state="parked").reason
    assert queries.step_counts(journey.pk)["code"].parked == 1


@pytest.mark.django_db
def test_a_paused_journey_moves_nobody_and_a_stopped_one_takes_everybody_off() -> None:
    make_business()
    [who] = make_readers(1)
    channel = smtp_channel(9)
    over = [{"channel": channel.pk, "template": publish(name="Mail", en=("Tea", "Hi")).template_id}]
    steps = {"say": {"kind": "send", "over": over, "next": {"then": "pause"}}, "pause": WAIT}
    journey = run_journey(graph(steps))
    enroll(journey, [who])
    advancing.advance_all(now=NOON)
    operations.pause(journey.pk)
    assert advancing.advance_all(now=NOON + timedelta(days=9)) == 0
    assert Send.objects.get().state == "paused"
    with pytest.raises(operations.JourneyStateError):
        enroll(journey, [who], key="z")
    operations.resume(journey.pk)
    assert Send.objects.get().state == "running"
    assert operations.stop(journey.pk, now=NOON) == 1
    assert (Send.objects.get().state, Enrollment.objects.get().state) == ("cancelled", "removed")
    assert operations.stop(journey.pk, now=NOON) == 0
    copy = operations.duplicate(journey.pk, now=NOON)
    assert (copy.name, copy.state, copy.graph) == ("Welcome 2", "draft", journey.graph)
    assert copy.salt != journey.salt


@pytest.mark.django_db
def test_a_split_sends_each_customer_the_same_way_for_ever_in_the_shares_told() -> None:
    make_business()
    who = make_customers(300)
    steps = {"lot": {"kind": "split", "shares": {"a": 2_000, "b": 8_000}, "next": {"a": None, "b": None}}}
    journey = run_journey(graph(steps, reentry={"kind": "always"}))
    for key in ("one", "two"):
        enroll(journey, who, key=key)
        advancing.advance_all(now=NOON)
    outs: dict[int, set[str]] = {}
    for customer, out in Passage.objects.values_list("enrollment__customer_id", "out"):
        outs.setdefault(customer, set()).add(out)
    assert all(len(found) == 1 for found in outs.values())
    assert 35 <= sum("a" in found for found in outs.values()) <= 90
