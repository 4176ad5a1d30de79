"""Campaigns: what can be told, whom they reach, that a start may be killed, and figures reckoned a second time by hand."""

import os
import statistics
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pgtrigger
import pytest
from django.conf import LazySettings
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client
from django.utils import timezone

from regulars.experiments import operations as experiments
from regulars.experiments.models import Assignment
from regulars.experiments.operations import ArmTold, ExperimentStateError, ExperimentTold
from regulars.insights import formats
from regulars.journeys import starting
from regulars.journeys.figures import figures
from regulars.journeys.models import Campaign
from regulars.journeys.operations import campaigns as operations
from regulars.journeys.operations.campaigns import (
    CampaignStateError,
    CampaignTold,
    InvalidCampaignError,
    Over,
)
from regulars.journeys.preflight import preflight
from regulars.journeys.queries.campaigns import shown_state
from regulars.journeys.rules import Start
from regulars.kernel.buckets import bucket, is_held_out_globally
from regulars.kernel.days import day_of_date
from regulars.messaging.models import Cap, Channel, Click, Delivery, Send
from regulars.messaging.operations.channels import Limits
from regulars.messaging.operations.fallbacks import pass_on
from regulars.messaging.queries import funnels
from regulars.messaging.queries.unreached import unreached
from regulars.offers.models import Coupon, Offer, Redemption
from regulars.offers.operations import OfferStateError
from regulars.segments import operations as segments
from regulars.segments.models import Segment
from regulars.shop.models import Customer, Identifier, Order
from tests.journeys.campaigns import confirm, make_campaign, make_list
from tests.mail_sink import mail_sink
from tests.messaging.letters_to import publish
from tests.messaging.sending import allow, make_readers, smtp_channel, work
from tests.offers.factories import make_offer, use
from tests.shop.factories import make_business, make_store
from tests.staff.factories import make_user

NOWHERE = 9


def ledger(campaign: Campaign) -> list[tuple[int, int, str, str]]:
    """A campaign's rows: customer, channel, state, reason."""
    campaign.refresh_from_db()
    rows = Delivery.objects.filter(send=campaign.send).order_by("customer_id", "channel_id")
    return list(rows.values_list("customer_id", "channel_id", "state", "reason"))


def sms_channel() -> Channel:
    return Channel.objects.create(
        kind="staff_task", name="SMS", medium="sms", key="sms", created_at=timezone.now()
    )


def begin(campaign: Campaign) -> Send:
    confirm(campaign)
    return starting.begin_campaign(campaign.pk, now=timezone.now())


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"name": " "}, "name"),
        ({"holdout_bp": 5_001}, "holdout_bp"),
        ({"window_days": 0}, "window_days"),
        ({"purpose": "fun"}, "purpose"),
        ({"excluded": [-1]}, "excluded"),
        ({"over": []}, "over"),
        ({"offer_id": -1}, "offer"),
        ({"start": Start(on_day=date(2026, 5, 1))}, "on_day"),
    ],
)
@pytest.mark.django_db
def test_what_cannot_be_is_refused_with_the_part_that_it_is_about(told: dict[str, Any], field: str) -> None:
    make_business()
    with pytest.raises(InvalidCampaignError) as refused:
        make_campaign(make_list([]), smtp_channel(NOWHERE), **told)
    assert refused.value.field == field


def test_a_local_time_begins_with_the_first_place_on_earth_and_is_due_by_each_clock() -> None:
    start = Start(on_day=date(2026, 5, 1), clock=time(9))
    first = start.first(now=datetime(2026, 4, 1, tzinfo=UTC))
    assert first == datetime(2026, 4, 30, 19, tzinfo=UTC)
    assert start.due(zone=ZoneInfo("Pacific/Kiritimati"), starts_at=first) == first
    assert start.due(zone=ZoneInfo("Asia/Shanghai"), starts_at=first) == datetime(2026, 5, 1, 1, tzinfo=UTC)


@pytest.mark.django_db
def test_only_a_draft_changes_and_the_database_keeps_it_so() -> None:
    make_business()
    campaign = make_campaign(make_list(make_readers(2)), smtp_channel(NOWHERE))
    confirm(campaign)
    [row] = campaign.channels.all()
    told = CampaignTold(
        name="Other",
        segment_id=campaign.segment_id,
        over=[Over(channel_id=row.channel_id, template_id=row.template_id)],
    )
    with pytest.raises(CampaignStateError):
        operations.change_campaign(campaign.pk, told=told)
    for change in ({"name": "Other"}, {"holdout_bp": 0}, {"state": "begun"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Campaign.objects.filter(pk=campaign.pk).update(**change)
    operations.unschedule_campaign(campaign.pk)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.starts_at) == ("draft", None)


@pytest.mark.django_db
def test_each_customer_gets_the_first_channel_that_reaches_them_and_everybody_else_a_reason() -> None:
    make_business()
    mail, sms = smtp_channel(NOWHERE), sms_channel()
    both, mute, noone, left_out = make_readers(4)
    Identifier.objects.create(customer_id=mute, kind="phone", value="+447700900001")
    Identifier.objects.create(customer_id=both, kind="phone", value="+447700900002")
    allow([both, mute], channel="sms")
    allow([mute, noone], state="withdrawn", key="x")
    campaign = make_campaign(
        make_list([both, mute, noone, left_out]),
        mail,
        excluded=[make_list([left_out], name="Not these").pk],
        holdout_bp=0,
    )
    other = make_campaign(make_list([], name="Other"), sms)
    campaign.channels.create(position=1, channel=sms, template=other.channels.get().template)
    told = preflight(campaign, now=timezone.now())
    begin(campaign)
    assert ledger(campaign) == [
        (both, mail.pk, "pending", ""),
        (mute, sms.pk, "pending", ""),
        (noone, mail.pk, "suppressed", "start.no_consent"),
        (left_out, mail.pk, "suppressed", "start.excluded"),
    ]
    assert (told.targeted, told.messages, told.holdout) == (4, 2, 0)
    assert {part.reason: part.customers for part in told.excluded} == {"no_consent": 1, "excluded": 1}
    assert [one.messages for one in told.over] == [1, 1]


@pytest.mark.django_db
def test_who_has_used_an_offer_up_gets_no_message_with_a_code_of_it() -> None:
    make_business()
    now = timezone.now()
    mail, sms = smtp_channel(NOWHERE), sms_channel()
    used, joined, late, fresh = make_readers(4)
    allow([used], channel="sms")
    Identifier.objects.create(customer_id=used, kind="phone", value="+447700900001")
    offer = make_offer(per_customer=1)
    use(offer, used, now=now)
    was = Customer.objects.create(code="was joined")
    use(offer, was.pk, now=now)
    Customer.objects.filter(pk=was.pk).update(merged_into=joined)
    told: dict[str, Any] = {"offer_id": offer.pk, "holdout_bp": 0, "body": "{{ coupon.code }}"}
    campaign = make_campaign(make_list([used, joined, late, fresh]), mail, **told)
    other = make_campaign(make_list([], name="Other"), sms)
    campaign.channels.create(position=1, channel=sms, template=other.channels.get().template)
    before = preflight(campaign, now=now)
    send = begin(campaign)
    assert {part.reason: part.customers for part in before.excluded} == {"offer_used": 2}
    assert before.messages == 2
    assert ledger(campaign) == [
        (used, mail.pk, "suppressed", "start.offer_used"),
        (joined, mail.pk, "suppressed", "start.offer_used"),
        (late, mail.pk, "pending", ""),
        (fresh, mail.pk, "pending", ""),
    ]
    source = starting.source_of_codes(campaign.pk)
    assert set(Coupon.objects.filter(source=source).values_list("holder", flat=True)) == {late, fresh}
    # Between the start and the message, one of them uses a code of another source.
    use(offer, late, now=now, source="shop")
    work()
    assert {who: reason for who, _channel, _state, reason in ledger(campaign)} == {
        used: "start.offer_used",
        joined: "start.offer_used",
        late: "offer_used",
        fresh: "channel",
    }
    parts = {part.reason: part.deliveries for part in funnels([send.pk])[send.pk].parts}
    assert parts == {"start.offer_used": 2, "offer_used": 1, "channel": 1}
    assert unreached(send.pk) == 0
    client = Client()
    client.force_login(make_user())
    for page in (
        f"/customers/{used}/",
        f"/customers/{late}/",
        f"/campaigns/{campaign.pk}/",
        f"/sends/{send.pk}/",
    ):
        assert "Has used up the offer" in client.get(page).content.decode(), page


@pytest.mark.django_db
def test_codes_of_an_offer_that_is_over_by_then_are_not_sent() -> None:
    make_business()
    now = timezone.now()
    readers, mail = make_readers(3), smtp_channel(NOWHERE)
    people, others = make_list(readers), make_list(readers, name="Others")
    offer = make_offer(ends_at=now + timedelta(hours=2), stock=2)
    told: dict[str, Any] = {"offer_id": offer.pk, "holdout_bp": 0, "body": "{{ coupon.code }}"}
    late = make_campaign(people, mail, name="Late", start=Start(at=now + timedelta(hours=3)), **told)
    [problem] = preflight(late, now=now).problems
    assert (problem.field, "ends before the campaign begins" in str(problem)) == ("offer", True)
    soon = make_campaign(others, mail, name="Soon", start=Start(at=now + timedelta(hours=1)), **told)
    ahead = preflight(soon, now=now)
    assert ahead.problems == []
    words = f"The offer “{offer.name}” can be used 2 more times in all, and 3 customers get a code of it."
    assert words in ahead.warnings
    # It waits for longer than the offer lasts: no code is given.
    confirm(soon)
    with pytest.raises(OfferStateError):
        starting.begin_campaign(soon.pk, now=now + timedelta(hours=2))
    soon.refresh_from_db()
    assert soon.state == "scheduled", "somebody may still take it back"
    # It begins in time, and is paused until the offer is over.
    starting.begin_campaign(soon.pk, now=now + timedelta(hours=1))
    Offer.objects.filter(pk=offer.pk).update(ends_at=now)
    Delivery.objects.update(due_at=now)
    work()
    assert {(state, reason) for _who, _channel, state, reason in ledger(soon)} == {
        ("suppressed", "offer_over")
    }


@pytest.mark.django_db
def test_an_offer_that_ends_while_a_campaign_begins_leaves_nobody_without_a_reason() -> None:
    make_business()
    now = timezone.now()
    offer = make_offer(ends_at=now + timedelta(hours=2))
    told: dict[str, Any] = {"offer_id": offer.pk, "holdout_bp": 0, "body": "{{ coupon.code }}"}
    campaign = make_campaign(make_list(make_readers(3)), smtp_channel(NOWHERE), **told)
    confirm(campaign)
    # As after a process that died when it had begun.
    send = starting._begin(campaign.pk, now=timezone.now())  # noqa: SLF001  the first of its two steps
    Offer.objects.filter(pk=offer.pk).update(ends_at=now)
    assert starting.begin_due(now=timezone.now()) == [campaign.pk]
    rows = [(state, reason) for _who, _channel, state, reason in ledger(campaign)]
    assert rows == [("suppressed", "start.offer_over")] * 3
    send.refresh_from_db()
    assert (send.is_complete, send.finished_at is not None, Coupon.objects.count()) == (True, True, 0)


@pytest.mark.django_db
def test_what_is_wrong_is_told_before_it_is_confirmed() -> None:
    make_business()
    campaign = make_campaign(make_list(make_readers(1)), smtp_channel(NOWHERE), body="{{ coupon.code }}")
    [problem] = preflight(campaign, now=timezone.now()).problems
    assert problem.field == "offer"
    with pytest.raises(InvalidCampaignError):
        confirm(campaign)


@pytest.mark.parametrize("field", ["segment", "excluded"])
@pytest.mark.django_db
def test_a_segment_that_cannot_be_gone_by_keeps_the_campaign_from_being_confirmed(field: str) -> None:
    make_business()
    people, left_out = make_list(make_readers(3)), make_list([], name="Friends")
    campaign = make_campaign(people, smtp_channel(NOWHERE), excluded=[left_out.pk])
    which = Segment.objects.filter(pk=people.pk if field == "segment" else left_out.pk)
    now = timezone.now()
    ready = {"state": "ready", "archived_at": None, "kind": "list"}
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"archived_at": now}, "is in the archive"),
        ({"state": "failed"}, "could not be worked out"),
    ]
    for told, said in wrongs:
        which.update(**ready | told)
        [problem] = preflight(operations.found(campaign.pk), now=now).problems
        assert (problem.field, said in str(problem)) == (field, True)
        with pytest.raises(InvalidCampaignError, match=said):
            confirm(campaign)
    which.update(
        **ready | {"kind": "rule", "state": "edited", "rule": {"version": 1, "rule": {"bought": {}}}}
    )
    told_now = preflight(operations.found(campaign.pk), now=now)
    assert not told_now.problems
    assert "has not been worked out yet" in " ".join(told_now.warnings)
    confirm(campaign)


@pytest.mark.django_db
def test_a_message_that_fails_for_everybody_keeps_the_campaign_from_being_confirmed() -> None:
    make_business()
    campaign = make_campaign(
        make_list(make_readers(5)), smtp_channel(NOWHERE), body="{{ 1 | divided_by: 0 }}", holdout_bp=0
    )
    told = preflight(campaign, now=timezone.now())
    [problem] = told.problems
    assert (problem.field, "no message can be made" in str(problem)) == ("over", True)
    assert all(one.fault for one in told.samples)
    with pytest.raises(InvalidCampaignError, match="no message can be made"):
        confirm(campaign)


@pytest.mark.django_db
def test_a_message_that_fails_for_some_is_told_and_may_be_confirmed() -> None:
    make_business()
    readers = make_readers(5)
    Customer.objects.filter(pk=readers[2]).update(name="Zero")
    body = "{% if customer.first_name == 'Zero' %}{{ 1 | divided_by: 0 }}{% endif %}Hello"
    campaign = make_campaign(make_list(readers), smtp_channel(NOWHERE), body=body, holdout_bp=0)
    told = preflight(campaign, now=timezone.now())
    assert told.problems == []
    assert "for 1 of the 5 customers tried" in " ".join(told.warnings)
    confirm(campaign)


@pytest.mark.django_db
def test_a_segment_to_be_left_out_that_is_gone_keeps_the_campaign_from_being_confirmed() -> None:
    make_business()
    campaign = make_campaign(make_list(make_readers(1)), smtp_channel(NOWHERE))
    Campaign.objects.filter(pk=campaign.pk).update(excluded=[999_999])
    [problem] = preflight(operations.found(campaign.pk), now=timezone.now()).problems
    assert (problem.field, "is gone" in str(problem)) == ("excluded", True)


@pytest.mark.django_db
def test_a_channel_that_is_too_slow_for_the_campaign_is_told_of() -> None:
    make_business()
    channel = smtp_channel(NOWHERE, limits=Limits(warm_up_first=2, warm_up_from=timezone.localdate()))
    campaign = make_campaign(make_list(make_readers(40)), channel, holdout_bp=0, lasts_days=1)
    (slow,) = (one for one in preflight(campaign, now=timezone.now()).warnings if "too slow" in one)
    # Two today, four tomorrow.
    assert "of 40 messages it begins about 6 before" in slow
    # In a week the warm-up allows them.
    week = timezone.now() + timedelta(days=7)
    Campaign.objects.filter(pk=campaign.pk).update(timing="at", at=week)
    later = Campaign.objects.get(pk=campaign.pk)
    assert not [one for one in preflight(later, now=timezone.now()).warnings if "too slow" in one]
    Channel.objects.update(warm_up_first=50)
    assert not [one for one in preflight(campaign, now=timezone.now()).warnings if "too slow" in one]


@pytest.mark.django_db
def test_a_stale_segment_holds_the_campaign_back_until_it_is_known_again() -> None:
    make_business()
    segment = make_list(make_readers(3))
    campaign = make_campaign(segment, smtp_channel(NOWHERE))
    confirm(campaign)
    type(segment).objects.filter(pk=segment.pk).update(state="failed")
    assert starting.begin_due(now=timezone.now()) == []
    campaign.refresh_from_db()
    assert (shown_state(campaign), campaign.send) == ("held", None)
    type(segment).objects.filter(pk=segment.pk).update(state="ready")
    assert starting.begin_due(now=timezone.now()) == [campaign.pk]
    assert len(ledger(campaign)) == 3
    assert starting.begin_due(now=timezone.now()) == []


@pytest.mark.django_db
def test_what_holds_a_campaign_back_is_said_in_the_language_of_whoever_reads() -> None:
    make_business()
    segment = make_list(make_readers(3), name="Regular drinkers")
    offer = make_offer(name="Spring tea")
    campaign = make_campaign(segment, smtp_channel(NOWHERE), offer_id=offer.pk)
    confirm(campaign)
    reader, person = Client(), make_user()
    type(person).objects.filter(pk=person.pk).update(language="zh-hans")
    reader.force_login(person)

    def told() -> str:
        return reader.get(f"/campaigns/{campaign.pk}/").content.decode()

    type(segment).objects.filter(pk=segment.pk).update(archived_at=timezone.now())
    assert starting.begin_due(now=timezone.now()) == []
    assert "人群“Regular drinkers”暂时不能使用：已归档" in told()
    assert "人群“Regular drinkers”暂时不能使用" in reader.get("/today/attention/").content.decode()
    type(segment).objects.filter(pk=segment.pk).update(archived_at=None, state="ready")
    Offer.objects.filter(pk=offer.pk).update(state="ended")
    assert starting.begin_due(now=timezone.now()) == []
    assert "优惠“Spring tea”已结束，不再发放优惠码" in told()


@pytest.mark.parametrize(
    "point", ["journeys.begun", "journeys.portion@1", "journeys.portion@2", "journeys.portion@3"]
)
@pytest.mark.django_db(transaction=True)
def test_a_start_that_is_killed_and_run_again_gives_the_same_ledger_and_codes(
    point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_business()
    mail, sms = smtp_channel(NOWHERE), sms_channel()
    readers = make_readers(10)
    for who in readers:
        Identifier.objects.create(customer_id=who, kind="phone", value=f"+4477009{who:05}")
    allow(readers, channel="sms")
    offer = make_offer()
    segment = make_list(readers)
    campaign = make_campaign(segment, mail, body="{{ coupon.code }}", offer_id=offer.pk, holdout_bp=2_000)
    text = make_campaign(make_list([], name="Other"), sms, body="Hi", offer_id=offer.pk)
    campaign.channels.create(position=1, channel=sms, template=text.channels.get().template)
    confirm(campaign)
    monkeypatch.setattr(starting, "PORTION", 4)
    killed = in_child(point, lambda: starting.begin_campaign(campaign.pk, now=timezone.now()))
    assert killed
    campaign.refresh_from_db()
    assert shown_state(campaign) == "sending"
    # What they allowed changes between the two runs: nobody may get it twice for that.
    allow(readers, state="withdrawn", key="later")
    before = ledger(campaign)
    assert starting.begin_due(now=timezone.now()) == [campaign.pk]
    rows = ledger(campaign)
    assert [row for row in rows if row in before] == before
    assert [who for who, *_rest in rows] == readers
    pending = {who for who, _channel, state, _reason in rows if state == "pending"}
    assert set(Coupon.objects.values_list("holder_id", flat=True)) == pending
    held = {who for who in readers if bucket(who, salt=f"send:campaign:{campaign.pk}") < 2_000}
    assert {who for who, _channel, _state, reason in rows if reason == "holdout"} == held


def in_child(point: str, act: Callable[[], object]) -> bool:
    """Do something in a process of its own that is killed at a point; return whether it was."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        os.environ["REGULARS_CRASHPOINT"] = point
        try:
            act()
        finally:
            os._exit(0)
    _pid, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.django_db
def test_figures_equal_what_is_reckoned_by_hand_from_the_rows() -> None:  # noqa: PLR0915  one world, reckoned twice
    business = make_business()
    business.margin_bp = 4_000
    business.save()
    readers = make_readers(400)
    mute = make_readers(7, prefix="m")
    allow(mute, state="withdrawn", key="m")
    offer = make_offer()
    campaign = make_campaign(
        make_list([*readers, *mute]),
        smtp_channel(NOWHERE),
        body="{{ coupon.code }}",
        offer_id=offer.pk,
        holdout_bp=3_000,
    )
    send = begin(campaign)
    campaign.refresh_from_db()
    started = campaign.started_at
    assert started is not None
    rows = Delivery.objects.filter(send=send)
    treated = list(rows.filter(state="pending").order_by("customer_id").values_list("customer_id", flat=True))
    held = list(rows.filter(reason="holdout").values_list("customer_id", flat=True))
    assert len(treated) + len(held) == 400
    with pgtrigger.ignore("messaging.Delivery:states"):
        rows.filter(state="pending").update(
            state="accepted", accepted_at=started + timedelta(hours=1), settled_at=started, cost_minor=2
        )
    store, order_at = make_store(), started + timedelta(days=2)
    spent: dict[int, list[tuple[int, int, int]]] = {}

    def order(who: int, net: int, *, at: datetime, refunded: int = 0, off: int = 0) -> None:
        made = Order.objects.create(
            store=store, code=f"o{Order.objects.count()}", customer_id=who, day=20_000, placed_at=at,
            amount_minor=net + refunded, refunded_minor=refunded,
        )  # fmt: skip
        if off:
            coupon = Coupon.objects.get(holder=who)
            Redemption.objects.create(
                reservation="00000000-0000-0000-0000-000000000001", offer=offer, coupon=coupon, state="redeemed",
                off_minor=off, cost_minor=off, order=made, order_code=made.code, source="test", reserved_at=at, redeemed_at=at,
            )  # fmt: skip
        if net and at < started + timedelta(days=7, hours=1):
            spent.setdefault(who, []).append((net, off, round((net + off) * 0.4 - off)))

    for number, who in enumerate(treated):
        if number % 3 == 0:
            order(who, 1_000 + number, at=order_at, off=100 if number % 2 else 0)
    for number, who in enumerate(held):
        if number % 5 == 0:
            order(who, 900 + number, at=order_at, refunded=50)
    order(treated[0], 5_000, at=order_at + timedelta(days=1))
    order(treated[1], 9_999, at=started + timedelta(days=8))
    order(treated[2], 0, at=order_at, refunded=700)
    order(treated[4], 800, at=started - timedelta(days=1))
    spent.pop(treated[4], None)
    delivery = rows.get(customer=treated[0])
    version = campaign.channels.get().version
    assert version is not None
    Click.objects.create(
        delivery=delivery, version=version, number=0, url="https://shop.test/", first_at=order_at,
        last_at=order_at,
    )  # fmt: skip
    allow([treated[5]], state="withdrawn", key="u")
    Delivery.objects.filter(pk=rows.get(customer=treated[5]).pk).update(
        accepted_at=timezone.now() - timedelta(minutes=1)
    )
    Customer.objects.filter(pk=treated[6]).update(name="Anna")
    told = figures(campaign, now=started + timedelta(days=30))
    assert told is not None
    assert told.incremental is not None
    mine = [one for who in treated for one in spent.get(who, [])]
    assert (told.targeted, told.sent, told.holdout, told.clicked, told.unsubscribed) == (
        407,
        len(treated),
        len(held),
        1,
        1,
    )
    assert [(one.reason, one.customers) for one in told.excluded] == [("no_consent", 7)]
    assert told.attributed.orders == len(mine)
    assert told.attributed.buyers == len([who for who in treated if who in spent])
    assert told.attributed.net_minor == sum(net for net, _off, _margin in mine)
    assert told.attributed.offer_minor == sum(off for _net, off, _margin in mine)
    assert abs(told.attributed.margin_minor - sum((net + off) * 0.4 - off for net, off, _margin in mine)) <= 1
    assert told.cost_minor == 2 * len(treated)
    assert told.profit_minor == told.attributed.margin_minor - 2 * len(treated)
    sides = [[sum(net for net, _o, _m in spent.get(who, [])) for who in side] for side in (treated, held)]
    # What customers spent in the year before is taken out: one of them spent 800.
    before = [[800 if who == treated[4] else 0 for who in side] for side in (treated, held)]
    theta = statistics.linear_regression(before[0] + before[1], sides[0] + sides[1]).slope
    adjusted = [
        [net - theta * once for net, once in zip(*both, strict=True)]
        for both in zip(sides, before, strict=True)
    ]
    effect = statistics.fmean(adjusted[0]) - statistics.fmean(adjusted[1])
    error = sum(statistics.variance(side) / len(side) for side in adjusted) ** 0.5
    revenue = told.incremental.revenue_minor
    assert revenue.effect == pytest.approx(effect)
    # It could be looked at every day: O'Brien and Fleming's bound at the end instead of 1.96.
    assert (revenue.high - revenue.low) / 2 == pytest.approx(2.2414 * error, rel=0.001)
    assert revenue.total == pytest.approx(effect * len(treated))
    shares = [sum(who in spent for who in side) / len(side) for side in (treated, held)]
    assert told.incremental.buyers.effect == pytest.approx(shares[0] - shares[1])
    # The offer's page says the same beside its own figures.
    client = Client()
    client.force_login(make_user())
    assert f'hx-get="/offers/{offer.pk}/effects/"' in client.get(f"/offers/{offer.pk}/").content.decode()
    shown = client.get(f"/offers/{offer.pk}/effects/").content.decode()
    now = figures(campaign, now=timezone.now())
    assert now is not None
    assert now.incremental is not None
    for minor in (
        now.attributed.net_minor,
        now.incremental.revenue_minor.total,
        now.incremental.margin_minor.total,
    ):
        assert formats.money_rounded(round(minor), business.currency) in shown


@pytest.mark.django_db
def test_a_campaign_at_work_says_what_its_messages_wait_for() -> None:
    make_business()
    campaign = make_campaign(make_list(make_readers(3)), smtp_channel(NOWHERE), holdout_bp=0)
    send = begin(campaign)
    client = Client()
    client.force_login(make_user())
    assert "These wait" not in client.get(f"/campaigns/{campaign.pk}/progress/").content.decode()
    Delivery.objects.filter(send=send).update(reason="cap")
    for page in ("", "progress/"):
        shown = client.get(f"/campaigns/{campaign.pk}/{page}").content.decode()
        assert "These wait: Had enough messages: 3." in shown


@pytest.mark.django_db
def test_messages_at_the_hour_of_their_customers_say_which_and_when() -> None:
    make_business(time_zone="Europe/London")
    day = timezone.now().date() + timedelta(days=2)
    here, there = make_readers(3, country="GB"), make_readers(2, country="CN")
    campaign = make_campaign(
        make_list([*here, *there]),
        smtp_channel(NOWHERE),
        holdout_bp=0,
        start=Start(on_day=day, clock=time(10)),
    )
    client = Client()
    client.force_login(make_user())
    shown_day = f'<time datetime="{day.isoformat()}">{formats.day(day_of_date(day))}</time>'
    hour = f"{shown_day}, 10:00 by each customer's own clock"
    assert hour in client.get("/campaigns/").content.decode()
    confirm(campaign)
    assert hour in client.get(f"/campaigns/{campaign.pk}/").content.decode()
    send = starting.begin_campaign(
        campaign.pk, now=datetime.combine(day, time(), tzinfo=UTC) - timedelta(hours=4)
    )
    first, last = (
        datetime.combine(day, time(10), tzinfo=ZoneInfo(zone)) for zone in ("Asia/Shanghai", "Europe/London")
    )
    dues = Delivery.objects.filter(send=send).values_list("due_at", flat=True)
    assert sorted(dues) == [first] * 2 + [last] * 3
    for page in ("", "progress/"):
        shown = client.get(f"/campaigns/{campaign.pk}/{page}").content.decode()
        assert (
            f"These wait: The hour by their own clock: 5. The first goes at {formats.moment(first, 'Europe/London')},"
            f" the last at {formats.moment(last, 'Europe/London')}." in shown
        )


@pytest.mark.django_db
def test_who_got_nothing_is_told_once_a_reason_and_apart_what_a_refusal_led_to() -> None:
    make_business(holdout_bp=0)
    readers = make_readers(6)
    strangers = [Customer.objects.create(code=f"X{number}").pk for number in range(3)]
    mail, texts = smtp_channel(NOWHERE), sms_channel()
    letter, text = (publish(name=form, format=form, en=("Tea", "Hello")) for form in ("email", "text"))
    campaign = make_campaign(
        make_list([*readers, *strangers]), mail, holdout_bp=0,
        over=[
            Over(channel_id=mail.pk, template_id=letter.template_id),
            Over(channel_id=texts.pk, template_id=text.template_id),
        ],
    )  # fmt: skip
    send = begin(campaign)
    rows = Delivery.objects.filter(send=send, state="pending").order_by("pk")
    assert rows.count() == 6
    [refused, taken_back] = rows[:2]
    # One is refused by the mail server; another takes the consent back before the message is claimed.
    now = timezone.now()
    for state, told in (
        ("claimed", {"worker": 1, "lease_until": now, "claimed_at": now}),
        ("failed", {"reason": "refused"}),
    ):
        settled = {"settled_at": now + timedelta(seconds=1)} if state == "failed" else {"generation": 1}
        Delivery.objects.filter(pk=refused.pk).update(state=state, **told, **settled)
    Delivery.objects.filter(pk=taken_back.pk).update(state="suppressed", reason="no_consent", settled_at=now)
    assert pass_on([send.pk], now=now + timedelta(seconds=2)) == 1
    campaign.refresh_from_db()
    found = figures(campaign, now=timezone.now())
    assert found is not None
    assert [(one.reason, one.customers, one.is_passed_on) for one in found.excluded] == [
        ("no_consent", 4, False),
        ("no_consent", 1, True),
    ]
    client = Client()
    client.force_login(make_user())
    shown = client.get(f"/campaigns/{campaign.pk}/").content.decode()
    assert "<dt>No consent to this</dt><dd>4</dd>" in shown
    assert (
        "<dt>No consent to this, over the next channel, after another had refused it</dt><dd>1</dd>" in shown
    )


@pytest.mark.django_db
def test_whom_a_cap_keeps_waiting_past_the_end_the_look_ahead_counts_among_those_who_get_nothing() -> None:
    make_business(holdout_bp=0)
    readers = make_readers(5)
    Cap.objects.create(medium="email", tag="", most=1, days=7, is_rolling=True)
    with mail_sink() as sink:
        mail = smtp_channel(sink.port)
        begin(make_campaign(make_list(readers[:2], name="Two"), mail, holdout_bp=0))
        work()
        campaign = make_campaign(make_list(readers), mail, holdout_bp=0, lasts_days=8)
        ahead = preflight(campaign, now=timezone.now())
        assert (ahead.messages, [(one.reason, one.customers) for one in ahead.waiting]) == (5, [("cap", 2)])
        Campaign.objects.filter(pk=campaign.pk).update(lasts_days=3)
        campaign.refresh_from_db()
        ahead = preflight(campaign, now=timezone.now())
        assert (ahead.messages, ahead.over[0].messages, ahead.waiting) == (3, 3, [])
        assert [(one.reason, one.customers) for one in ahead.excluded] == [("cap", 2)]
        begin(campaign)
        work()
    held = [(who, reason) for who, _channel, state, reason in ledger(campaign) if state == "suppressed"]
    assert held == [(who, "cap") for who in readers[:2]]
    assert len(sink.mails) == 2 + 3


@pytest.mark.django_db
def test_soon_after_the_start_no_more_buyers_are_thought_possible_than_there_are_customers() -> None:
    make_business()
    campaign = make_campaign(
        make_list(make_readers(200)), smtp_channel(NOWHERE), holdout_bp=4_000, window_days=30
    )
    send = begin(campaign)
    store = make_store()
    treated = Delivery.objects.filter(send=send).exclude(reason="holdout")
    Order.objects.bulk_create(
        Order(
            store=store,
            code=f"s{who}",
            customer_id=who,
            day=20_000,
            placed_at=timezone.now(),
            amount_minor=1_000 + who % 7,
        )
        for who in treated.values_list("customer_id", flat=True)[:40]
    )
    found = figures(operations.found(campaign.pk), now=timezone.now() + timedelta(minutes=5))
    assert found is not None
    assert found.incremental is not None
    buyers, many = found.incremental.buyers, found.incremental.units
    assert buyers.total == pytest.approx(40)
    assert (buyers.total_low, buyers.total_high) == (-many, many)


@pytest.mark.django_db
def test_an_effect_before_anybody_bought_is_no_figure() -> None:
    make_business()
    campaign = make_campaign(make_list(make_readers(200)), smtp_channel(NOWHERE), holdout_bp=4_000)
    begin(campaign)
    client = Client()
    client.force_login(make_user())
    shown = client.get(f"/campaigns/{campaign.pk}/").content.decode()
    assert "Nobody has bought since, with or without it" in shown
    assert shown.count("nobody has bought yet") == 3
    assert "between £0" not in shown


@pytest.mark.django_db
def test_no_effect_is_called_clear_in_about_one_of_twenty_campaigns_in_which_there_is_none() -> None:
    """The figure that a merchant acts on must not invent earnings: an A/A test over many salts."""
    make_business()
    readers = make_readers(300)
    store, now = make_store(), timezone.now()
    campaign = make_campaign(make_list(readers), smtp_channel(NOWHERE), holdout_bp=4_000)
    send = begin(campaign)
    campaign.refresh_from_db()
    Order.objects.bulk_create(
        Order(store=store, code=f"a{who}", customer_id=who, day=20_000, placed_at=now + timedelta(days=1), amount_minor=1_000 + who % 700)
        for who in readers[::3]
    )  # fmt: skip
    clear = 0
    for salt in range(60):
        held = [who for who in readers if bucket(who, salt=str(salt)) < 4_000]
        with connection.cursor() as cursor:
            cursor.execute(
                """UPDATE messaging_delivery SET state = 'suppressed', settled_at = created_at,
                reason = CASE WHEN customer_id = ANY(%s::bigint[]) THEN 'holdout' ELSE 'cap' END WHERE send_id = %s""",
                [held, send.pk],
            )
        told = figures(campaign, now=now + timedelta(days=30))
        assert told is not None
        assert told.incremental is not None
        clear += told.incremental.revenue_minor.is_clear
    print(f"A/A: {clear} of 60 campaigns without an effect were called clear")  # noqa: T201  a figure to read
    assert clear <= 9


@pytest.mark.django_db
def test_a_copy_is_a_draft_and_what_is_at_work_is_not_archived() -> None:
    make_business()
    campaign = make_campaign(make_list(make_readers(2)), smtp_channel(NOWHERE))
    copy = operations.copy_campaign(campaign.pk, by=None, now=timezone.now())
    assert (copy.name, copy.state, copy.channels.count()) == ("Spring 2", "draft", 1)
    begin(campaign)
    with pytest.raises(CampaignStateError):
        operations.archive_campaign(campaign.pk, now=timezone.now())
    assert operations.cancel_campaign(campaign.pk, now=timezone.now()) in (1, 2)
    campaign.refresh_from_db()
    assert shown_state(campaign) == "cancelled"
    operations.archive_campaign(campaign.pk, now=timezone.now())
    operations.unarchive_campaign(campaign.pk)
    operations.archive_campaign(copy.pk, now=timezone.now())
    segments.archive(copy.segment_id, now=timezone.now())


@pytest.mark.django_db
def test_two_campaigns_that_are_arms_share_the_segment_and_the_winner_is_prepared_for_everybody() -> None:
    make_business(holdout_bp=1_000)
    readers = make_readers(200)
    segment = make_list(readers)
    plain, coupon = (
        make_campaign(segment, smtp_channel(NOWHERE, name=name), name=name, body=name, holdout_bp=0)
        for name in ("Plain", "Coupon")
    )
    experiment = experiments.create_experiment(
        ExperimentTold(
            name="Does a coupon pay?", segment_id=segment.pk, varies="offer",
            arms=[
                ArmTold(name=one.name, share_bp=5_000, source_kind="campaign", source_id=one.pk)
                for one in (plain, coupon)
            ],
        ),
        by=None, now=timezone.now(),
    )  # fmt: skip
    before = preflight(plain, now=timezone.now())
    assert "not launched" in before.warnings[0]
    confirm(plain)
    with pytest.raises(ExperimentStateError):
        starting.begin_campaign(plain.pk, now=timezone.now())
    assert Send.objects.count() == 0
    experiments.launch(experiment.pk, now=timezone.now())
    ahead = preflight(coupon, now=timezone.now())
    starting.begin_campaign(plain.pk, now=timezone.now())
    begin(coupon)
    drawn = {
        arm.name: set(Assignment.objects.filter(arm=arm).values_list("customer_id", flat=True))
        for arm in experiment.arms.all()
    }
    for campaign in (plain, coupon):
        rows = ledger(campaign)
        assert {who for who, _c, state, _r in rows if state == "pending"} == drawn[campaign.name]
        held = {who for who in readers if is_held_out_globally(who, holdout_bp=1_000)}
        reasons = {
            reason: {who for who, _c, _s, told in rows if told == reason} for reason in ("start.other_arm",)
        }
        assert reasons["start.other_arm"] == set(readers) - drawn[campaign.name]
        assert not held & drawn[campaign.name]
    # The look ahead told what came of it.
    assert (ahead.messages, {one.reason: one.customers for one in ahead.excluded}) == (
        len(drawn["Coupon"]),
        {"other_arm": 200 - len(drawn["Coupon"])},
    )
    assert not any("launched" in one for one in ahead.warnings)
    arm = experiment.arms.get(name="Coupon")
    row, made = experiments.roll_out(experiment.pk, arm_id=arm.pk, by=None, now=timezone.now())
    assert (row.state, row.winner_id, Campaign.objects.get(pk=made or 0).state) == (
        "rolled_out",
        arm.pk,
        "draft",
    )
    assert experiments.roll_out(experiment.pk, arm_id=arm.pk, by=None, now=timezone.now())[1] is None


@pytest.mark.django_db
def test_the_look_ahead_gives_the_reasons_that_the_ledger_then_gives() -> None:
    make_business(holdout_bp=0)
    readers = make_readers(60)
    others = make_list(readers[:30], name="Others")
    campaign = make_campaign(make_list(readers), smtp_channel(NOWHERE), holdout_bp=0, excluded=[others.pk])
    experiment = experiments.create_experiment(
        ExperimentTold(
            name="Does it pay?", segment_id=campaign.segment_id,
            arms=[
                ArmTold(name="Nothing", share_bp=5_000),
                ArmTold(name="Mail", share_bp=5_000, source_kind="campaign", source_id=campaign.pk),
            ],
        ),
        by=None, now=timezone.now(),
    )  # fmt: skip
    experiments.launch(experiment.pk, now=timezone.now())
    confirm(campaign)
    ahead = preflight(campaign, now=timezone.now())
    starting.begin_campaign(campaign.pk, now=timezone.now())
    reasons = [told for _who, _channel, _state, told in ledger(campaign) if told]
    assert {f"start.{one.reason}": one.customers for one in ahead.excluded} == {
        reason: reasons.count(reason) for reason in set(reasons)
    }
    # Who is left out in any case is told as that.
    assert reasons.count("start.excluded") == 30


@pytest.mark.django_db
def test_links_that_only_this_machine_reaches_are_told_of(settings: LazySettings) -> None:
    make_business()
    campaign = make_campaign(make_list(make_readers(1)), smtp_channel(NOWHERE), holdout_bp=0)
    for url, is_told in (("http://localhost:8000", True), ("https://mail.example.com", False)):
        settings.PUBLIC_URL = url
        ahead = preflight(campaign, now=timezone.now())
        assert any(url in one for one in ahead.warnings) is is_told
