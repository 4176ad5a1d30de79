"""Experiments in the record: drawn once, read by hand a second time, ended, and never counted twice."""

import statistics
from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone, translation

from regulars.experiments import operations, planning, queries, sources
from regulars.experiments.measures import MEASURES
from regulars.experiments.models import Arm, Assignment, Experiment
from regulars.experiments.operations import (
    ArmTold,
    ExperimentStateError,
    ExperimentTold,
    InvalidExperimentError,
)
from regulars.experiments.reading import Reading
from regulars.experiments.words import headline
from regulars.kernel.buckets import bucket, is_held_out_globally
from regulars.segments import operations as segments
from regulars.shop.models import Consent, Customer
from tests.experiments.worlds import (
    STARTED,
    after,
    make_customers,
    make_experiment,
    make_list,
    make_orders,
)
from tests.shop.factories import make_business

pytestmark = pytest.mark.django_db


def arms_of(row: Experiment) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for one in Assignment.objects.filter(experiment=row).select_related("arm"):
        found.setdefault(one.arm.name, set()).add(one.customer_id)
    return found


def read(row: Experiment, *, day: float) -> Reading:
    found = queries.reading_of(row, now=after(day))
    assert found is not None
    return found


def test_a_launch_draws_everybody_once_by_their_bucket_and_again_changes_nothing() -> None:
    make_business()
    customers = make_customers(400)
    row = make_experiment(make_list(customers))
    assert operations.launch(row.pk, now=STARTED) == 400
    assert operations.launch(row.pk, now=after(1)) == 400
    row.refresh_from_db()
    assert (row.state, row.started_at) == ("running", STARTED)
    assert arms_of(row)["Nothing"] == {who for who in customers if bucket(who, salt=row.salt) < 5_000}
    assert sum(len(one) for one in arms_of(row).values()) == 400


def test_who_is_in_the_global_hold_out_is_in_no_arm_and_so_is_counted_once() -> None:
    make_business(holdout_bp=2_000)
    customers = make_customers(300)
    row = make_experiment(make_list(customers))
    operations.launch(row.pk, now=STARTED)
    held = {who for who in customers if is_held_out_globally(who, holdout_bp=2_000)}
    drawn = set().union(*arms_of(row).values())
    assert held
    assert drawn == set(customers) - held


def test_the_database_draws_the_same_buckets() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT n, {sources.bucket_sql('%(salt)s || n')} FROM generate_series(1, 500) n",  # noqa: S608  an expression
            {"salt": "global:"},
        )
        assert all(drawn == bucket(number, salt="global") for number, drawn in cursor.fetchall())


def test_a_reading_equals_what_is_reckoned_by_hand() -> None:
    business = make_business()
    business.margin_bp = 4_000
    business.save()
    customers = make_customers(400)
    row = make_experiment(make_list(customers), metric="revenue")
    operations.launch(row.pk, now=STARTED)
    drawn = arms_of(row)
    before = {who: (index % 7) * 100 for index, who in enumerate(customers)}
    orders = [(who, -30.0, spent) for who, spent in before.items() if spent]
    spent: dict[int, int] = dict.fromkeys(customers, 0)
    for index, who in enumerate(customers):
        if index % (3 if who in drawn["Mail"] else 5) == 0:
            spent[who] += 500 + before[who]
            orders.append((who, 3.0, 500 + before[who]))
    orders += [(customers[0], -400.0, 9_000), (customers[1], 28.5, 7_000), (customers[2], 20.0, 7_000)]
    make_orders(orders)
    # Who becomes one with somebody of the other arm is in neither.
    one, other = min(drawn["Mail"]), min(drawn["Nothing"])
    Customer.objects.filter(pk=one).update(merged_into=other)
    Consent.objects.create(
        customer_id=sorted(drawn["Mail"])[5], channel="email", purpose="marketing", state="withdrawn",
        at=after(2), source="test", key="w",
    )  # fmt: skip
    found = read(row, day=14)
    sides = {name: [who for who in sorted(ids) if who not in (one, other)] for name, ids in drawn.items()}
    assert [side.units for side in found.sides] == [len(sides["Nothing"]), len(sides["Mail"])]
    mail = found.treated[0]
    shares = {name: statistics.fmean(spent[who] > 0 for who in ids) for name, ids in sides.items()}
    assert mail.effects["buyers"].effect == pytest.approx(shares["Mail"] - shares["Nothing"])
    # Deng, Xu, Kohavi, Walker (2013): what the year before explains is taken out.
    both = [*sides["Nothing"], *sides["Mail"]]
    x, y = [before[who] for who in both], [spent[who] for who in both]
    mean_x, mean_y = statistics.fmean(x), statistics.fmean(y)
    theta = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum(
        (a - mean_x) ** 2 for a in x
    )
    adjusted = {
        name: [spent[who] - theta * (before[who] - mean_x) for who in ids] for name, ids in sides.items()
    }
    effect = statistics.fmean(adjusted["Mail"]) - statistics.fmean(adjusted["Nothing"])
    error = sum(statistics.variance(side) / len(side) for side in adjusted.values()) ** 0.5
    revenue = mail.effects["revenue"]
    # The reading pools theta within the arms' own means; both are the same up to the effect itself.
    assert revenue.effect == pytest.approx(effect, rel=0.02)
    assert revenue.standard_error == pytest.approx(error, rel=0.02)
    # Half of the time has passed: sqrt(2) x 2.2414 standard errors.
    assert (revenue.high - revenue.low) / 2 == pytest.approx(
        2.2414 * 2**0.5 * revenue.standard_error, rel=1e-4
    )
    assert mail.effects["margin"].effect == pytest.approx(0.4 * revenue.effect)
    assert mail.effects["unsubscribed"].effect == pytest.approx(1 / len(sides["Mail"]))
    again = {who for who in customers if spent[who] and before[who]}
    assert mail.effects["repurchase"].value == pytest.approx(
        len(again & set(sides["Mail"])) / len(sides["Mail"]), abs=0.006
    )
    # Orders after the window count for nobody.
    last = read(row, day=40)
    assert last.is_over
    assert last.treated[0].effects["revenue"].total == pytest.approx(
        read(row, day=28).treated[0].effects["revenue"].total
    )


def test_the_verdict_says_how_many_days_are_still_needed_in_both_languages() -> None:
    make_business()
    customers = make_customers(1_200)
    row = make_experiment(make_list(customers))
    operations.launch(row.pk, now=STARTED)
    drawn = arms_of(row)
    make_orders(
        (who, 0.5 + index % 20, 1_000)
        for name, every in (("Nothing", 5), ("Mail", 4))
        for index, who in enumerate(sorted(drawn[name]))
        if index % every == 0
    )
    found = read(row, day=10)
    verdict = found.treated[0].verdict
    assert verdict is not None
    assert verdict.kind in ("unclear", "unclear_to_the_end")
    assert "cannot tell yet: 95% interval" in headline(found, currency="GBP")
    with translation.override("zh-hans"):
        assert "还看不出" in headline(found, currency="GBP")


def test_an_arm_that_drives_customers_away_is_told_whatever_it_sells() -> None:
    make_business()
    customers = make_customers(600)
    row = make_experiment(make_list(customers))
    operations.launch(row.pk, now=STARTED)
    mail = sorted(arms_of(row)["Mail"])
    make_orders((who, 1.0, 1_000) for who in mail[:200])
    Consent.objects.bulk_create(
        Consent(
            customer_id=who, channel="email", purpose="marketing", state="withdrawn", at=after(2), source="test", key=f"w{who}"
        )
        for who in mail[:60]
    )  # fmt: skip
    verdict = read(row, day=28).treated[0].verdict
    assert verdict is not None
    assert (verdict.kind, verdict.harmed) == ("better", ("unsubscribed",))


def test_a_split_that_is_not_as_planned_blocks_the_verdict() -> None:
    make_business()
    customers = make_customers(600)
    row = make_experiment(make_list(customers))
    operations.launch(row.pk, now=STARTED)
    lost = sorted(arms_of(row)["Mail"])[:120]
    Assignment.objects.filter(experiment=row, customer__in=lost).delete()
    make_orders((who, 1.0, 1_000) for who in arms_of(row)["Mail"])
    found = read(row, day=28)
    assert found.treated[0].effects["buyers"].is_clear
    assert [side.verdict.kind for side in found.treated if side.verdict] == ["blocked"]


def test_an_experiment_that_was_stopped_counts_nothing_after_and_is_read_as_far_as_it_came() -> None:
    make_business()
    customers = make_customers(200)
    row = make_experiment(make_list(customers))
    operations.launch(row.pk, now=STARTED)
    make_orders([(who, 2.0, 500) for who in customers[::2]] + [(who, 9.0, 500) for who in customers])
    at_the_stop = read(row, day=7).treated[0].effects["buyers"]
    operations.stop(row.pk, now=after(7))
    operations.stop(row.pk, now=after(8))
    row.refresh_from_db()
    assert row.ended_at == after(7)
    later = read(row, day=30)
    assert later.is_over
    assert later.treated[0].effects["buyers"] == at_the_stop
    with pytest.raises(ExperimentStateError):
        operations.roll_out(row.pk, arm_id=row.arms.all()[1].pk, by=None, now=after(9))


def test_what_was_launched_changes_no_more_not_even_by_hand() -> None:
    make_business()
    row = make_experiment(make_list(make_customers(80)))
    told = ExperimentTold(
        name="Other", segment_id=row.segment_id or 0, days=7,
        arms=[ArmTold(name="A", share_bp=1_000), ArmTold(name="B", share_bp=9_000)],
    )  # fmt: skip
    assert [one.name for one in operations.change_experiment(row.pk, told=told).arms.all()] == ["A", "B"]
    operations.launch(row.pk, now=STARTED)
    with pytest.raises(ExperimentStateError):
        operations.change_experiment(row.pk, told=told)
    for change in ({"days": 9}, {"started_at": after(1)}, {"state": "draft"}, {"salt": "s"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Experiment.objects.filter(pk=row.pk).update(**change)


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"name": " "}, "name"),
        ({"metric": "visits"}, "metric"),
        ({"days": 0}, "days"),
        ({"segment_id": 0}, "segment"),
        ({"varies": "colour"}, "varies"),
        ({"arms": [ArmTold(name="A", share_bp=10_000)]}, "shares"),
        ({"arms": [ArmTold(name="A", share_bp=5_000), ArmTold(name="A", share_bp=5_000)]}, "arms"),
        ({"arms": [ArmTold(name="A", share_bp=5_000), ArmTold(name="B", share_bp=6_000)]}, "shares"),
    ],
)
def test_what_cannot_be_is_refused_with_the_part_that_it_is_about(
    told: dict[str, object], field: str
) -> None:
    make_business()
    good: dict[str, object] = {
        "name": "Good", "segment_id": make_list(make_customers(2)).pk,
        "arms": [ArmTold(name="A", share_bp=5_000), ArmTold(name="B", share_bp=5_000)],
    }  # fmt: skip
    with pytest.raises(InvalidExperimentError) as refused:
        operations.create_experiment(ExperimentTold(**{**good, **told}), by=None, now=STARTED)  # type: ignore[arg-type]  # names of arguments
    assert refused.value.details["field"] == field


def test_a_plan_tells_smaller_effects_of_longer_runs_and_of_larger_arms() -> None:
    make_business()
    customers = make_customers(2_000)
    make_orders((who, -(index % 80) - 0.5, 1_000) for index, who in enumerate(customers[:1_000]))
    segment = make_list(customers)
    even = planning.plan(segment_id=segment.pk, shares=[5_000, 5_000], metric="buyers", days=28, now=STARTED)
    lopsided = planning.plan(
        segment_id=segment.pk, shares=[500, 9_500], metric="buyers", days=28, now=STARTED, least_change=0.6
    )
    effects = {one.days: one.effect for one in even.over}
    assert even.units == (1_000, 1_000)
    assert effects[28] is not None
    # p = 1,000 x 28 / 80 / 2,000: two arms of 1,000, power .8, at the level of a watched reading (.025).
    p = 0.175
    assert effects[28] == pytest.approx((2.2414 + 0.8416) * (2 * p * (1 - p) / 1_000) ** 0.5, rel=0.03)
    assert next(one.effect for one in lopsided.over if one.days == 28) > effects[28]  # type: ignore[operator]  # told above
    assert lopsided.enough_days is not None
    # Who is held out of everything is in no arm.
    make_business(holdout_bp=1_000)
    held = planning.plan(segment_id=segment.pk, shares=[5_000, 5_000], metric="buyers", days=28, now=STARTED)
    assert held.units == (900, 900)
    empty = planning.plan(
        segment_id=make_list(make_customers(40)).pk,
        shares=[5_000, 5_000],
        metric="revenue",
        days=28,
        now=STARTED,
    )
    assert all(one.effect is None for one in empty.over)


def test_what_all_advertising_brought_is_read_by_the_global_hold_out_a_quarter_at_a_time() -> None:
    make_business(holdout_bp=2_000)
    customers = make_customers(600)
    quarter = sources.quarter_of(STARTED)
    make_orders((who, -100.0, 1_000) for who in customers)
    make_orders((who, 5.0, 1_000) for who in customers if not is_held_out_globally(who, holdout_bp=2_000))
    found = queries.reading(sources.GLOBAL, quarter, metric="buyers", now=after(60))
    assert found is not None
    held = sum(is_held_out_globally(who, holdout_bp=2_000) for who in customers)
    assert [side.units for side in found.sides] == [held, 600 - held]
    assert found.treated[0].effects["buyers"].effect == pytest.approx(1.0)
    assert found.treated[0].verdict is not None
    assert found.treated[0].verdict.kind == "better"
    assert queries.reading(sources.GLOBAL, quarter + 10, now=after(60)) is None


def test_every_measure_has_a_meaning_and_an_order_of_arms() -> None:
    assert all(one.label and one.meaning for one in MEASURES.values())
    row = make_experiment(make_list(make_customers(5)))
    assert [one.position for one in Arm.objects.filter(experiment=row)] == [0, 1]
    assert queries.reading_of(row, now=timezone.now() + timedelta(days=1)) is None


def test_the_segment_of_an_experiment_is_not_deleted_and_not_archived_before_its_end() -> None:
    make_business()
    people = make_list(make_customers(4))
    row = make_experiment(people)
    for act in (partial(segments.archive, people.pk, now=STARTED), partial(segments.delete, people.pk)):
        with pytest.raises(segments.SegmentInUseError, match="is used by the experiment “Does a mail help"):
            act()
    operations.launch(row.pk, now=STARTED)
    operations.stop(row.pk, now=after(1))
    with pytest.raises(segments.SegmentInUseError, match="archive it instead"):
        segments.delete(people.pk)
    segments.archive(people.pk, now=after(1))
