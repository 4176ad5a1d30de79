"""Compute what Regulars understands of every customer, and change how it is computed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from shutil import rmtree
from typing import Any, cast

import polars as pl
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from regulars.analytics import affinity, cycles
from regulars.analytics.backtest import ModelName
from regulars.insights import engines, facts, labels, predictions, queries, summaries, tastes
from regulars.insights.archive import archive_events
from regulars.insights.backtests import backtest, is_backtest_due, request_backtest
from regulars.insights.engines import Engine, Table
from regulars.insights.events import RunFinished
from regulars.insights.labels import Labels
from regulars.insights.lock import RunInProgressError, sole_computation
from regulars.insights.models import Learning, Policy, Run
from regulars.insights.rules import Rules
from regulars.kernel.days import day_of_instant, zone_named
from regulars.kernel.progress import Progress, no_progress
from regulars.outbox.operations import publish
from regulars.shop import queries as shop
from regulars.shop.models import Business

__all__ = [
    "backtest",
    "change_policy",
    "current_policy",
    "day_of",
    "export_facts",
    "fix_day",
    "is_backtest_due",
    "is_nightly_run_due",
    "read_policy",
    "request_backtest",
    "run",
    "today",
]

_NIGHTLY_AT = time(3)
_COPIED_AT_ONCE = 100_000
_SCORED_AT_ONCE = 500_000
_FRESH = Path(".fresh")
_WHOLE_BP = 10_000
_LABELS = ("tier", "stage", "cell")
_NAMES = (*labels.COLUMNS, *predictions.COLUMNS)
_COLUMNS = ", ".join(_NAMES)
_VALUES = [column for column in _NAMES if column != "customer_id"]


def export_facts(*, facts_folder: Path | None = None, progress: Progress = no_progress) -> int:
    """Bring the Parquet facts up to date with the record; return how many files were written or removed.

    Args:
        facts_folder: Where to; None means the home folder's.
        progress: Told of every file.

    Raises:
        RunInProgressError: Another process computes insights now.
        InsideTransactionError: The connection is in a transaction.
    """
    with sole_computation():
        return facts.export(facts_folder=facts_folder or settings.HOME.facts, progress=progress)


def run(  # noqa: PLR0913  what a run depends on
    *,
    as_of_day: int | None = None,
    engine: Engine = "polars",
    forecasts: bool = True,
    now: datetime,
    facts_folder: Path | None = None,
    progress: Progress = no_progress,
) -> Run:
    """Compute every profile as of a day, write those that changed, and note who moved from which label to which.

    Facts are brought up to date first. Profiles, moves, the run's summary and the event `RunFinished` commit together, so
    after a crash at any moment the former profiles stand, and the next run does everything that this one did not. A
    second run for the same day over the same record writes no profile.

    Args:
        as_of_day: The day to look back from; orders after it are left out. None means the policy's, and that null
            means today in the merchant's zone.
        engine: What computes; all give the same rows.
        forecasts: False computes the labels (tier, stage, cell, cycle) alone, in seconds: what was forecast of customers,
            and said of their wants, stays as it was until the next run.
        now: When the run starts.
        facts_folder: Where the facts lie; None means the home folder's.
        progress: Told of each stage: facts, files, labels, profiles, files.

    Raises:
        UnknownEngineError: `engine` is not one of `ENGINES`.
        EngineMissingError: It is not installed.
        InvalidPolicyError: The stored policy cannot be read.
        RunInProgressError: Another process computes insights now.
        InsideTransactionError: The connection is in a transaction.
    """
    engines.demand(engine)
    facts_folder = facts_folder or settings.HOME.facts
    fresh = facts_folder / _FRESH
    with sole_computation():
        # Whoever holds the lock is the only one who runs: these were left by processes that died.
        Run.objects.filter(state=Run.State.RUNNING).update(
            state=Run.State.FAILED, error="the process ended before the run did", finished_at=Now()
        )
        business = shop.business()
        policy = current_policy()
        started = Run.objects.create(
            as_of_day=as_of_day
            if as_of_day is not None
            else day_of(policy=policy, business=business, now=now),
            engine=engine,
            currency=business.currency,
            started_at=now,
        )
        try:
            _enter(started, "facts")
            facts.export(facts_folder=facts_folder, progress=progress)
            if archive_events(now=now, facts_folder=facts_folder):
                facts.export(facts_folder=facts_folder, progress=progress)
            _enter(started, "labels")
            progress("labels", 0, None)
            found = _compute(
                as_of_day=started.as_of_day,
                engine=engine,
                rules=read_policy(policy),
                forecasts=forecasts,
                margin=business.margin_bp / _WHOLE_BP,
                trusted_rules=queries.trusted_rules(),
                facts_folder=facts_folder,
                fresh=fresh,
            )
            _enter(started, "profiles")
            _store(started, found, progress=progress)
        except Exception as error:
            Run.objects.filter(pk=started.pk).update(
                state=Run.State.FAILED, error=str(error), finished_at=Now()
            )
            raise
        progress("files", 0, 1)
        facts.write_profiles(found.profiles, as_of_day=started.as_of_day, facts_folder=facts_folder)
        rmtree(fresh)
    started.refresh_from_db()
    return started


def current_policy() -> Policy:
    """Return how customers are labelled, or the defaults before anybody has changed them."""
    return Policy.objects.filter(pk=1).first() or Policy()


def read_policy(policy: Policy) -> Rules:
    """Return a policy's rules.

    Raises:
        InvalidPolicyError: It holds something that has no meaning.
    """
    return Rules.read(rfm=policy.rfm, tiers=policy.tiers, stages=policy.stages)


def day_of(*, policy: Policy, business: Business, now: datetime) -> int:
    """Return the day to look back from: the policy's, or today in the merchant's zone."""
    if policy.as_of_day is not None:
        return policy.as_of_day
    return day_of_instant(now, zone_named(business.time_zone))


def today(*, now: datetime) -> int:
    """Return the day that a run beginning now would look back from."""
    business = shop.business()
    return day_of(policy=current_policy(), business=business, now=now)


@transaction.atomic
def change_policy(
    *,
    rfm: Mapping[str, Any] | None = None,
    tiers: Mapping[str, Any] | None = None,
    stages: Mapping[str, Any] | None = None,
) -> Policy:
    """Change how customers are labelled, from the next run on. What is None stays as it is.

    Every change is kept in the policy's history, with who made it.

    Args:
        rfm: Fields of `rules.RfmRules`; those left out get their defaults.
        tiers: Fields of `analytics.tiers.Thresholds`, likewise.
        stages: Fields of `rules.StageRules`, likewise.

    Raises:
        InvalidPolicyError: A field does not exist or has a value without meaning; nothing is changed.
    """
    policy = Policy.objects.select_for_update().filter(pk=1).first() or Policy()
    for name, given in (("rfm", rfm), ("tiers", tiers), ("stages", stages)):
        if given is not None:
            setattr(policy, name, dict(given))
    read_policy(policy)
    policy.save()
    return policy


@transaction.atomic
def fix_day(*, as_of_day: int | None) -> Policy:
    """Look back from this day in every run from now on; None means from today, whenever that is."""
    policy = Policy.objects.select_for_update().filter(pk=1).first() or Policy()
    policy.as_of_day = as_of_day
    policy.save()
    return policy


def settle_interrupted() -> int:
    """Mark the runs as failed whose process ended before they did; return how many. Nothing of them was kept."""
    left = Run.objects.filter(state=Run.State.RUNNING)
    if not left.exists():
        return 0
    try:
        with sole_computation():
            # Whoever holds the lock is the only one who runs.
            return left.update(
                state=Run.State.FAILED, error="the process ended before the run did", finished_at=Now()
            )
    except RunInProgressError:
        return 0


def is_nightly_run_due(*, now: datetime) -> bool:
    """Return whether it is past three in the morning at the merchant's and no run began since.

    Where the day is fixed nothing changes overnight, so that none is due.
    """
    business = shop.business()
    if current_policy().as_of_day is not None:
        return False
    local = now.astimezone(zone_named(business.time_zone))
    begins = local.replace(hour=_NIGHTLY_AT.hour, minute=0, second=0, microsecond=0)
    return local >= begins and not Run.objects.filter(started_at__gte=begins).exists()


def _enter(started: Run, stage: str) -> None:
    Run.objects.filter(pk=started.pk).update(stage=stage)


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What a run computed: `profiles` is a folder of Parquet files, a row a customer with `_NAMES`.

    Without forecasts `learning` and `tastes` are None, and the forecasts in `profiles` null.
    """

    profiles: Path
    labels: Labels
    learning: Learning | None
    is_learnt_now: bool
    trusted_rules: dict[ModelName, str]
    tastes: tastes.Tastes | None
    summary: dict[str, Any]


def _compute(  # noqa: PLR0913  what a run knows
    *,
    as_of_day: int,
    engine: Engine,
    rules: Rules,
    forecasts: bool,
    margin: float,
    trusted_rules: dict[ModelName, str],
    facts_folder: Path,
    fresh: Path,
) -> _Found:
    """Compute everything; what has a row a customer is written into the folder `fresh` by the engine."""
    rmtree(fresh, ignore_errors=True)
    with engines.reader(engine=engine, facts_folder=facts_folder) as read:
        orders, customers = read(facts.ORDERS), read(facts.CUSTOMERS)
        found = labels.compute(
            orders=orders,
            customers=customers,
            as_of_day=as_of_day,
            rules=rules,
            cycle_rule=cast("cycles.Rule | None", trusted_rules.get("cycles")),
        )
        lines = read(facts.LINES)
        events = read(facts.EVENTS) if facts.has_rows(facts.EVENTS, facts_folder=facts_folder) else None
        learning, is_learnt_now = None, False
        if forecasts:
            learning, is_learnt_now = _learning(
                found, orders=orders, lines=lines, events=events, as_of_day=as_of_day
            )
        learnt = predictions.trusted(
            predictions.NOTHING_LEARNT if learning is None else learning.content, rules=trusted_rules
        )
        histories = predictions.histories(orders, events=events, learnt=learnt, as_of_day=as_of_day)
        engines.write(found.profiles, fresh / "labels")
        engines.write(histories, fresh / "histories")
        wants = None
        if learning is not None:
            wants = tastes.compute(
                lines=lines,
                products=read(facts.PRODUCTS),
                known=tastes.known_marks(),
                as_of_day=as_of_day,
                weights=affinity.Weights(**learning.content["basket"]),
                rule=cast("affinity.Rule | None", trusted_rules.get("next_basket")),
                relate=is_learnt_now,
            )
        summary = summaries.summarise(
            found, orders=orders, customers=customers, as_of_day=as_of_day, rules=rules
        )
    _predict(
        fresh,
        learnt=learnt,
        as_of_day=as_of_day,
        cycle_days=found.store_cycle["cycle_days"],
        margin=margin,
    )
    return _Found(
        profiles=fresh / "profiles",
        labels=found,
        learning=learning,
        is_learnt_now=is_learnt_now,
        trusted_rules=trusted_rules,
        tastes=wants,
        summary=summary,
    )


def _predict(
    fresh: Path, *, learnt: Mapping[str, Any], as_of_day: int, cycle_days: int, margin: float
) -> None:
    """Write the profiles: labels and what is predicted from histories, some customers at a time."""
    (fresh / "profiles").mkdir()
    labelled, histories = facts.scan_folder(fresh / "labels"), facts.scan_folder(fresh / "histories")
    total = labelled.select(pl.len()).collect().item()
    # One file at least, so that nobody's profiles have columns too.
    for number, done in enumerate(range(0, max(total, 1), _SCORED_AT_ONCE)):
        some = labelled.slice(done, _SCORED_AT_ONCE).collect()
        theirs = histories.filter(
            pl.col("customer_id").is_between(some["customer_id"].min(), some["customer_id"].max())
        )
        predictions.predict(
            some,
            histories=theirs.collect(),
            learnt=learnt,
            as_of_day=as_of_day,
            cycle_days=cycle_days,
            margin=margin,
        ).select(_NAMES).write_parquet(fresh / "profiles" / f"part-{number:06}.parquet")


def _learning(
    found: Labels, *, orders: Table, lines: Table, events: Table | None, as_of_day: int
) -> tuple[Learning, bool]:
    """Return what is known of the shop as a whole: kept from an earlier run, or learnt now (True) and not stored yet."""
    buyers = summaries.buyers(found)
    kept = Learning.objects.filter(as_of_day__lte=as_of_day).first()
    if kept is not None and predictions.is_current(
        kept.content, learnt_as_of_day=kept.as_of_day, as_of_day=as_of_day, buyers=buyers
    ):
        return kept, False
    content = predictions.learn(
        orders, events=events, as_of_day=as_of_day, store=found.measured, buyers=buyers
    )
    content["basket"] = tastes.learn(lines, as_of_day=as_of_day)
    return Learning(as_of_day=as_of_day, content=content), True


def _terms(found: _Found, learning: Learning | None, before: Run | None) -> dict[str, Any]:
    """Return what a page must know to tell what forecasts mean, and by which rules what stands was made."""
    rules = dict(found.trusted_rules)
    if found.learning is None:
        # Labels are new, forecasts are those of the run before.
        former = {} if before is None else before.thresholds.get("rules", {})
        rules = {model: rule for model, rule in former.items() if model != "cycles"}
        rules |= {model: rule for model, rule in found.trusted_rules.items() if model == "cycles"}
    learnt = predictions.trusted(learning.content if learning else predictions.NOTHING_LEARNT, rules=rules)
    return predictions.terms(learnt) | {"rules": rules}


def _store(started: Run, found: _Found, *, progress: Progress) -> None:
    """Write what changed, in one transaction, from the files of profiles, some rows at a time."""
    total = found.summary["customers"]
    with transaction.atomic():
        if found.learning is not None and found.is_learnt_now:
            found.learning.save()
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE insights_fresh (LIKE insights_profile) ON COMMIT DROP")
            with cursor.copy(f"COPY insights_fresh ({_COLUMNS}) FROM STDIN (FORMAT csv)") as copy:
                profiles = facts.scan_folder(found.profiles)
                for done in range(0, total, _COPIED_AT_ONCE):
                    progress("profiles", done, total)
                    rows = profiles.slice(done, _COPIED_AT_ONCE).collect()
                    # Quoted, so that an empty text is not taken for null.
                    copy.write(rows.write_csv(include_header=False, quote_style="non_numeric"))
            cursor.execute("ANALYZE insights_fresh")
            before = queries.latest_run()
            # A rule in the place of the model, or the model again, is told of everybody at once.
            same_rules = before is not None and before.thresholds.get("rules", {}) == found.trusted_rules
            if found.learning is None:
                cursor.execute(_KEEP_FORECASTS)
            elif same_rules and not found.is_learnt_now:
                cursor.execute(_KEEP_ALERTS)
            cursor.execute(_MOVES, {"run": started.pk, "as_of_day": started.as_of_day})
            cursor.execute(_UPDATE)
            written = cursor.rowcount
            cursor.execute(_INSERT)
            written += cursor.rowcount
        if found.tastes is not None:
            tastes.store(found.tastes)
        progress("profiles", total, total)
        learning = found.learning or Learning.objects.filter(as_of_day__lte=started.as_of_day).first()
        Run.objects.filter(pk=started.pk).update(
            state=Run.State.DONE,
            stage="",
            finished_at=Now(),
            profiles=total,
            profiles_written=written,
            store_cycle=found.labels.store_cycle,
            thresholds=found.labels.thresholds | _terms(found, learning, before),
            learning=learning,
            summary=found.summary,
        )
        publish(RunFinished(run_id=started.pk))


_KEEP_FORECASTS = f"""
    UPDATE insights_fresh f SET ({", ".join(predictions.COLUMNS)}) =
        ROW({", ".join(f"p.{name}" for name in predictions.COLUMNS)})
    FROM insights_profile p WHERE p.customer_id = f.customer_id
"""  # noqa: S608  the columns are literals
# A churn alert, like the other forecasts, stands until the customer's next step; reasons tell numbers that grow daily.
_KEEP_ALERTS = """
    UPDATE insights_fresh f SET churn_probability = p.churn_probability, churn_reasons = p.churn_reasons
    FROM insights_profile p
    WHERE p.customer_id = f.customer_id
      AND (p.scored_day, p.last_day, p.orders, p.monetary_minor) = (f.scored_day, f.last_day, f.orders, f.monetary_minor)
      AND (p.churn_probability, p.churn_reasons) IS DISTINCT FROM (f.churn_probability, f.churn_reasons)
"""
# A customer's first profile is no move. `ON CONFLICT DO UPDATE` would lock, and so write, every row it leaves alone.
_MOVES = " UNION ALL ".join(
    f"""
    SELECT %(run)s, f.customer_id, '{label}', p.{label}, f.{label}, %(as_of_day)s
    FROM insights_fresh f JOIN insights_profile p USING (customer_id) WHERE p.{label} <> f.{label}
    """  # noqa: S608  the labels are literals of this file
    for label in _LABELS
)
_MOVES = f"INSERT INTO insights_profilechange (run_id, customer_id, label, before, after, as_of_day) {_MOVES}"
_UPDATE = f"""
    UPDATE insights_profile p SET ({", ".join(_VALUES)}) = ROW({", ".join(f"f.{name}" for name in _VALUES)})
    FROM insights_fresh f
    WHERE p.customer_id = f.customer_id
      AND ({", ".join(f"p.{name}" for name in _VALUES)}) IS DISTINCT FROM ({", ".join(f"f.{name}" for name in _VALUES)})
"""  # noqa: S608  the columns are literals
# Customers may have been erased since the facts were read.
_INSERT = f"""
    INSERT INTO insights_profile ({_COLUMNS})
    SELECT {_COLUMNS} FROM insights_fresh f
    WHERE NOT EXISTS (SELECT FROM insights_profile p WHERE p.customer_id = f.customer_id)
      AND EXISTS (SELECT FROM shop_customer c WHERE c.id = f.customer_id)
"""  # noqa: S608  the columns are literals
