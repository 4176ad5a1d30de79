"""Make experiments, launch them, end them, and take in those that took place elsewhere."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.db import connection, transaction

from regulars.experiments import planning
from regulars.experiments.importing import moments_as_json, read_outcomes
from regulars.experiments.models import Arm, Experiment
from regulars.experiments.planning import InvalidPlanError
from regulars.experiments.registry import kind_named
from regulars.kernel.buckets import arm as drawn
from regulars.kernel.buckets import is_held_out_globally
from regulars.kernel.errors import RegularsError
from regulars.segments import queries as segments
from regulars.segments.models import Segment
from regulars.shop.queries import business
from regulars.shop.wording import gettext as _
from regulars.staff.models import User

MOST_ARMS = 10
_PORTION = 10_000


class NoSuchExperimentError(RegularsError):
    """There is no such experiment."""

    code: ClassVar[str] = "no_such_experiment"


class ExperimentStateError(RegularsError):
    """What was asked of an experiment does not fit the state that it is in."""

    code: ClassVar[str] = "experiment_state"


class InvalidExperimentError(RegularsError):
    """What was told of an experiment cannot be; `field` names the part that is wrong."""

    code: ClassVar[str] = "experiment_refused"


@dataclass(frozen=True, kw_only=True)
class ArmTold:
    """An arm as it is asked for: its share of 10,000, and what it does, if that is done here."""

    name: str
    share_bp: int
    source_kind: str = ""
    source_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class ExperimentTold:
    """What is asked for; the first arm is the control."""

    name: str
    arms: Sequence[ArmTold]
    segment_id: int
    metric: str = "buyers"
    days: int = 28
    varies: str = Experiment.Varies.MESSAGE
    question: str = ""


def create_experiment(told: ExperimentTold, *, by: User | None, now: datetime) -> Experiment:
    """Make a draft.

    Raises:
        InvalidExperimentError: A part of it cannot be; the error names it.
    """
    _check(told)
    with transaction.atomic():
        row = Experiment.objects.create(
            salt=f"experiment:{secrets.token_hex(8)}", created_by=by, created_at=now, **_columns(told)
        )
        _put_arms(row, told.arms)
    return row


def change_experiment(experiment_id: int, *, told: ExperimentTold) -> Experiment:
    """Change a draft; its buckets stay as they are.

    Raises:
        NoSuchExperimentError: There is none.
        ExperimentStateError: It is no draft any more.
        InvalidExperimentError: A part of it cannot be.
    """
    _check(told)
    with transaction.atomic():
        row = _locked(experiment_id)
        if row.state != Experiment.State.DRAFT:
            raise ExperimentStateError(_("%(name)s has begun and changes no more") % {"name": row.name})
        for name, value in _columns(told).items():
            setattr(row, name, value)
        row.save()
        row.arms.all().delete()
        _put_arms(row, told.arms)
    return row


def delete_draft(experiment_id: int) -> None:
    """Delete a draft; nothing depends on it.

    Raises:
        NoSuchExperimentError: There is none.
        ExperimentStateError: It is no draft any more.
    """
    with transaction.atomic():
        row = _locked(experiment_id)
        if row.state != Experiment.State.DRAFT:
            raise ExperimentStateError(_("%(name)s has begun and is kept") % {"name": row.name})
        row.delete()


def launch(experiment_id: int, *, now: datetime) -> int:
    """Draw every member of the segment into an arm, and return how many. From now on what they buy counts.

    One transaction: all are drawn or none. Who is in the global hold-out gets nothing anyway and is in no arm. A launch that is
    repeated changes nothing.

    Args:
        experiment_id: A draft.
        now: When it begins.

    Raises:
        NoSuchExperimentError: There is none.
        ExperimentStateError: It is over.
        StaleSegmentError: Who is in the segment is not certain now.
        InvalidExperimentError: Nobody is in the segment.
    """
    with transaction.atomic():
        row = _locked(experiment_id)
        if row.state == Experiment.State.RUNNING:
            return _size(row.pk)
        if row.state != Experiment.State.DRAFT or row.segment_id is None:
            raise ExperimentStateError(_("%(name)s is over") % {"name": row.name})
        arms = list(row.arms.all())
        told = planning.plan(
            segment_id=row.segment_id, shares=[one.share_bp for one in arms], metric=row.metric, days=row.days, now=now
        )  # fmt: skip
        many = _draw(row, arms, now=now)
        if not many:
            raise _wrong(_("nobody is in the segment who could be drawn"), field="segment")
        row.state, row.started_at = Experiment.State.RUNNING, now
        row.planned = planning.as_json(told, days=row.days)
        row.save(update_fields=["state", "started_at", "planned"])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE experiments_assignment")
    return many


def stop(experiment_id: int, *, now: datetime) -> Experiment:
    """End an experiment: nothing counts after now. Who was drawn stays drawn; stopping it again changes nothing.

    Raises:
        NoSuchExperimentError: There is none.
        ExperimentStateError: It does not run.
    """
    with transaction.atomic():
        row = _locked(experiment_id)
        if row.state == Experiment.State.STOPPED:
            return row
        _end(row, Experiment.State.STOPPED, now=now)
    return row


def roll_out(
    experiment_id: int, *, arm_id: int, by: User | None, now: datetime
) -> tuple[Experiment, int | None]:
    """End an experiment with one arm for everybody; doing it again with the same arm changes nothing.

    Where the arm is something that can be prepared for everybody, such as a campaign, a draft of it is made.

    Returns:
        The experiment, and the id of what was made for everybody.

    Raises:
        NoSuchExperimentError: There is none.
        ExperimentStateError: It does not run, or another arm was rolled out.
        InvalidExperimentError: It has no such arm.
    """
    with transaction.atomic():
        row = _locked(experiment_id)
        if row.state == Experiment.State.ROLLED_OUT and row.winner_id == arm_id:
            return row, None
        arm = row.arms.filter(pk=arm_id).first()
        if arm is None:
            raise _wrong(_("%(name)s has no arm %(arm)s") % {"name": row.name, "arm": arm_id}, field="arm")
        row.winner = arm
        _end(row, Experiment.State.ROLLED_OUT, now=now)
        made = None
        if arm.source_id is not None:
            prepare = kind_named(arm.source_kind).roll_out
            made = prepare(arm.source_id, by, now) if prepare else None
    return row, made


def import_outcomes(  # noqa: PLR0913  a file, and how to read it
    content: bytes,
    *,
    name: str,
    arm: str,
    control: str,
    metrics: Sequence[str],
    by: User | None,
    now: datetime,
    covariate: str = "",
    shares: Sequence[float] = (),
) -> tuple[Experiment, bool]:
    """Take in an experiment that took place elsewhere, from a CSV of a line a customer. The same file read the same way is one.

    The file is not kept: of its arms the moments are, by which every figure can be reckoned again.

    Args:
        content: The file.
        name: What to call it.
        arm: The column that tells the arm.
        control: The arm that the others are compared with.
        metrics: Columns of outcomes; the first decides.
        by: Who of the staff.
        now: When.
        covariate: A column of what customers did before; "" for none.
        shares: Planned shares, the control first, the others by the alphabet; none: all alike.

    Returns:
        The experiment, and whether it is new.

    Raises:
        OutcomesError: The file cannot be read as an experiment.
        InvalidExperimentError: The name is empty, or the shares do not fit the arms.
    """
    if not name.strip():
        raise _wrong(_("an experiment needs a name"), field="name")
    read = read_outcomes(content, arm=arm, control=control, metrics=metrics, covariate=covariate)
    if shares and (len(shares) != len(read.arms) or min(shares) <= 0):
        raise _wrong(
            _("%(many)s shares for %(arms)s arms; tell one above 0 for each: %(names)s")
            % {"many": len(shares), "arms": len(read.arms), "names": ", ".join(read.arms)},
            field="shares",
        )
    told = {
        "arms": moments_as_json(read.arms),
        "metrics": dict(read.metrics),
        "covariate": read.covariate,
        "shares": list(shares) or [1] * len(read.arms),
    }
    row, is_new = Experiment.objects.get_or_create(
        fingerprint=read.fingerprint,
        defaults={
            "name": name.strip()[:100], "varies": Experiment.Varies.OTHER, "metric": metrics[0],
            "salt": f"imported:{read.fingerprint[:40]}", "state": Experiment.State.IMPORTED, "outcomes": told,
            "created_at": now, "created_by": by,
        },
    )  # fmt: skip
    return row, is_new


def arm_of(*, kind: str, source_id: int, customer_ids: Collection[int]) -> set[int] | None:
    """Return which customers something may go to that is an arm of an experiment; None where it is an arm of none.

    Of what goes on by itself (a journey) the arm that was rolled out is open to everybody, and the others are to nobody.

    Args:
        kind: Such as `campaign`.
        source_id: Which.
        customer_ids: Those whom it would go to, some thousand at a time.

    Raises:
        ExperimentStateError: The experiment was not launched, so that nobody is drawn.
    """
    arm = Arm.objects.select_related("experiment").filter(source_kind=kind, source_id=source_id).first()
    if arm is None:
        return None
    if arm.experiment.state == Experiment.State.ROLLED_OUT and kind_named(kind).roll_out is None:
        return None if arm.experiment.winner_id == arm.pk else set()
    if arm.experiment.state == Experiment.State.DRAFT:
        raise ExperimentStateError(
            _("it is an arm of %(name)s, which was not launched yet") % {"name": arm.experiment.name}
        )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT customer_id FROM experiments_assignment
            WHERE experiment_id = %s AND arm_id = %s AND customer_id = ANY(%s::bigint[])
            """,
            [arm.experiment_id, arm.pk, list(customer_ids)],
        )
        return {who for (who,) in cursor.fetchall()}


def _draw(row: Experiment, arms: Sequence[Arm], *, now: datetime) -> int:
    holdout_bp = business().holdout_bp
    shares = {str(one.pk): one.share_bp for one in arms}
    many, after = 0, 0
    members = segments.members(row.segment_id or 0, now=now).order_by("customer_id")
    while ids := list(members.filter(customer_id__gt=after)[:_PORTION]):
        after = ids[-1]
        who = [one for one in ids if not is_held_out_globally(one, holdout_bp=holdout_bp)]
        into = [int(drawn(one, salt=row.salt, shares=shares)) for one in who]
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO experiments_assignment (experiment_id, customer_id, arm_id, at)
                SELECT %s, c.id, told.arm, %s FROM unnest(%s::bigint[], %s::bigint[]) AS told (who, arm)
                    JOIN shop_customer c ON c.id = told.who AND c.merged_into_id IS NULL AND c.erased_at IS NULL
                """,
                [row.pk, now, who, into],
            )
            many += cursor.rowcount
    return many


def _size(experiment_id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM experiments_assignment WHERE experiment_id = %s", [experiment_id]
        )
        return int(cursor.fetchone()[0])


def _end(row: Experiment, state: str, *, now: datetime) -> None:
    if row.state != Experiment.State.RUNNING:
        raise ExperimentStateError(_("%(name)s does not run") % {"name": row.name})
    row.state, row.ended_at = state, now
    row.save(update_fields=["state", "ended_at", "winner"])


def _locked(experiment_id: int) -> Experiment:
    row = Experiment.objects.select_for_update(no_key=True).filter(pk=experiment_id).first()
    if row is None:
        raise NoSuchExperimentError(_("there is no experiment %(id)s") % {"id": experiment_id})
    return row


def _put_arms(row: Experiment, arms: Sequence[ArmTold]) -> None:
    Arm.objects.bulk_create(
        Arm(
            experiment=row, position=position, name=one.name.strip(), share_bp=one.share_bp,
            source_kind=one.source_kind, source_id=one.source_id,
        )
        for position, one in enumerate(arms)
    )  # fmt: skip


def _columns(told: ExperimentTold) -> dict[str, Any]:
    return {
        "name": told.name.strip(),
        "question": told.question.strip(),
        "varies": told.varies,
        "segment_id": told.segment_id,
        "metric": told.metric,
        "days": told.days,
    }


def _check(told: ExperimentTold) -> None:
    if not 1 <= len(told.name.strip()) <= 100:  # noqa: PLR2004  of the column
        raise _wrong(_("an experiment needs a name of at most 100 characters"), field="name")
    if told.varies not in Experiment.Varies.values:
        raise _wrong(
            _("%(value)s is not what differs; choose one of %(choices)s")
            % {"value": repr(told.varies), "choices": ", ".join(Experiment.Varies.values)},
            field="varies",
        )
    if not Segment.objects.filter(pk=told.segment_id, archived_at=None).exists():
        raise _wrong(_("there is no segment %(id)s") % {"id": told.segment_id}, field="segment")
    if len(told.arms) > MOST_ARMS:
        raise _wrong(_("at most %(most)s arms") % {"most": MOST_ARMS}, field="arms")
    try:
        planning.check(shares=[one.share_bp for one in told.arms], metric=told.metric, days=told.days)
    except InvalidPlanError as error:
        raise _wrong(str(error), field=str(error.details.get("field", "arms"))) from error
    names = [one.name.strip() for one in told.arms]
    if len(set(names)) < len(names) or not all(names):
        raise _wrong(_("every arm needs a name of its own"), field="arms")
    _check_sources(told.arms)


def _check_sources(arms: Sequence[ArmTold]) -> None:
    taken = set()
    for one in arms:
        if not one.source_kind:
            continue
        choices = kind_named(one.source_kind).choices
        if choices is None or one.source_id not in {source_id for source_id, _name in choices()}:
            raise _wrong(
                _("arm %(arm)s cannot do %(kind)s %(id)s: there is none that has not begun")
                % {"arm": repr(one.name), "kind": one.source_kind, "id": one.source_id},
                field="arms",
            )
        if (one.source_kind, one.source_id) in taken:
            raise _wrong(_("two arms cannot do the same"), field="arms")
        taken.add((one.source_kind, one.source_id))


def _wrong(text: str, *, field: str) -> InvalidExperimentError:
    return InvalidExperimentError(text, field=field)
