"""What a run works out: only what the day or the data changed, and to the row what it would be if all were worked out anew.

Three things stand from one run to the next, each with a number that tells whether it still does: customers' histories (by the
mark of their orders), their forecasts (until the history, the shop's terms or the customer's step change), and what is
said of their purchases (by the mark of their lines). See docs/decisions/028.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any, cast

import narwhals as nw
import polars as pl

from regulars.analytics import affinity, cycles, histories
from regulars.analytics.backtest import ModelName
from regulars.analytics.in_memory import beside
from regulars.insights import engines, facts, labels, predictions, summaries, tastes
from regulars.insights.copying import copied_out
from regulars.insights.engines import Engine, Table
from regulars.insights.labels import Labels
from regulars.insights.models import Learning, Profile, Run
from regulars.insights.rules import Rules

SCHEMA = labels.SCHEMA | predictions.SCHEMA
"""The columns of a profile, in the order in which they are written to the database."""

_AT_ONCE = 500_000
_ALERT = ("churn_probability", "churn_reasons")
_SAME_ALERT = ("scored_day", "last_day", "orders", "monetary_minor")
_SAME_STEP = ("customer_id", "last_day", "cycle_days", "scored_day")


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What everybody's forecasts rest on beside their own history.

    Attributes:
        key: Tells this run from every other.
        as_of_day: The day of the run.
        margin: Share of the net amount that is contribution margin, 0 to 1.
        trusted_rules: Model to rule, where the rule takes its place.
    """

    key: str
    as_of_day: int
    margin: float
    trusted_rules: dict[ModelName, str]


@dataclass(frozen=True, kw_only=True)
class Before:
    """The profiles as the database holds them.

    Attributes:
        run: The run that they are of; None before the first.
        profiles: A row a customer, `SCHEMA`.
        is_kept: Whether they lay beside the facts with the histories of the same run, so that what changed since is known.
    """

    run: Run | None
    profiles: pl.LazyFrame
    is_kept: bool


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a run computed: `profiles` and `changed` are folders of Parquet files, a row a customer with `SCHEMA`.

    `changed` holds the rows that are not what the database has. Without forecasts `learning` and `tastes` are None, and
    forecasts those of the run before.
    """

    profiles: Path
    changed: Path
    histories: Path
    usual: Path
    labels: Labels
    learning: Learning | None
    is_learnt_now: bool
    terms: Terms
    tastes: tastes.Tastes | None
    summary: dict[str, Any]


def key_of(run: Run, *, margin: float) -> str:
    """Return what tells one run's profiles from another's, also of one that a restored database counts again."""
    return json.dumps([run.pk, run.started_at.isoformat(), margin])


def compute(  # noqa: PLR0913  what a run knows
    *, engine: Engine, rules: Rules, forecasts: bool, terms: Terms, facts_folder: Path, fresh: Path
) -> Found:
    """Compute everything; what has a row a customer is written into the folder `fresh` by the engine.

    Args:
        engine: What computes.
        rules: The policy.
        forecasts: Whether also to forecast.
        terms: See there.
        facts_folder: Where the facts lie.
        fresh: A folder to write to; replaced.
    """
    rmtree(fresh, ignore_errors=True)
    before = _before(fresh, margin=terms.margin, facts_folder=facts_folder)
    day = terms.as_of_day
    with engines.reader(engine=engine, facts_folder=facts_folder) as read:
        orders, customers = read(facts.ORDERS), read(facts.CUSTOMERS)
        lines, products = read(facts.LINES), read(facts.PRODUCTS)
        events = read(facts.EVENTS) if facts.has_rows(facts.EVENTS, facts_folder=facts_folder) else None
        past = engines.kept(histories.renewed(orders, read(facts.HISTORIES), as_of_day=day))
        engines.write(past, fresh / "histories")
        buyers = facts.scan_folder(fresh / "histories").select(pl.len()).collect().item()
        learning, is_learnt_now = _learning(
            orders=orders,
            lines=lines,
            products=products,
            events=events,
            buyers=buyers,
            as_of_day=day,
            key=terms.key,
            anew=forecasts,
        )
        found = labels.compute(
            orders=orders,
            customers=customers,
            as_of_day=day,
            rules=rules,
            past=past,
            store=labels.read_store(learning.content["store"])
            if learning and "store" in learning.content
            else None,
            cycle_rule=cast("cycles.Rule | None", terms.trusted_rules.get("cycles")),
        )
        engines.write(found.profiles, fresh / "labels")
        if not forecasts:
            learning = None
        learnt = predictions.trusted(
            predictions.NOTHING_LEARNT if learning is None else learning.content, rules=terms.trusted_rules
        )
        same_terms = not is_learnt_now and _are_same(before, found, learning, terms)
        asked = None
        if learnt["buyers"]:
            asked = _asked(
                fresh,
                before if same_terms else None,
                as_of_day=day,
                cycle_days=found.store_cycle["cycle_days"],
                facts_folder=facts_folder,
            )
            theirs = orders if not same_terms else _of(orders, asked)
            engines.write(
                predictions.observe(theirs, events=events, learnt=learnt, as_of_day=day), fresh / "observed"
            )
            lately = predictions.lately(orders, learnt=learnt, as_of_day=day)
            if lately is not None:
                engines.write(lately, fresh / "lately")
        wants = None
        if learning is not None:
            wants = tastes.compute(
                lines=lines,
                products=products,
                known=tastes.known_marks(),
                usual=_usual(
                    learning, lines=lines, products=products, fresh=fresh, facts_folder=facts_folder
                ),
                as_of_day=day,
                weights=affinity.Weights(**learning.content["basket"]),
                rule=cast("affinity.Rule | None", terms.trusted_rules.get("next_basket")),
                relate=is_learnt_now,
                fresh=fresh,
            )
        summary = summaries.summarise(
            found, orders=orders, past=past, customers=customers, as_of_day=day, rules=rules
        )
    keeps_alerts = not is_learnt_now and _has_same_rules(before, terms)
    _write_profiles(
        fresh,
        before=before,
        asked=asked,
        learnt=learnt,
        terms=terms,
        keeps_alerts=keeps_alerts,
        keeps_forecasts=not forecasts,
    )
    return Found(
        profiles=fresh / "profiles",
        changed=fresh / "changed",
        histories=fresh / "histories",
        usual=fresh / "usual.parquet",
        labels=found,
        learning=learning,
        is_learnt_now=is_learnt_now,
        terms=terms,
        tastes=wants,
        summary=summary,
    )


def _before(fresh: Path, *, margin: float, facts_folder: Path) -> Before:
    """Return what the database holds: from the file that its run left, or else from the database itself."""
    fresh.mkdir(parents=True)
    run = Run.objects.filter(state=Run.State.DONE).order_by("-id").first()
    if run is not None:
        kept = facts.kept_profiles(
            facts_folder=facts_folder, key=key_of(run, margin=margin), rows=Profile.objects.count()
        )
        if kept is not None and facts.has_rows(facts.HISTORIES, facts_folder=facts_folder):
            return Before(run=run, profiles=kept.select(list(SCHEMA)), is_kept=True)
    file = fresh / "before.parquet"
    columns = ", ".join(SCHEMA)
    held = copied_out(f"SELECT {columns} FROM insights_profile ORDER BY customer_id", SCHEMA)  # noqa: S608  literals
    held.with_columns(pl.col("churn_reasons").replace("", None)).write_parquet(file)
    return Before(run=run, profiles=pl.scan_parquet(file), is_kept=False)


def _learning(  # noqa: PLR0913  what is learnt from
    *,
    orders: Table,
    lines: Table,
    products: Table,
    events: Table | None,
    buyers: int,
    as_of_day: int,
    key: str,
    anew: bool,
) -> tuple[Learning | None, bool]:
    """Return what is known of the shop as a whole: kept from an earlier run, or learnt now (True) and not stored yet.

    Without `anew` None, where nothing that still serves is kept.
    """
    kept = Learning.objects.filter(as_of_day__lte=as_of_day).first()
    if kept is not None and predictions.is_current(
        kept.content, learnt_as_of_day=kept.as_of_day, as_of_day=as_of_day, buyers=buyers
    ):
        return kept, False
    if not anew:
        return None, False
    content = predictions.learn(
        orders,
        lines=lines,
        products=products,
        events=events,
        as_of_day=as_of_day,
        store=labels.measure(orders, as_of_day=as_of_day),
        buyers=buyers,
    )
    content["basket"] = tastes.learn(lines, as_of_day=as_of_day)
    content["key"] = key
    return Learning(as_of_day=as_of_day, content=content), True


def _usual(
    learning: Learning, *, lines: Table, products: Table, fresh: Path, facts_folder: Path
) -> tastes.Usual:
    """Return what was usual on the day of the learning: as it was kept, or else worked out for that day."""
    key = learning.content["key"]
    kept = tastes.Usual.read(facts_folder / facts.USUAL, key=key)
    if kept is not None:
        return kept
    found = tastes.usual(lines, products, as_of_day=learning.as_of_day)
    found.write(fresh / "usual.parquet", key=key)
    return found


def _has_same_rules(before: Before, terms: Terms) -> bool:
    return before.run is not None and before.run.thresholds.get("rules", {}) == terms.trusted_rules


def _are_same(before: Before, found: Labels, learning: Learning | None, terms: Terms) -> bool:
    """Return whether forecasts of the run before rest on what those of this one would."""
    return (
        before.is_kept
        and before.run is not None
        and learning is not None
        and before.run.learning_id == learning.pk
        and before.run.store_cycle.get("cycle_days") == found.store_cycle["cycle_days"]
        and _has_same_rules(before, terms)
    )


def _asked(
    fresh: Path, before: Before | None, *, as_of_day: int, cycle_days: int, facts_folder: Path
) -> pl.DataFrame:
    """Return the buyers whose forecasts are to be made, as `predictions.silences` has them.

    Of those before, the forecasts of whoever has the same orders and stands on the same step are what they would be again.
    """
    silent = predictions.silences(
        facts.scan_folder(fresh / "labels"), as_of_day=as_of_day, cycle_days=cycle_days
    )
    if before is None:
        return silent.collect()
    both = ["customer_id", "mark"]
    same_orders = (
        facts.scan_folder(fresh / "histories")
        .select(both)
        .join(facts.scan_folder(facts_folder / facts.HISTORIES.name).select(both), on=both, how="semi")
    )
    stand = (
        silent.select(_SAME_STEP)
        .join(before.profiles.select(_SAME_STEP), on=_SAME_STEP, how="semi", nulls_equal=True)
        .join(same_orders, on="customer_id", how="semi")
    )
    return silent.join(stand, on="customer_id", how="anti").collect()


def _of(orders: Table, customers: pl.DataFrame) -> Table:
    """Return the orders of some customers."""
    rows: nw.LazyFrame[Any] = nw.from_native(orders)
    chosen = beside(rows, {"customer_id": customers["customer_id"].to_numpy()})
    return rows.join(chosen, on="customer_id", how="semi").to_native()


def _write_profiles(  # noqa: PLR0913  what profiles are put together from
    fresh: Path,
    *,
    before: Before,
    asked: pl.DataFrame | None,
    learnt: Mapping[str, Any],
    terms: Terms,
    keeps_alerts: bool,
    keeps_forecasts: bool,
) -> None:
    """Write the profiles, and apart those that are not what the database has; some customers at a time."""
    for name in ("profiles", "changed"):
        (fresh / name).mkdir()
    labelled = facts.scan_folder(fresh / "labels")
    total = labelled.select(pl.len()).collect().item()
    # One file at least, so that nobody's profiles have columns too.
    for number, done in enumerate(range(0, max(total, 1), _AT_ONCE)):
        some = labelled.slice(done, _AT_ONCE).collect().cast(pl.Schema(labels.SCHEMA))
        here = pl.col("customer_id").is_between(some["customer_id"].min(), some["customer_id"].max())
        had = before.profiles.filter(here).collect()
        if asked is None:
            stands = had if keeps_forecasts else had.clear()
            forecasts = stands.select("customer_id", *predictions.COLUMNS)
        else:
            forecasts = _forecasts(
                fresh,
                had,
                asked.filter(here),
                here,
                learnt=learnt,
                terms=terms,
                keeps_alerts=keeps_alerts,
                some=some,
            )
        rows = some.join(forecasts, on="customer_id", how="left").select(list(SCHEMA)).sort("customer_id")
        part = f"part-{number:06}.parquet"
        rows.write_parquet(fresh / "profiles" / part)
        rows.join(had, on=list(SCHEMA), how="anti", nulls_equal=True).write_parquet(fresh / "changed" / part)


def _forecasts(  # noqa: PLR0913  what forecasts are put together from
    fresh: Path,
    had: pl.DataFrame,
    asked: pl.DataFrame,
    here: pl.Expr,
    *,
    learnt: Mapping[str, Any],
    terms: Terms,
    keeps_alerts: bool,
    some: pl.DataFrame,
) -> pl.DataFrame:
    """Return the forecasts of some buyers: new ones of those asked for, the others as they stand."""
    new = predictions.predict(
        asked,
        observed=facts.scan_folder(fresh / "observed").filter(here).collect(),
        learnt=learnt,
        as_of_day=terms.as_of_day,
        margin=terms.margin,
    )
    if keeps_alerts:
        new = _with_alerts_that_stand(new, some=some, had=had)
    buyers = some.filter(pl.col("last_day").is_not_null()).select("customer_id")
    stand = had.join(buyers, on="customer_id", how="semi").join(new, on="customer_id", how="anti")
    forecasts = pl.concat([new, stand.select(new.columns)])
    if (fresh / "lately").exists():
        counted = facts.scan_folder(fresh / "lately").filter(here).collect()
        forecasts = (
            forecasts.drop("expected_orders")
            .join(counted, on="customer_id", how="left")
            .with_columns(pl.col("expected_orders").fill_null(0.0))
        )
    return forecasts


def _with_alerts_that_stand(new: pl.DataFrame, *, some: pl.DataFrame, had: pl.DataFrame) -> pl.DataFrame:
    """Keep an alert until the customer's next step, as the other forecasts; its reasons tell numbers that grow daily."""
    same = list(_SAME_ALERT)
    standing = (
        new.select("customer_id", "scored_day")
        .join(some.select("customer_id", "last_day", "orders", "monetary_minor"), on="customer_id")
        .join(had.select("customer_id", *same, *_ALERT), on=["customer_id", *same], nulls_equal=True)
        .select("customer_id", *_ALERT, pl.lit(value=True).alias("stands"))
    )
    joined = new.join(standing, on="customer_id", how="left", suffix="_before")
    return joined.with_columns(
        pl.when("stands").then(pl.col(f"{name}_before")).otherwise(pl.col(name)).alias(name)
        for name in _ALERT
    ).select(new.columns)
