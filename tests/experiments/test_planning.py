"""Before a launch: the smallest effect and the time it takes, by this shop's own customers, reckoned a second time."""

from collections.abc import Callable

import numpy as np
import pytest
from django.test import Client
from numpy.typing import NDArray
from statsmodels.stats.power import TTestIndPower

from regulars.experiments import operations, planning
from regulars.experiments.models import Assignment
from regulars.experiments.operations import ArmTold, ExperimentTold
from regulars.journeys import preflight, sampling
from regulars.kernel.buckets import bucket
from regulars.staff.rules import Role
from tests.experiments.worlds import STARTED, make_customers, make_list, make_orders
from tests.journeys.campaigns import make_campaign
from tests.messaging.sending import make_readers, smtp_channel
from tests.shop.factories import make_business
from tests.staff.factories import make_user

pytestmark = pytest.mark.django_db

# A Brownian motion exceeds 2.2414 by its end once in twenty times, a normal number once in forty.
WATCHED = 0.025
ENDED_DAYS_AGO = 40
SHARES = (2_000, 8_000)


@pytest.fixture
def spent() -> NDArray[np.int64]:
    """A shop whose record ended a while ago: minor units by customer and day, the last day last."""
    make_business()
    rng = np.random.default_rng(7)
    # Who buys much goes on doing so, and the last days are unlike those before.
    often = np.linspace(0.02, 0.03, 460) * rng.gamma(0.6, 1.0, 1_000)[:, None]
    spent = np.where(rng.random((1_000, 460)) < often, rng.integers(500, 4_000, (1_000, 460)), 0)
    spent[0, -1] = 500
    customers = make_customers(1_000)
    make_orders(
        (customers[who], float(day) - 459 - ENDED_DAYS_AGO, int(spent[who, day]))
        for who, day in zip(*spent.nonzero(), strict=True)
    )
    return spent


def by_hand(spent: NDArray[np.int64], *, days: int) -> tuple[float, float]:
    """Mean spent in so many days and the smallest effect on it, by NumPy and statsmodels."""
    inside, before = spent[:, -days:].sum(axis=1), spent[:, -days - 365 : -days].sum(axis=1)
    unexplained = (1 - np.corrcoef(inside, before)[0, 1] ** 2) ** 0.5
    control, treated = (len(spent) * share // 10_000 for share in SHARES)
    size = TTestIndPower().solve_power(nobs1=treated, ratio=control / treated, alpha=WATCHED, power=0.8)
    return float(inside.mean()), float(size * inside.std(ddof=1) * unexplained)


def told(*, least_change: float | None = None) -> planning.Plan:
    return planning.plan(
        segment_id=None, shares=SHARES, metric="revenue", days=28, now=STARTED, least_change=least_change
    )


def test_the_smallest_effect_and_the_time_it_takes_are_those_of_a_reading_by_hand(
    spent: NDArray[np.int64],
) -> None:
    hands = {days: by_hand(spent, days=days) for days in planning.RUN_TIMES}
    found = told()
    assert {one.days: one.mean for one in found.over} == pytest.approx(
        {days: mean for days, (mean, _effect) in hands.items()}
    )
    assert {one.days: one.effect for one in found.over} == pytest.approx(
        {days: effect for days, (_mean, effect) in hands.items()}, rel=1e-4
    )
    # A change takes the first run time at whose end it is as large as what would show.
    changes = {days: effect / mean for days, (mean, effect) in hands.items()}
    assert list(changes.values()) == sorted(changes.values(), reverse=True)
    assert told(least_change=changes[56] * 1.01).enough_days == 56
    assert told(least_change=changes[56] * 0.99).enough_days == 90
    assert told(least_change=changes[90] * 0.99).enough_days is None


def _what_was_spent_before_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "_correlation", lambda *_told: 0.0)


def _looking_every_day_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "fixed_alpha", lambda alpha: alpha)


def _end_of_the_record_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "record_ends", lambda *, now: now.toordinal() - 719_163)


@pytest.mark.parametrize(
    "plant",
    [_what_was_spent_before_forgotten, _looking_every_day_forgotten, _end_of_the_record_forgotten],
    ids=lambda plant: plant.__name__,
)
def test_a_plan_that_forgets_something_differs_from_the_reading_by_hand(
    plant: Callable[[pytest.MonkeyPatch], None], spent: NDArray[np.int64], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    effect = next(one.effect for one in told().over if one.days == 90)
    assert effect is not None
    assert abs(effect / by_hand(spent, days=90)[1] - 1) > 0.03


@pytest.mark.parametrize("forgets_arms", [False, True])
def test_a_campaign_tells_what_its_hold_out_would_show_among_its_own_arm(
    *, forgets_arms: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_business()
    readers = make_readers(1_200)
    make_orders((who, -1.0 - index % 40, 1_000) for index, who in enumerate(readers) if index % 3 == 0)
    segment = make_list(readers)
    campaign = make_campaign(segment, smtp_channel(9), holdout_bp=3_000, window_days=30)
    arms = [
        ArmTold(name="Nothing", share_bp=4_000),
        ArmTold(name="Mail", share_bp=6_000, source_kind="campaign", source_id=campaign.pk),
    ]
    experiment = operations.create_experiment(
        ExperimentTold(name="Does it?", segment_id=segment.pk, arms=arms), by=None, now=STARTED
    )
    operations.launch(experiment.pk, now=STARTED)
    if forgets_arms:
        monkeypatch.setattr(sampling, "_arm_of", lambda *_told: None)

    arm = set(Assignment.objects.filter(arm__name="Mail").values_list("customer_id", flat=True))
    held = sum(bucket(who, salt=f"send:campaign:{campaign.pk}") < 3_000 for who in arm)
    bought = sum(who in arm for index, who in enumerate(readers) if index % 3 == 0 and index % 40 < 30)
    base = bought / len(arm)
    size = TTestIndPower().solve_power(
        nobs1=len(arm) - held, ratio=held / (len(arm) - held), alpha=WATCHED, power=0.8
    )
    points = size * (base * (1 - base)) ** 0.5

    found = preflight.preflight(campaign, now=STARTED).detectable
    assert found is not None
    if forgets_arms:
        assert abs(found.points / points - 1) > 0.03
        return
    assert (found.base, found.points) == pytest.approx((base, points), rel=1e-4)
    assert found.buyers == pytest.approx(points * (len(arm) - held), rel=1e-4)


@pytest.mark.parametrize(("buyers", "is_possible"), [(0.5, True), (0.98, False)])
def test_an_effect_that_there_is_no_room_for_is_not_promised(*, buyers: float, is_possible: bool) -> None:
    make_business()
    readers = make_readers(800)
    make_orders((who, -2.0, 1_000) for who in readers[: int(800 * buyers)])
    campaign = make_campaign(make_list(readers), smtp_channel(9), holdout_bp=1_000, window_days=30)
    found = preflight.preflight(campaign, now=STARTED).detectable
    assert found is not None
    assert (found.base + found.points <= 1, found.is_possible) == (is_possible, is_possible)
    client = Client()
    client.force_login(make_user(role=Role.OWNER))
    page = client.get(f"/campaigns/{campaign.pk}/preflight/").content.decode()
    assert ("more buyers" in page, "buy anyhow" in page) == (is_possible, not is_possible)
