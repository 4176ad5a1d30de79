"""The time machine: it says what the engine did when it really ran, knows what it cannot know, and writes nothing."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.db.utils import InternalError

from regulars.insights.models import Profile
from regulars.journeys import advancing, dry_run, entering, registry
from regulars.journeys.models import Enrollment, Journey, Passage
from regulars.journeys.operations.enrolling import wake
from regulars.journeys.past import Past
from regulars.kernel.days import day_of_date
from regulars.messaging.models import Cap, Delivery, QuietHours
from regulars.offers.rules import Percent
from regulars.segments import operations as segments
from regulars.shop.models import Customer, Identifier
from tests.journeys.graphs import NOON, graph, make_customers, run_journey
from tests.messaging.letters_to import publish
from tests.messaging.sending import make_readers, smtp_channel
from tests.offers.factories import make_offer, use
from tests.shop.factories import make_business, make_order

DAY = day_of_date(NOON.date())
AGAIN = {"version": 1, "rule": {"bought": {}, "at_least": 2}}


def welcome(channel_id: int, **told: Any) -> dict[str, Any]:  # noqa: ANN401  any member
    """Three days after an order a mail to whoever has not bought again."""
    template = publish(name="Tea", en=("Tea", "Hello")).template_id
    say = {"kind": "send", "over": [{"channel": channel_id, "template": template}], "next": {"then": None}}
    steps = {
        "pause": {"kind": "wait", "days": 3, "next": {"then": "again"}},
        "again": {"kind": "condition", "rule": AGAIN, "next": {"yes": None, "no": "lot"}},
        "lot": {"kind": "split", "shares": {"a": 3_000, "b": 7_000}, "next": {"a": "pause", "b": "say"}},
        "say": say,
    }
    entry = {"kind": "order", "fresh_days": 2}
    return graph(steps, entry=entry, reentry={"kind": "always"}, **told)


def ways(journey: Journey) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for step, out in Passage.objects.filter(version__journey=journey).values_list("step", "out"):
        found.setdefault(step, Counter())[out] += 1
    return found


@pytest.mark.django_db
def test_it_tells_what_the_engine_did_when_it_ran_over_the_same_days() -> None:
    make_business()
    channel = smtp_channel(9)
    readers, mute = make_readers(12), make_customers(3)
    drawn = welcome(
        channel.pk, entrants_per_day=1, holdout_bp=2_000, goal={"kind": "order", "within_days": 2}
    )
    journey = run_journey(drawn, now=datetime.combine(NOON.date(), time(), tzinfo=UTC))
    people = [*readers, *mute]
    for day in range(14):
        buyers = [who for place, who in enumerate(people) if (place * 7 + day * 5) % 13 == 0]
        for who in buyers:
            make_order(customer=Customer.objects.get(pk=who), day=DAY + day)
        for hour in (0, 6, 12, 18):
            now = datetime.combine(NOON.date() + timedelta(days=day), time(hour), tzinfo=UTC)
            entering.look_all(now=now)
            if hour == 12:
                wake(buyers, now=now)
            advancing.advance_all(now=now)
    done = dry_run.run(
        drawn, since_day=DAY, until_day=DAY + 14, now=NOON + timedelta(days=30), journey_id=journey.pk
    )
    assert {step: dict(outs) for step, outs in done.steps.items()} == {
        s: dict(o) for s, o in ways(journey).items()
    }
    assert done.ends == dict(
        Counter(Enrollment.objects.exclude(state="queued").values_list("state", flat=True))
    )
    sent = Delivery.objects.exclude(state="suppressed").count()
    assert (sum(done.sends.values()), sum(done.held_back.values())) == (sent, Delivery.objects.count() - sent)
    assert done.entrants == Enrollment.objects.filter(entered_at__isnull=False).count() > 9
    assert max(day.entrants for day in done.days) == 1
    example = next(one for one in done.examples if one.state == "finished" and len(one.path) > 2)
    row = Enrollment.objects.get(customer=example.customer_id, entered_at=example.entered_at)
    path = [(one.step, one.out, one.at) for one in example.path]
    assert path == list(row.passages.order_by("number").values_list("step", "out", "at"))


@pytest.mark.django_db
def test_caps_quiet_hours_consents_and_codes_are_reckoned_without_writing_anything() -> None:
    make_business()
    channel = smtp_channel(9)
    channel.cost_minor = 2
    channel.save()
    [anna] = make_readers(1)
    [noone] = make_customers(1)
    Cap.objects.create(medium="email", most=1, days=7, is_rolling=True)
    QuietHours.objects.create(medium="email", begins=time(11), ends=time(14))
    for who in (anna, noone):
        for day in (0, 1, 2):
            make_order(customer=Customer.objects.get(pk=who), day=DAY + day, amount_minor=5_000)
    offer = make_offer(Percent(percent_bp=1_200))
    template = publish(name="Tea", en=("Tea", "{{ coupon.code }}")).template_id
    over = [{"channel": channel.pk, "template": template}]
    say = {"kind": "send", "over": over, "offer": offer.pk, "next": {"then": None}}
    drawn = graph({"say": say}, entry={"kind": "order"}, reentry={"kind": "always"})
    other = run_journey({**drawn, "reentry": {"kind": "never"}}, name="Other")
    before = (Delivery.objects.count(), Enrollment.objects.count(), Journey.objects.count())
    done = dry_run.run(drawn, since_day=DAY, until_day=DAY + 30, now=NOON + timedelta(days=40))
    assert (Delivery.objects.count(), Enrollment.objects.count(), Journey.objects.count()) == before
    assert (done.entrants, done.sends, done.held_back) == (6, {channel.pk: 3}, {"no_consent": 3})
    assert (done.cap_hits, int(done.cost_minor)) == (2, 6)
    # Quiet until 14:00; then a week each.
    assert [(day.day - DAY, day.sends[channel.pk]) for day in done.days if day.sends] == [
        (0, 1),
        (7, 1),
        (14, 1),
    ]
    [codes] = done.codes
    assert (codes.codes, codes.exposure_minor) == (6, 6 * 600)
    assert [(one.journey_id, one.customers) for one in done.overlaps] == [(other.pk, 2)]
    # As it is kept for the page.
    kept = json.loads(json.dumps(asdict(done), cls=DjangoJSONEncoder))
    assert kept["days"][7]["sends"] == {str(channel.pk): 1}


@pytest.mark.django_db
def test_who_had_used_an_offer_up_by_then_would_not_have_had_its_code() -> None:
    make_business()
    channel = smtp_channel(9)
    [anna] = make_readers(1)
    for day in (0, 4):
        make_order(customer=Customer.objects.get(pk=anna), day=DAY + day, amount_minor=5_000)
    offer = make_offer(Percent(percent_bp=1_200), per_customer=1)
    use(offer, anna, now=NOON + timedelta(days=2))
    template = publish(name="Tea", en=("Tea", "{{ coupon.code }}")).template_id
    over = [{"channel": channel.pk, "template": template}]
    say = {"kind": "send", "over": over, "offer": offer.pk, "next": {"then": None}}
    drawn = graph({"say": say}, entry={"kind": "order"}, reentry={"kind": "always"})
    done = dry_run.run(drawn, since_day=DAY, until_day=DAY + 30, now=NOON + timedelta(days=40))
    assert (done.entrants, done.sends, done.held_back) == (2, {channel.pk: 1}, {"offer_used": 1})
    assert [one.codes for one in done.codes] == [1]


@pytest.mark.django_db
def test_the_database_refuses_what_a_step_would_write_in_a_dry_run(monkeypatch: pytest.MonkeyPatch) -> None:
    make_business()
    make_order(day=DAY)
    kind = registry.step_kinds()["wait"]

    def decide(batch: registry.Batch, world: registry.World) -> Mapping[int, registry.Decision]:
        make_customers(1)
        return kind.decide(batch, world)

    monkeypatch.setitem(registry._steps, "wait", replace(kind, decide=decide))  # noqa: SLF001  a planted bug
    with pytest.raises(InternalError, match="read-only"):
        dry_run.run(
            graph(entry={"kind": "order"}), since_day=DAY, until_day=DAY + 3, now=NOON + timedelta(days=9)
        )


RULES: list[tuple[Mapping[str, Any], list[int]]] = [
    ({"bought": {}, "at_least": 1}, [1, 2, 2]),
    ({"bought": {}, "at_least": 1, "period": {"last_days": 5}}, [1, 2, 0]),
    ({"attribute": "orders", "is": "at_least", "value": 2}, [0, 1, 1]),
    ({"attribute": "last_order", "is": "longer_ago", "value": 8}, [0, 0, 2]),
    ({"attribute": "first_order", "is": "in_last", "value": 5}, [1, 1, 0]),
]


@pytest.mark.parametrize(("rule", "many"), RULES)
@pytest.mark.django_db
def test_rules_are_asked_of_the_day_and_what_has_no_history_is_said(
    rule: Mapping[str, Any], many: list[int]
) -> None:
    make_business()
    anna, bert = (Customer.objects.get(pk=who) for who in make_customers(2))
    for customer, day in ((anna, 0), (anna, 8), (bert, 8)):
        make_order(customer=customer, day=DAY + day)
    for customer, orders in ((anna, 2), (bert, 1)):
        Profile.objects.create(
            customer=customer, orders=orders, stage="growing", last_day=DAY + 8, first_day=DAY
        )
    past = Past()
    told = {"version": 1, "rule": rule}
    assert [len(past.held_on(told, DAY + day)) for day in (1, 9, 20)] == many
    assert past.remarks == {}
    past.held_on({"version": 1, "rule": {"attribute": "tier", "is": "any_of", "value": ["VIP"]}}, DAY)
    past.held_on({"version": 1, "rule": {"attribute": "clv", "is": "at_least", "value": 1}}, DAY)
    assert set(past.remarks) == {"tier", "clv"}


@pytest.mark.django_db
def test_who_would_have_come_into_a_segment_is_worked_out_day_by_day_and_a_span_must_make_sense() -> None:
    make_business()
    for day in (2, 2, 5):
        make_order(day=DAY + day)
    lapsed = {
        "all": [{"bought": {}, "at_least": 1}, {"bought": {}, "at_most": 0, "period": {"last_days": 4}}]
    }
    segment = segments.create_segment(name="Lapsed", rule={"version": 1, "rule": lapsed}, now=NOON)
    drawn = graph(entry={"kind": "segment", "segment": segment.pk})
    done = dry_run.run(drawn, since_day=DAY, until_day=DAY + 20, now=NOON + timedelta(days=30))
    assert [(day.day - DAY, day.entrants) for day in done.days if day.entrants] == [(6, 2), (9, 1)]
    for since, until in ((DAY, DAY), (DAY, DAY + 500), (DAY, DAY + 100)):
        with pytest.raises(dry_run.InvalidSpanError):
            dry_run.run(drawn, since_day=since, until_day=until, now=NOON + timedelta(days=30))
    assert Identifier.objects.count() == 0
