"""Keep the action list true, and note what people did with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from django.db import IntegrityError, connection, transaction
from django.db.models import BigIntegerField, Case, F, FloatField, JSONField, Q, QuerySet, Value, When
from django.db.models.functions import Cast, JSONObject, Round

from regulars.insights.models import Profile, Run
from regulars.kernel.days import start_of_day, zone_named
from regulars.kernel.errors import RegularsError
from regulars.planner.models import Action, Capacity
from regulars.planner.rules import PLAYBOOKS
from regulars.shop import queries as shop
from regulars.shop.models import Business
from regulars.shop.operations import note_interactions, withdraw_interactions
from regulars.staff.models import User

Outcome = Literal["done", "dismissed"]

_LOCK = 0x91A55E12  # any number, as long as it stays
_BP = 10_000


class UnknownAssigneeError(RegularsError):
    """The person is not an active member of staff."""

    code: ClassVar[str] = "unknown_assignee"


class UnknownOutcomeError(RegularsError):
    """An action was closed in a way that does not exist."""

    code: ClassVar[str] = "unknown_outcome"


class InvalidCapacityError(RegularsError):
    """A day cannot hold fewer than no calls or messages."""

    code: ClassVar[str] = "invalid_capacity"


class AnotherActionOpenError(RegularsError):
    """A closed action cannot be opened again, because its customer has another one by now."""

    code: ClassVar[str] = "another_action_open"


@dataclass(frozen=True, kw_only=True)
class Refreshed:
    """What a refresh did, in actions."""

    opened: int
    updated: int
    expired: int


@transaction.atomic
def refresh_actions(*, now: datetime) -> Refreshed:
    """Bring the open actions into line with the profiles of the latest finished run.

    Opens an action for each customer whom a playbook suits (`rules.PLAYBOOKS`, first match), unless somebody closed the
    same one for them less than its `rest_days` ago; puts fresh numbers into those that are open; expires those whose
    playbook no longer suits, handing their assignee on to the one that does. A second call changes nothing. One call at a
    time; cost: one pass over the profiles, whatever is open.

    Args:
        now: When the expired ones are closed.

    Returns:
        What was done; all zeros before the first run.
    """
    run = Run.objects.filter(state=Run.State.DONE).order_by("-pk").first()
    if run is None:
        return Refreshed(opened=0, updated=0, expired=0)
    business = shop.business()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        sql, parameters = _suited(run, business).query.sql_with_params()
        cursor.execute("DROP TABLE IF EXISTS planner_suited")
        cursor.execute(f"CREATE TEMP TABLE planner_suited ON COMMIT DROP AS {sql}", parameters)
        cursor.execute("ANALYZE planner_suited")
        zone = zone_named(business.time_zone)
        for playbook in PLAYBOOKS:
            # Days of the run, not of the wall clock: where time stands still, as in the demo, what is done stays done.
            rested_since = start_of_day(run.as_of_day - playbook.rest_days, zone)
            cursor.execute(_REST, {"playbook": playbook.code, "rested_since": rested_since})
        cursor.execute(_EXPIRE, {"now": now})
        expired = cursor.rowcount
        cursor.execute(_UPDATE)
        updated = cursor.rowcount
        cursor.execute(_OPEN, {"now": now, "as_of_day": run.as_of_day})
        opened = cursor.rowcount
    return Refreshed(opened=opened, updated=updated, expired=expired)


def _suited(run: Run, business: Business) -> "QuerySet[Profile, tuple[Any, ...]]":
    """Return customer, playbook, what is at stake, and the reason, for each customer whom a playbook suits."""
    playbook = Case(
        *(When(rule.when(run.as_of_day), then=Value(rule.code)) for rule in PLAYBOOKS), default=Value("")
    )
    # Halves of a minor unit are rounded up.
    seen = (F("year_minor") * Value(business.margin_bp, BigIntegerField()) + Value(_BP // 2)) / Value(_BP)
    # Of an alert, what is expected to be lost: the value to come times the probability that it does not.
    at_stake = Case(
        When(
            playbook="churn_alert",
            clv_minor__isnull=False,
            then=Round(F("clv_minor") * F("churn_probability")),
        ),
        default=seen,
        output_field=FloatField(),
    )
    seen_of: dict[str, Any] = {
        "code": F("playbook"),
        "stage": F("stage"),
        "orders": F("orders"),
        "recency_days": Value(run.as_of_day) - F("last_day"),
        "cycle_days": F("cycle_days"),
        "year_minor": F("year_minor"),
        "currency": Value(business.currency),
    }
    foreseen: dict[str, Any] = {
        "churn_probability": F("churn_probability"),
        "churn": F("churn_reasons"),
        "alert": Value(run.thresholds.get("alert") or {}, JSONField()),
    }
    return (
        # Behind a history without a person there is nobody to contact.
        Profile.objects.filter(customer__erased_at=None)
        .annotate(playbook=playbook)
        .exclude(playbook="")
        .annotate(
            value_minor=Cast(at_stake, BigIntegerField()),
            reason=Case(
                When(playbook="churn_alert", then=JSONObject(**seen_of, **foreseen)),
                default=JSONObject(**seen_of),
            ),
        )
        .values_list("customer_id", "playbook", "value_minor", "reason")
    )


_REST = """
    DELETE FROM planner_suited s USING planner_action a
    WHERE s.playbook = %(playbook)s AND a.customer_id = s.customer_id AND a.playbook = s.playbook
      AND a.state IN ('done', 'dismissed') AND a.closed_at >= %(rested_since)s
"""
_EXPIRE = """
    UPDATE planner_action a SET state = 'expired', closed_at = %(now)s
    WHERE a.state = 'open' AND NOT EXISTS (
        SELECT FROM planner_suited s WHERE s.customer_id = a.customer_id AND s.playbook = a.playbook
    )
"""
_UPDATE = """
    UPDATE planner_action a SET value_minor = s.value_minor, reason = s.reason
    FROM planner_suited s
    WHERE a.state = 'open' AND a.customer_id = s.customer_id
      AND (a.value_minor, a.reason) IS DISTINCT FROM (s.value_minor, s.reason)
"""
_OPEN = """
    INSERT INTO planner_action (customer_id, playbook, reason, value_minor, as_of_day, state, note, assignee_id)
    SELECT s.customer_id, s.playbook, s.reason, s.value_minor, %(as_of_day)s, 'open', '', former.assignee_id
    FROM planner_suited s
    LEFT JOIN planner_action former
      ON former.customer_id = s.customer_id AND former.state = 'expired' AND former.closed_at = %(now)s
    WHERE NOT EXISTS (SELECT FROM planner_action a WHERE a.state = 'open' AND a.customer_id = s.customer_id)
    ORDER BY s.value_minor, s.customer_id
"""


def change_capacity(*, calls_per_day: int, messages_per_day: int) -> Capacity:
    """Change how many calls and messages a day has room for; the list shows no more of each at a time.

    Raises:
        InvalidCapacityError: One of them is below 0.
    """
    for name, value in (("calls_per_day", calls_per_day), ("messages_per_day", messages_per_day)):
        if value < 0:
            message = f"{name} == {value}, must be >= 0"
            raise InvalidCapacityError(message, **{name: value})
    with transaction.atomic():
        found, _is_new = Capacity.objects.select_for_update().get_or_create(pk=1)
        if (found.calls_per_day, found.messages_per_day) != (calls_per_day, messages_per_day):
            found.calls_per_day, found.messages_per_day = calls_per_day, messages_per_day
            found.save()
    return found


def assign(*, action_ids: Sequence[int], assignee_id: int | None) -> int:
    """Give open actions to a member of staff, or to nobody, and return how many changed hands.

    Actions that are not open stay as they are.

    Raises:
        UnknownAssigneeError: The person does not exist or is no longer active.
    """
    if assignee_id is not None and not User.objects.filter(pk=assignee_id, is_active=True).exists():
        message = f"assignee {assignee_id} is not an active member of staff; choose somebody from the team"
        raise UnknownAssigneeError(message, assignee_id=assignee_id)
    chosen = Action.objects.filter(pk__in=action_ids, state=Action.State.OPEN)
    theirs = Q(assignee_id=assignee_id) if assignee_id is not None else Q(assignee_id__isnull=True)
    return chosen.exclude(theirs).update(assignee_id=assignee_id)


def close(  # noqa: PLR0913  one argument a thing that is told
    *,
    action_ids: Sequence[int],
    outcome: Outcome,
    closed_by_id: int | None,
    now: datetime,
    note: str = "",
    came_of_it: str = "",
    reason: str = "",
) -> int:
    """Note that open actions were done or turned down, and return how many that closed.

    Actions that are not open stay as they are, so saying it twice says it once. An empty note leaves the one there is.

    Args:
        action_ids: Which.
        outcome: What the list keeps of them.
        closed_by_id: Who of the staff.
        now: When.
        note: What was said.
        came_of_it: One of `shop.models.Interaction.Outcome`, noted in the record; empty where nobody got in touch.
        reason: One of `shop.models.Interaction.Reason`, noted with it.

    Raises:
        UnknownOutcomeError: `outcome` is neither `done` nor `dismissed`.
        InvalidInteractionError: `came_of_it` or `reason` is unknown, or there is a reason alone.
    """
    if outcome not in (Action.State.DONE, Action.State.DISMISSED):
        message = f"outcome == {outcome!r}, must be done or dismissed"
        raise UnknownOutcomeError(message, outcome=outcome)
    noted = {"note": note.strip()} if note.strip() else {}
    with transaction.atomic():
        chosen = Action.objects.select_for_update().filter(pk__in=action_ids, state=Action.State.OPEN)
        of = dict(chosen.order_by("pk").values_list("pk", "customer_id"))
        if came_of_it or reason:
            note_interactions(
                {_about(pk): customer_id for pk, customer_id in of.items()},
                outcome=came_of_it,
                reason=reason,
                by_id=closed_by_id,
                now=now,
            )
        return Action.objects.filter(pk__in=of).update(
            state=outcome, closed_by_id=closed_by_id, closed_at=now, **noted
        )


def _about(action_id: int) -> str:
    return f"action:{action_id}"


def reopen(*, action_ids: Sequence[int]) -> int:
    """Undo `close`, and return how many actions are open again; all of them or none. What came of them is taken back too.

    Actions that are open, or that expired by themselves, stay as they are.

    Raises:
        AnotherActionOpenError: One of the customers has another open action by now.
    """
    chosen = Action.objects.filter(pk__in=action_ids, state__in=(Action.State.DONE, Action.State.DISMISSED))
    try:
        with transaction.atomic():
            withdraw_interactions(_about(pk) for pk in chosen.values_list("pk", flat=True))
            return chosen.update(state=Action.State.OPEN, closed_at=None, closed_by=None)
    except IntegrityError as error:
        message = "another action for this customer was opened since; close that one first"
        raise AnotherActionOpenError(message, action_ids=list(action_ids)) from error
