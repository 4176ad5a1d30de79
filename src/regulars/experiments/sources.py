"""What this room itself can read: its experiments, and the global hold-out."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from regulars.experiments.models import Arm, Experiment
from regulars.experiments.registry import Assigned, Kind, Listed, kind_named, register_kind
from regulars.kernel.buckets import BUCKETS, GLOBAL_SALT
from regulars.messaging.models import Send
from regulars.shop.queries import business

EXPERIMENT, GLOBAL = "experiment", "global"
QUARTERS = 4
"""What all advertising brought is told of so many quarters."""


def register_own() -> None:
    """Register experiments and the global hold-out."""
    register_kind(
        Kind(
            kind=EXPERIMENT,
            label=gettext_lazy("Experiment"),
            listed=_experiments,
            assigned=_of_experiment,
        )
    )
    register_kind(
        Kind(
            kind=GLOBAL,
            label=gettext_lazy("All advertising"),
            listed=_everything,
            assigned=_of_everything,
        )
    )


def _experiments() -> Sequence[Listed]:
    rows = Experiment.objects.filter(started_at__isnull=False)
    return [
        Listed(id=one.pk, name=one.name, since=one.started_at, ends_at=end_of(one))
        for one in rows
        if one.started_at is not None
    ]


def end_of(experiment: Experiment) -> datetime | None:
    """Return when nothing counts any more: when it was ended, else when its days are over; None of a draft or an imported one."""
    if experiment.started_at is None:
        return None
    planned = experiment.started_at + timedelta(days=experiment.days)
    return min(planned, experiment.ended_at) if experiment.ended_at else planned


def _of_experiment(experiment_id: int, now: datetime) -> Assigned | None:
    experiment = Experiment.objects.filter(pk=experiment_id).first()
    if experiment is None or experiment.started_at is None or experiment.started_at >= now:
        return None
    arms = list(experiment.arms.all())
    exposures, told = _exposures(arms)
    return Assigned(
        statement="""
            SELECT s.customer_id, s.arm_id::text AS arm, %(a_since)s AS drawn, %(a_since)s AS at, %(a_until)s AS until
            FROM experiments_assignment s WHERE s.experiment_id = %(a_experiment)s
        """,
        parameters={
            "a_experiment": experiment.pk,
            "a_since": experiment.started_at,
            "a_until": end_of(experiment),
            **told,
        },
        labels={str(one.pk): one.name for one in arms},
        shares={str(one.pk): one.share_bp for one in arms},
        since=experiment.started_at,
        ends_at=experiment.started_at + timedelta(days=experiment.days),
        stopped_at=experiment.ended_at,
        exposures=exposures,
    )


def _exposures(arms: Sequence[Arm]) -> tuple[str, dict[str, object]]:
    """Return what reached the customers of arms that do something, as their kinds tell it, each under names of its own."""
    parts, parameters = [], {}
    for one in arms:
        if one.source_id is None:
            continue
        tell = kind_named(one.source_kind).exposures
        told = tell(one.source_id) if tell else None
        if told is None:
            continue
        statement, values = told
        for name, value in values.items():
            statement = statement.replace(f"%({name})s", f"%({name}_{one.pk})s")
            parameters[f"{name}_{one.pk}"] = value
        parts.append(statement)
    return " UNION ALL ".join(parts), parameters


def quarter_of(instant: datetime) -> int:
    """Return the calendar quarter of an instant (UTC) as a number such as 20264."""
    at = instant.astimezone(UTC)
    return at.year * 10 + (at.month - 1) // 3 + 1


def _quarter(number: int) -> tuple[datetime, datetime]:
    year, quarter = divmod(number, 10)
    after = (year + 1, 1) if quarter == 4 else (year, 3 * quarter + 1)  # noqa: PLR2004  the last of a year
    return datetime(year, 3 * quarter - 2, 1, tzinfo=UTC), datetime(*after, 1, tzinfo=UTC)


def _everything() -> Sequence[Listed]:
    merchant = business()
    if not merchant.holdout_bp:
        return []
    quarter = quarter_of(timezone.now())
    rows: list[Listed] = []
    while len(rows) < QUARTERS:
        since, ends_at = _quarter(quarter)
        if merchant.holdout_since is not None and ends_at <= merchant.holdout_since:
            break
        year, number = divmod(quarter, 10)
        name = _("All advertising, quarter %(number)s of %(year)s") % {"number": number, "year": year}
        rows.append(
            Listed(id=quarter, name=name, since=max(since, merchant.holdout_since or since), ends_at=ends_at)
        )
        quarter = quarter - 1 if number > 1 else (year - 1) * 10 + 4
    return rows


def _of_everything(quarter: int, now: datetime) -> Assigned | None:
    """Return everybody who had bought before a quarter, or before the hold-out was last changed in it.

    A quarter is read as one experiment, so that a figure that is looked at for years does not find an effect by chance at last.
    """
    merchant = business()
    if not merchant.holdout_bp or not 1 <= quarter % 10 <= 4:  # noqa: PLR2004  quarters
        return None
    since, ends_at = _quarter(quarter)
    since = max(since, merchant.holdout_since or since)
    if since >= min(now, ends_at):
        return None
    return Assigned(
        statement=f"""
            SELECT c.id AS customer_id,
                CASE WHEN {bucket_sql("%(a_salt)s || ':' || c.id")} < %(a_held)s THEN 'holdout' ELSE 'treated' END AS arm,
                %(a_drawn)s AS drawn, %(a_since)s AS at, %(a_until)s AS until
            FROM shop_customer c
            WHERE c.merged_into_id IS NULL AND c.erased_at IS NULL
                AND EXISTS (SELECT FROM shop_order o WHERE o.customer_id = c.id AND o.is_valid AND o.placed_at < %(a_since)s)
        """,  # noqa: S608  an expression of this room
        parameters={
            "a_salt": GLOBAL_SALT,
            "a_held": merchant.holdout_bp,
            "a_drawn": min(since, _first_held(merchant.holdout_since) or since),
            "a_since": since,
            "a_until": ends_at,
        },
        labels={"holdout": _("Hold-out"), "treated": _("Everybody else")},
        shares={"holdout": merchant.holdout_bp, "treated": BUCKETS - merchant.holdout_bp},
        since=since,
        ends_at=ends_at,
    )


def _first_held(holdout_since: datetime | None) -> datetime | None:
    """Return since when the hold-out can have made a difference: what was spent after that says something of the side."""
    if holdout_since is not None:
        return holdout_since
    return Send.objects.order_by("pk").values_list("created_at", flat=True).first()


def bucket_sql(text: str) -> str:
    """Return an expression for the database that gives the bucket of a text `salt:customer`, as `kernel.buckets.bucket` does.

    Args:
        text: An expression for the text.
    """
    digest = f"encode(sha256(convert_to({text}, 'UTF8')), 'hex')"
    # The digest is a number of eight words of 32 bits; each counts by what is left of its place value.
    words = " + ".join(
        f"('x' || substr(h, {8 * place + 1}, 8))::bit(32)::bigint * {pow(2, 32 * (7 - place), BUCKETS)}"
        for place in range(8)
    )
    return f"(SELECT ({words}) %% {BUCKETS} FROM (SELECT {digest} AS h OFFSET 0) digested)"  # noqa: S608  of numbers
