"""Work out who is in each segment: in full, or of the customers of whom something changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet

from regulars.insights.operations import today as business_today
from regulars.kernel.crashes import crashpoint
from regulars.kernel.errors import RegularsError
from regulars.kernel.progress import Progress, no_progress
from regulars.outbox.operations import publish
from regulars.segments.built_in import BUILT_IN
from regulars.segments.compiling import RuleOf, Statement, compile_rule, is_live, is_timed
from regulars.segments.events import SegmentEntered, SegmentLeft
from regulars.segments.models import Refresh, Segment
from regulars.segments.rules_of import stored_rules
from regulars.segments.tagging import put_tags
from regulars.shop import registry
from regulars.shop.operations import forget_touched, take_touched
from regulars.shop.registry import CustomerAttribute
from regulars.shop.wording import keep, worded

FULL_HOURS = 24
"""However little happened, everybody is looked at once in so many hours."""

_AT_ONCE = 50_000
_ROUNDS = 100
_ANALYSED_FROM = 10_000
_log = structlog.stdlib.get_logger("regulars.segments")


@dataclass(frozen=True, kw_only=True)
class Refreshed:
    """What a refresh found in one segment: members, and who came and went."""

    size: int
    entered: int
    left: int


@dataclass(frozen=True)
class _Shop:
    """What refreshing needs to know, read once for all segments."""

    attributes: Mapping[str, CustomerAttribute]
    rule_of: RuleOf
    today: int
    now: datetime


def _shop(now: datetime) -> _Shop:
    attributes = registry.attributes()
    return _Shop(attributes, stored_rules(attributes=attributes), business_today(now=now), now)


def ensure_built_in(*, now: datetime) -> int:
    """Add the segments of `BUILT_IN` that are not there yet, and bring the rules of the others up to date; return how many were added."""
    added = 0
    for code, built_in in BUILT_IN.items():
        row, is_new = Segment.objects.get_or_create(
            code=code, defaults={"name": code, "rule": built_in.rule, "created_at": now}
        )
        added += is_new
        if row.rule != built_in.rule:
            row.rule, row.state = built_in.rule, Segment.State.EDITED
            row.save(update_fields=["rule", "state"])
    return added


def refresh(segment_id: int, *, now: datetime, reason: str = Refresh.Reason.PERSON) -> Refreshed:
    """Work out in full who is in a segment.

    Members, crossings, the note of the refresh and its events commit together; readers see the former members until
    then. A second call finds the same and writes no member.

    Raises:
        InvalidRuleError: The rule names something that is no longer there. The segment is marked as failed.
    """
    segment = Segment.objects.get(pk=segment_id)
    try:
        return _refresh(segment, _shop(now), reason=reason, who=None)
    except (RegularsError, DatabaseError) as error:
        _note_failure(segment_id, error)
        raise


def refresh_all(*, now: datetime, reason: str, progress: Progress = no_progress) -> int:
    """Work out every segment in full, those of archived ones excepted; return how many could not be.

    One transaction a segment. A crash in between leaves the rest marked as waiting, for `refresh_due`.
    """
    ensure_built_in(now=now)
    with transaction.atomic():
        # Who came before this moment is seen by every refresh that follows.
        forget_touched()
        Segment.objects.filter(archived_at=None).exclude(state=Segment.State.EDITED).update(
            state=Segment.State.WAITING
        )
    crashpoint("segments:marked")
    return _refresh_each(Segment.objects.filter(archived_at=None), now=now, reason=reason, progress=progress)


def refresh_due(*, now: datetime) -> int:
    """Work out in full what waits, what a new day changes, and what was last looked at a day ago; return how many failed."""
    shop = _shop(now)
    everything = list(Segment.objects.filter(archived_at=None))
    due: dict[str, list[int]] = {}
    for segment in everything:
        reason = _why_due(segment, shop)
        if reason is not None:
            due.setdefault(reason, []).append(segment.pk)
    return sum(
        _refresh_each(Segment.objects.filter(pk__in=ids), now=now, reason=reason, progress=no_progress)
        for reason, ids in due.items()
    )


def refresh_touched(*, now: datetime) -> int:
    """Look at the customers of whom something changed since the last time, and return how many they were.

    Only segments whose rules ask for what changes as data arrives are worked out. The cost grows with the customers
    touched, not with all. Each batch commits with what was found of it.
    """
    shop = _shop(now)
    total = 0
    for _round in range(_ROUNDS):
        with transaction.atomic():
            who = take_touched(limit=_AT_ONCE)
            if not who:
                break
            for segment in Segment.objects.filter(
                archived_at=None, kind=Segment.Kind.RULE, state=Segment.State.READY
            ):
                _refresh_some(segment, shop, who)
            crashpoint("segments:touched")
        total += len(who)
    return total


def _refresh_some(segment: Segment, shop: _Shop, who: list[int]) -> None:
    try:
        with transaction.atomic():
            rule = shop.rule_of(segment.pk)
            if rule is not None and is_live(rule, attributes=shop.attributes, rule_of=shop.rule_of):
                _refresh(segment, shop, reason=Refresh.Reason.RECORD, who=who)
    except (RegularsError, DatabaseError) as error:
        _note_failure(segment.pk, error)


def _refresh_each(rows: "QuerySet[Segment]", *, now: datetime, reason: str, progress: Progress) -> int:
    shop = _shop(now)
    segments = list(rows)
    failed = 0
    for done, segment in enumerate(segments):
        progress("segments", done, len(segments))
        try:
            _refresh(segment, shop, reason=reason, who=None)
        except (RegularsError, DatabaseError) as error:
            # One that cannot be worked out must not keep the others.
            _note_failure(segment.pk, error)
            failed += 1
        crashpoint("segments:refreshed")
    progress("segments", len(segments), len(segments))
    return failed


def _why_due(segment: Segment, shop: _Shop) -> str | None:
    if segment.state == Segment.State.EDITED:
        return Refresh.Reason.EDITED
    if segment.state == Segment.State.WAITING:
        return Refresh.Reason.RUN
    if segment.full_at is None or segment.full_at <= shop.now - timedelta(hours=FULL_HOURS):
        return Refresh.Reason.DAY
    if segment.as_of_day == shop.today or segment.state == Segment.State.FAILED:
        return None
    rule = shop.rule_of(segment.pk)
    return Refresh.Reason.DAY if rule is not None and is_timed(rule, rule_of=shop.rule_of) else None


def _note_failure(segment_id: int, error: Exception) -> None:
    _log.error("segment not refreshed", segment_id=segment_id, kind=type(error).__name__)
    text = worded(error) if isinstance(error, RegularsError) else type(error).__name__
    Segment.objects.filter(pk=segment_id).update(state=Segment.State.FAILED, error=keep(text, most=None))


@transaction.atomic
def _refresh(segment: Segment, shop: _Shop, *, reason: str, who: list[int] | None) -> Refreshed:
    # Whoever refreshes or edits the same segment waits here, and reads the rule as it is then.
    locked = Segment.objects.select_for_update().get(pk=segment.pk)
    rule = shop.rule_of(locked.pk)
    if rule is None:
        return _count_list(locked, shop)
    statement = compile_rule(
        rule, attributes=shop.attributes, rule_of=shop.rule_of, today=shop.today, who=who
    )
    is_edited = locked.state == Segment.State.EDITED
    note = Refresh.objects.create(
        segment=locked,
        reason=Refresh.Reason.EDITED if is_edited else reason,
        version=locked.version,
        as_of_day=shop.today,
        at=shop.now,
    )
    entered, left = _write(statement, note=note, is_first=locked.full_at is None, who=who)
    if entered + left >= _ANALYSED_FROM:
        with connection.cursor() as cursor:
            # The next refresh would be planned as if there were no members yet.
            cursor.execute("ANALYZE segments_membership")
    size = locked.memberships.count() if who is None else locked.size + entered - left
    if who is None or entered or left:
        Refresh.objects.filter(pk=note.pk).update(size=size, entered=entered, left=left)
        put_tags(locked.pk, now=shop.now, note=None if who is None else note)
    else:
        note.delete()
    # Who is in it because a person changed the rule did nothing that should set something off.
    if not is_edited:
        _tell(locked.pk, note.pk, entered, left)
    fields: dict[str, object] = {"size": size, "refreshed_at": shop.now, "as_of_day": shop.today}
    if who is None:
        fields |= {"full_at": shop.now, "state": Segment.State.READY, "error": ""}
    Segment.objects.filter(pk=locked.pk).update(**fields)
    return Refreshed(size=size, entered=entered, left=left)


def _tell(segment_id: int, refresh_id: int, entered: int, left: int) -> None:
    if entered:
        publish(SegmentEntered(segment_id=segment_id, refresh_id=refresh_id, customers=entered))
    if left:
        publish(SegmentLeft(segment_id=segment_id, refresh_id=refresh_id, customers=left))


def _count_list(segment: Segment, shop: _Shop) -> Refreshed:
    """Count the members of a list who are still there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM segments_membership m WHERE segment_id = %s AND NOT EXISTS "
            "(SELECT FROM shop_customer c WHERE c.id = m.customer_id AND c.merged_into_id IS NULL)",
            [segment.pk],
        )
    size = segment.memberships.count()
    Segment.objects.filter(pk=segment.pk).update(
        size=size,
        refreshed_at=shop.now,
        full_at=shop.now,
        as_of_day=shop.today,
        state=Segment.State.READY,
        error="",
    )
    return Refreshed(size=size, entered=0, left=0)


# Who is not where they belong, in one pass over those found and those there were.
_COMPARE = """
SELECT f.id AS comes, m.customer_id AS goes
FROM ({select}) f
FULL JOIN (SELECT customer_id FROM segments_membership WHERE segment_id = %(segment)s{only}) m ON m.customer_id = f.id
WHERE f.id IS NULL OR m.customer_id IS NULL
"""
# A segment's row is locked meanwhile, so that its members are still those that were compared.
_WRITE = """
WITH difference AS MATERIALIZED ({difference}),
gone AS (
    DELETE FROM segments_membership m USING difference d
    WHERE m.segment_id = %(segment)s AND m.customer_id = d.goes
    RETURNING m.customer_id
),
came AS (
    INSERT INTO segments_membership (segment_id, customer_id, since_at)
    SELECT %(segment)s, d.comes, %(at)s FROM difference d WHERE d.comes IS NOT NULL
    RETURNING customer_id
),
noted AS (
    INSERT INTO segments_crossing (segment_id, customer_id, is_entry, at, refresh_id)
    SELECT %(segment)s, customer_id, false, %(at)s, %(refresh)s FROM gone
    UNION ALL
    SELECT %(segment)s, customer_id, true, %(at)s, %(refresh)s FROM came WHERE NOT %(first)s
)
SELECT (SELECT count(*) FROM came), (SELECT count(*) FROM gone)
"""


def _write(statement: Statement, *, note: Refresh, is_first: bool, who: list[int] | None) -> tuple[int, int]:
    """Write only what differs; return how many came and went."""
    only = "" if who is None else " AND customer_id = ANY(%(who)s)"
    difference = _COMPARE.format(select=statement.sql, only=only)
    values = {
        **statement.values, "segment": note.segment_id, "at": note.at, "refresh": note.pk, "first": is_first, "who": who,
    }  # fmt: skip
    with connection.cursor() as cursor:
        if who is None:
            # By itself, because PostgreSQL uses no second process in a statement that writes.
            cursor.execute("DROP TABLE IF EXISTS pg_temp.segments_difference")
            cursor.execute(
                f"CREATE TEMPORARY TABLE segments_difference ON COMMIT DROP AS {difference}", values
            )
            difference = "SELECT comes, goes FROM segments_difference"
        cursor.execute(_WRITE.format(difference=difference), values)
        came, gone = cursor.fetchone()
    return came, gone
