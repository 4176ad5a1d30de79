"""Compute what Regulars understands of every customer, and change how it is computed."""

from collections.abc import Mapping
from datetime import datetime, time
from pathlib import Path
from shutil import rmtree
from typing import Any

import polars as pl
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from regulars.insights import engines, facts, predictions, queries, tastes
from regulars.insights.archive import archive_events
from regulars.insights.backtests import backtest, is_backtest_due, request_backtest
from regulars.insights.computing import SCHEMA, Found, Terms, compute, key_of
from regulars.insights.engines import Engine
from regulars.insights.events import RunFinished
from regulars.insights.lock import RunInProgressError, sole_computation
from regulars.insights.models import Learning, Policy, Run
from regulars.insights.rules import Rules
from regulars.kernel.days import day_of_instant, zone_named
from regulars.kernel.progress import Progress, no_progress
from regulars.outbox.operations import publish
from regulars.runtime.memory import available_bytes
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
_FRESH = Path(".fresh")
_WHOLE_BP = 10_000
_LABELS = ("tier", "stage", "cell")
_COLUMNS = ", ".join(SCHEMA)
_VALUES = [column for column in SCHEMA if column != "customer_id"]


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
    engine: Engine | None = None,
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
        engine: What computes; all give the same rows. None takes Polars, or DuckDB where the facts do not fit in memory.
        forecasts: False computes the labels (tier, stage, cell, cycle) alone, in seconds: what was forecast of customers,
            and said of their wants, stays as it was until the next run.
        now: When the run starts.
        facts_folder: Where the facts lie; None means the home folder's.
        progress: Told of each stage: facts, files, labels, profiles, files.

    Raises:
        UnknownEngineError: `engine` is not one of `ENGINES`.
        EngineMissingError: It is not installed.
        NotEnoughMemoryError: The engine is Polars, and the facts are too large for the memory that is left.
        InvalidPolicyError: The stored policy cannot be read.
        RunInProgressError: Another process computes insights now.
        InsideTransactionError: The connection is in a transaction.
    """
    if engine is not None:
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
        margin = business.margin_bp / _WHOLE_BP
        started = Run.objects.create(
            as_of_day=as_of_day
            if as_of_day is not None
            else day_of(policy=policy, business=business, now=now),
            engine=engine or "polars",
            currency=business.currency,
            started_at=now,
        )
        try:
            _enter(started, "facts")
            facts.export(facts_folder=facts_folder, progress=progress)
            if archive_events(now=now, facts_folder=facts_folder):
                facts.export(facts_folder=facts_folder, progress=progress)
            left = available_bytes()
            chosen = engine or engines.fitting(facts_folder=facts_folder, available=left)
            engines.demand_memory(engine=chosen, facts_folder=facts_folder, available=left)
            Run.objects.filter(pk=started.pk).update(engine=chosen)
            _enter(started, "labels")
            progress("labels", 0, None)
            found = compute(
                engine=chosen,
                rules=read_policy(policy),
                forecasts=forecasts,
                terms=Terms(
                    key=key_of(started, margin=margin),
                    as_of_day=started.as_of_day,
                    margin=margin,
                    trusted_rules=queries.trusted_rules(),
                ),
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
        facts.keep(histories_folder=found.histories, usual=found.usual, facts_folder=facts_folder)
        facts.write_profiles(
            found.profiles,
            as_of_day=started.as_of_day,
            facts_folder=facts_folder,
            # After labels alone nobody knows of whom forecasts have become out of date.
            key=found.terms.key if forecasts else "",
        )
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


def _terms(found: Found, learning: Learning | None, before: Run | None) -> dict[str, Any]:
    """Return what a page must know to tell what forecasts mean, and by which rules what stands was made."""
    rules = dict(found.terms.trusted_rules)
    if found.learning is None:
        # Labels are new, forecasts are those of the run before.
        former = {} if before is None else before.thresholds.get("rules", {})
        rules = {model: rule for model, rule in former.items() if model != "cycles"}
        rules |= {model: rule for model, rule in found.terms.trusted_rules.items() if model == "cycles"}
    learnt = predictions.trusted(learning.content if learning else predictions.NOTHING_LEARNT, rules=rules)
    return predictions.terms(learnt) | {"rules": rules}


def _store(started: Run, found: Found, *, progress: Progress) -> None:
    """Write what changed, in one transaction, from the files of profiles, some rows at a time."""
    total = found.summary["customers"]
    with transaction.atomic():
        if found.learning is not None and found.is_learnt_now:
            found.learning.save()
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE insights_fresh (LIKE insights_profile) ON COMMIT DROP")
            with cursor.copy(f"COPY insights_fresh ({_COLUMNS}) FROM STDIN (FORMAT csv)") as copy:
                rows = facts.scan_folder(found.changed)
                count = rows.select(pl.len()).collect().item()
                for done in range(0, count, _COPIED_AT_ONCE):
                    progress("profiles", done, count)
                    some = rows.slice(done, _COPIED_AT_ONCE).collect()
                    # Quoted, so that an empty text is not taken for null.
                    copy.write(some.write_csv(include_header=False, quote_style="non_numeric"))
            cursor.execute("ANALYZE insights_fresh")
            # A table that was empty when it was last looked at would be read through for every row.
            cursor.execute("SET LOCAL enable_nestloop = off")
            before = queries.latest_run()
            cursor.execute(_MOVES, {"run": started.pk, "as_of_day": started.as_of_day})
            cursor.execute(_UPDATE)
            written = cursor.rowcount
            cursor.execute(_INSERT)
            written += cursor.rowcount
            cursor.execute("SET LOCAL enable_nestloop = on")
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
