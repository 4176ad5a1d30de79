"""Steps that wait: for a time, until an hour of the customer's own clock, until a date, until something happens."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from regulars.journeys.kinds.happenings import EVENT, ORDER, SEGMENT
from regulars.journeys.registry import (
    THEN,
    Batch,
    Decision,
    Field,
    Go,
    HappeningKind,
    Since,
    Stay,
    Step,
    StepKind,
    World,
    Wrong,
    register_step,
)

_MOST_DAYS = 3_650
_CLOCK = time(9)
FEBRUARY_29 = (("28", _("on 28 February")), ("1", _("on 1 March")))
"""When a birthday of 29 February is kept in other years."""
_SPAN = (
    Field(name="days", label=_("Days"), type="integer", required=False, default=0, most=_MOST_DAYS),
    Field(name="hours", label=_("Hours"), type="integer", required=False, default=0, most=1_000),
    Field(name="minutes", label=_("Minutes"), type="integer", required=False, default=0, most=1_000),
)


def span_of(step: Step) -> timedelta:
    """Return how long a step waits."""
    return timedelta(**{name: step.get(name) or 0 for name in ("days", "hours", "minutes")})


def _some_time(step: Step) -> list[Wrong]:
    return [] if span_of(step) else [Wrong("days", "no_time", gettext("wait for at least a minute"))]


def _wait(batch: Batch, _world: World) -> Mapping[int, Decision]:
    span = span_of(batch.step)
    return {one.enrollment_id: _until(one.arrived_at + span, batch.now) for one in batch.standings}


def _until(at: datetime, now: datetime) -> Decision:
    return Go() if now >= at else Stay(at)


# Until an hour


def clock_of(told: object, otherwise: time = _CLOCK) -> time:
    """Return the time of day that a graph tells."""
    return time.fromisoformat(told) if isinstance(told, str) and told else otherwise


def opens_at(
    after: datetime, *, zone: ZoneInfo, begins: time, ends: time | None, weekdays: Sequence[int]
) -> datetime:
    """Return the first moment not before `after` that lies in a window of the customer's clock.

    Args:
        after: The moment.
        zone: The customer's.
        begins: When the window opens.
        ends: When it closes, over midnight where that is earlier; None for the moment of its opening alone.
        weekdays: Days on which it opens, 1 Monday to 7; empty for all.
    """
    local = after.astimezone(zone)
    for ahead in range(-1, 9):
        day = local.date() + timedelta(days=ahead)
        if weekdays and day.isoweekday() not in weekdays:
            continue
        opening = datetime.combine(day, begins, tzinfo=zone)
        if opening >= after:
            return opening
        if ends is not None:
            last = day if ends > begins else day + timedelta(days=1)
            if after < datetime.combine(last, ends, tzinfo=zone):
                return after
    raise AssertionError(weekdays)  # pragma: no cover  some day of the week comes within eight days


def _wait_until(batch: Batch, world: World) -> Mapping[int, Decision]:
    step = batch.step
    begins, weekdays = clock_of(step.get("clock")), step.get("weekdays") or ()
    ends = clock_of(step["until"]) if step.get("until") else None
    zones = world.zones(batch.customer_ids)
    decisions: dict[int, Decision] = {}
    for one in batch.standings:
        # A window that was missed is not gone through afterwards; a moment that was missed is only late.
        after = one.arrived_at if ends is None else max(one.arrived_at, batch.now)
        opening = opens_at(after, zone=zones[one.customer_id], begins=begins, ends=ends, weekdays=weekdays)
        decisions[one.enrollment_id] = _until(opening, batch.now)
    return decisions


# Until a date


def anniversary(born: date, year: int, *, february_29: str) -> date:
    """Return the anniversary of a date in a year; of 29 February in other years by the rule `28` or `1`."""
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 2, 28) if february_29 == "28" else date(year, 3, 1)


def _wait_date(batch: Batch, world: World) -> Mapping[int, Decision]:
    step = batch.step
    zones, dates = world.zones(batch.customer_ids), world.dates(step["attribute"], batch.customer_ids)
    decisions: dict[int, Decision] = {}
    for one in batch.standings:
        told = dates.get(one.customer_id)
        at = None if told is None else _ahead(told, one.arrived_at, zones[one.customer_id], step)
        decisions[one.enrollment_id] = Go("missing") if at is None else _until(at, batch.now)
    return decisions


def _ahead(told: date, arrived_at: datetime, zone: ZoneInfo, step: Step) -> datetime | None:
    """Return the moment that a date means, None where it has gone by when they came."""
    shift, clock = timedelta(days=step.get("shift_days") or 0), clock_of(step.get("clock"))
    year = arrived_at.astimezone(zone).year
    days = [told]
    if step.get("yearly"):
        rule = step.get("february_29") or "28"
        days = [anniversary(told, one, february_29=rule) for one in (year - 1, year, year + 1, year + 2)]
    moments = (datetime.combine(day + shift, clock, tzinfo=zone) for day in days)
    return next((at for at in moments if at >= arrived_at), None)


# Until something happens

HAPPENED, TIMEOUT = "happened", "timeout"


def _wait_for(kind: HappeningKind, batch: Batch, world: World) -> Mapping[int, Decision]:
    span = span_of(batch.step)
    since = [Since(one.enrollment_id, one.customer_id, one.arrived_at) for one in batch.standings]
    found = kind.happened(batch.step, since, batch.now, world)
    decisions: dict[int, Decision] = {}
    for one in batch.standings:
        ends = one.arrived_at + span
        if one.enrollment_id in found:
            decisions[one.enrollment_id] = Go(HAPPENED)
        else:
            decisions[one.enrollment_id] = Go(TIMEOUT) if batch.now >= ends else Stay(ends)
    return decisions


_ICONS = {"order": "shopping-cart", "event": "activity", "segment": "users-group"}


def _waiting_for(kind: HappeningKind, label: object) -> StepKind:
    decide: Callable[[Batch, World], Mapping[int, Decision]] = partial(_wait_for, kind)
    return StepKind(
        kind=f"wait_{kind.kind}",
        label=format_lazy("{}", label),
        group="wait",
        icon=_ICONS[kind.kind],
        help=_("They go on as soon as it happens, or by the other way when the time is up."),
        fields=(*kind.fields, *_SPAN),
        outs=lambda _step: [HAPPENED, TIMEOUT],
        decide=decide,
        faults=_some_time,
        takes_time=not kind.is_state,
        listens=True,
    )


def register() -> None:
    """Offer them."""
    register_step(
        StepKind(
            kind="wait",
            label=_("Wait"),
            group="wait",
            icon="hourglass",
            help=_("They stay here for so long."),
            fields=_SPAN,
            decide=_wait,
            faults=_some_time,
            takes_time=True,
        )
    )
    register_step(
        StepKind(
            kind="wait_until",
            label=_("Wait for the hour"),
            group="wait",
            icon="clock",
            help=_(
                "They go on at an hour of their own clock, or between two hours, on some days of the week."
            ),
            fields=(
                Field(name="clock", label=_("From"), type="clock", default="09:00"),
                Field(
                    name="until",
                    label=_("Until"),
                    type="clock",
                    required=False,
                    help=_("Who comes between the two goes on at once. Left empty: at the first hour."),
                ),
                Field(
                    name="weekdays",
                    label=_("Days of the week"),
                    type="weekday",
                    required=False,
                    help=_("Left empty: every day."),
                ),
            ),
            decide=_wait_until,
        )
    )
    register_step(
        StepKind(
            kind="wait_date",
            label=_("Wait for a date"),
            group="wait",
            icon="calendar-event",
            help=_("They go on at a date that is known of them; who has none ahead goes by the other way."),
            fields=(
                Field(name="attribute", label=_("Date"), type="attribute", only=("date", "day")),
                Field(
                    name="yearly",
                    label=_("Every year"),
                    type="boolean",
                    required=False,
                    default=False,
                ),
                Field(
                    name="shift_days",
                    label=_("Days after it"),
                    type="integer",
                    required=False,
                    default=0,
                    least=-365,
                    most=365,
                    help=_("Less than 0 for days before it."),
                ),
                Field(name="clock", label=_("At"), type="clock", required=False, default="09:00"),
                Field(
                    name="february_29",
                    label=_("29 February in other years"),
                    type="choice",
                    required=False,
                    choices=FEBRUARY_29,
                    default="28",
                ),
            ),
            outs=lambda _step: [THEN, "missing"],
            decide=_wait_date,
        )
    )
    for kind, label in (
        (ORDER, _("Wait for an order")),
        (EVENT, _("Wait for behaviour")),
        (SEGMENT, _("Wait for a segment")),
    ):
        register_step(_waiting_for(kind, label))
