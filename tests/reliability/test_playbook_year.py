"""A year by a fake clock: the starter set over two real shops, each message checked against a plain reading of the playbooks.

The engine lives through the year as in a shop: files are imported, nights are reckoned, segments are refreshed, journeys are looked
at. `REGULARS_LONG=1` does so every day with more customers; otherwise some days go by between two looks.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from regulars.insights import operations as insights
from regulars.insights.models import DueProduct, Run
from regulars.journeys import entering
from regulars.journeys.advancing import advance_all
from regulars.journeys.kinds import waits
from regulars.journeys.models import AdoptedPlaybook
from regulars.journeys.operations import enrolling
from regulars.journeys.operations.playbooks import turn_on_starter_set
from regulars.journeys.registry import Go
from regulars.messaging.models import Channel, Delivery
from regulars.segments import operations as segments
from regulars.segments.models import Refresh, Segment
from tests.journeys import playbook_reading as reading
from tests.journeys.real_year import YEAR_DAYS, Files, RealYear, complete_journey, online_retail, with_people
from tests.messaging.sending import smtp_channel

pytestmark = [pytest.mark.reliability, pytest.mark.django_db(transaction=True)]
LONG = bool(int(os.environ.get("REGULARS_LONG", "0")))
SEED = 20261122
EVERY = 1 if LONG else 18
NIGHTS_EVERY = 1 if LONG else 36
LEARN_EVERY = 7 if LONG else 108
SELDOM: Mapping[str, set[str]] = {
    "Complete Journey": set() if LONG else {"first_order_welcome", "follow_up_48h", "second_order_incentive"},
    "UCI": set(),
}
SEGMENTS = ("tier-VIP", "stage-lapsed_short", "stage-lapsed_long", "late")


class Year:
    """The engine and the reading, side by side."""

    def __init__(self, real: RealYear, *, facts: Path) -> None:
        self.files, self._facts = Files(real), facts
        self.first_day = real.first_day
        smtp_channel(9)
        Channel.objects.create(
            kind="staff_task", name="SMS", medium="sms", key="sms", created_at=timezone.now()
        )
        self.people = with_people(self.files.customer_ids, born_before=real.first_day, seed=SEED)
        self._imported_until = self.first_day
        self.reading: reading.Life | None = None

    def live(self, days: int, *, every: int = EVERY) -> None:
        for day in range(self.first_day + every, self.first_day + days, every):
            self._day(day, is_night=(day - self.first_day) % NIGHTS_EVERY < every)

    def _day(self, day: int, *, is_night: bool) -> None:
        now = reading.midnight(day) + timedelta(hours=4)
        fresh = [order for one in range(self._imported_until, day) for order in self._import(one)]
        self._imported_until = day
        is_first = self.reading is None
        if is_first or is_night:
            self._night(day, now=now)
        self._refresh(now=now)
        if self.reading is None:
            made = turn_on_starter_set(now=now)
            assert not made.hindered
            salts = {one.code: one.journey.salt for one in made.on}
            self.reading = reading.Life(self.people, salts, started_at=now)
        self.reading.now = now
        self.reading.learn(fresh)
        if is_first or is_night:
            run = Run.objects.filter(state=Run.State.DONE).latest("id")
            self.reading.reckon(store=run.store_cycle["measured"], lasting=_lasting())
        entering.wake_buyers(now=now)
        entering.look_all(now=now)
        advance_all(now=now)
        self.reading.live(now)

    def _import(self, day: int) -> Iterator[reading.Order]:
        self.files.import_day(day)
        yield from self.files.orders_of(day)

    def _night(self, day: int, *, now: datetime) -> None:
        learns = self.reading is None or (day - self.first_day) % LEARN_EVERY < EVERY
        insights.run(as_of_day=day, forecasts=learns, now=now, facts_folder=self._facts)

    def _refresh(self, *, now: datetime) -> None:
        if not Segment.objects.exists():
            segments.ensure_built_in(now=now)
            # What no playbook of the set asks for need not be worked out each day.
            Segment.objects.exclude(code__in=SEGMENTS).update(archived_at=now)
        before = Refresh.objects.order_by("id").last()
        for one in Segment.objects.filter(code__in=SEGMENTS).order_by("id"):
            segments.refresh(one.pk, now=now)
        for row in Refresh.objects.filter(pk__gt=before.pk if before else 0).order_by("id"):
            entering.hear_crossing(row.segment_id, row.pk, is_entry=True, now=now)

    def sent(self) -> list[reading.Sent]:
        """What the ledger holds, as the reading tells it."""
        codes = dict(AdoptedPlaybook.objects.values_list("journey_id", "code"))
        rows = Delivery.objects.select_related("send", "channel")
        return [
            reading.Sent(
                playbook=codes[row.send.source_id],
                step=row.send.step.split(".")[1],
                customer=row.customer_id,
                at=row.due_at,
                told=f"-{row.reason}" if row.state == Delivery.State.SUPPRESSED else row.channel.medium,
            )
            for row in rows
        ]  # fmt: skip


def _lasting() -> Iterator[reading.Lasting]:
    for row in DueProduct.objects.filter(quantity__gt=0):
        yield reading.Lasting(row.customer_id, row.product_id, row.last_day, row.quantity, row.expected_days)


def difference(year: Year) -> tuple[Counter[reading.Sent], Counter[reading.Sent]]:
    """What the engine alone says, and what the reading alone."""
    assert year.reading is not None
    engine, read = Counter(year.sent()), Counter(year.reading.sent)
    return engine - read, read - engine


@pytest.mark.parametrize("shop", ["Complete Journey", "UCI"])
def test_a_year_of_the_starter_set_is_as_a_person_reads_it(
    shop: str, shared_data: Path, tmp_path: Path
) -> None:
    if shop == "UCI":
        real = online_retail(shared_data, 300, seed=SEED)
    else:
        real = complete_journey(150 if LONG else 60, seed=SEED)
    year = Year(real, facts=tmp_path / "facts")
    year.live(YEAR_DAYS)
    ours, theirs = difference(year)
    told = Counter(one.playbook for one in year.sent() if not one.told.startswith("-"))
    kept = Counter(one.told for one in year.sent() if one.told.startswith("-"))
    print(f"year {shop}: seed {SEED}, {len(year.people)} customers, sends {dict(told)}, held back {dict(kept)}, "
          f"engine alone {sum(ours.values())}, reading alone {sum(theirs.values())}")  # fmt: skip
    assert (list(ours)[:5], list(theirs)[:5]) == ([], [])
    # Of a grocer's households few begin in the middle of the year, on the days on which the short form looks.
    assert set(reading.STARTER_SET) - set(told) <= SELDOM[shop]


def _pauses_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "_until", lambda _at, _now: Go())


def _hold_out_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrolling, "bucket", lambda _who, salt: 9_999)  # noqa: ARG005  by its name


@pytest.mark.parametrize("plant", [_pauses_left_out, _hold_out_forgotten], ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_told_by_the_reading(
    plant: Callable[[pytest.MonkeyPatch], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    year = Year(complete_journey(20, seed=SEED), facts=tmp_path / "facts")
    year.live(50, every=12)
    ours, theirs = difference(year)
    print(
        f"year: plant {plant.__name__}: engine alone {sum(ours.values())}, reading alone {sum(theirs.values())}"
    )
    assert ours or theirs
