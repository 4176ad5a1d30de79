"""The whole path on a real shop's year, against an independent computation from the glossary, in pandas."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import pandas as pd
import pgtrigger
import polars as pl
import pytest
from django.core.management import call_command
from django.db import connection
from polars.testing import assert_frame_equal

from regulars.analytics import churn, clv, cycles
from regulars.analytics import facts as contract
from regulars.insights import exports, facts, operations, queries
from regulars.insights.leaving import Looked
from regulars.insights.models import Recommendation, Run, Taste
from regulars.kernel.days import day_of_date
from regulars.reports.queries import Kpis, kpis
from tests.insights import uci

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
AS_OF = day_of_date(date(2011, 12, 10))


@dataclass(frozen=True, kw_only=True)
class Night:
    """What one night left: how many profiles were written, the file of all, what is said of purchases, and recommended."""

    written: int
    profiles: pl.DataFrame
    tastes: list[dict[str, Any]]
    recommended: dict[int, list[int]]

    @classmethod
    def of(cls, run: Run, folder: Path) -> "Night":
        profiles = facts.read_profiles(facts_folder=folder)
        assert profiles is not None
        return cls(
            written=run.profiles_written,
            # PostgreSQL puts the keys of its JSON in an order of its own.
            profiles=profiles.with_columns(
                churn_reasons=pl.Series(
                    [
                        text and json.dumps(json.loads(text), sort_keys=True)
                        for text in profiles["churn_reasons"]
                    ],
                    dtype=pl.String,
                )
            ),
            tastes=[dict(row) for row in Taste.objects.order_by("customer_id").values()],
            recommended={
                customer_id: [product_id for _, product_id in rows]
                for customer_id, rows in groupby(
                    Recommendation.objects.order_by("customer_id", "rank").values_list(
                        "customer_id", "product_id"
                    ),
                    key=itemgetter(0),
                )
            },
        )


@dataclass(frozen=True, kw_only=True)
class Shop:
    """What Regulars made of the shop."""

    file: Path
    facts_folder: Path
    profiles: pd.DataFrame
    with_prospects: pd.DataFrame
    all_time: Kpis
    autumn: Kpis
    early: Run
    first: Run
    again: Run
    on_duckdb: Run
    next_day: Run
    tonight: Night
    anew: Night


@pytest.fixture(scope="module")
def shop(
    shared_data: Path,
    django_db_setup: None,
    django_db_blocker: Any,  # noqa: ANN401  pytest-django keeps its type private
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Shop]:
    """Run everything once; the tests only look at what came of it."""
    del django_db_setup
    folder = tmp_path_factory.mktemp("uci") / "facts"
    file = shared_data / uci.FILE
    with django_db_blocker.unblock():
        uci.load(file)
        # Two days with orders lie between: what is looked at below was worked out for those who bought, and stood for the others.
        early = operations.run(as_of_day=AS_OF - 3, now=NOW, facts_folder=folder)
        first = operations.run(as_of_day=AS_OF, now=NOW, facts_folder=folder)
        again = operations.run(as_of_day=AS_OF, now=NOW, facts_folder=folder)
        # Nothing is known of histories: the other engine sums them up itself.
        rmtree(folder / "histories")
        on_duckdb = operations.run(as_of_day=AS_OF, engine="duckdb", now=NOW, facts_folder=folder)
        profiles = exports.profiles().to_pandas()
        with_prospects = exports.profiles(with_prospects=True).to_pandas()
        next_day = operations.run(as_of_day=AS_OF + 1, now=NOW, facts_folder=folder)
        tonight = Night.of(next_day, folder)
        rmtree(folder / "histories")
        rmtree(folder / "usual")
        Taste.objects.all().delete()
        anew = operations.run(as_of_day=AS_OF + 1, now=NOW, facts_folder=folder)
        yield Shop(
            file=file,
            facts_folder=folder,
            profiles=profiles,
            with_prospects=with_prospects,
            early=early,
            next_day=next_day,
            tonight=tonight,
            anew=Night.of(anew, folder),
            all_time=kpis(facts_folder=folder),
            autumn=kpis(
                start_day=day_of_date(date(2011, 9, 1)),
                end_day=day_of_date(date(2011, 12, 1)),
                facts_folder=folder,
            ),
            first=first,
            again=again,
            on_duckdb=on_duckdb,
        )
        with pgtrigger.ignore("shop.Consent:no_truncate"):
            call_command("flush", verbosity=0, interactive=False)
        with connection.cursor() as cursor:
            # The jobs that the runs asked for: flush leaves the broker's tables alone.
            cursor.execute("TRUNCATE procrastinate_jobs CASCADE")


@pytest.fixture(scope="module")
def by_hand(shop: Shop) -> pd.DataFrame:
    """Orders after refunds, from the raw file: customer, day, net amount in pence."""
    raw = pd.read_parquet(shop.file)
    raw = raw[raw["CustomerID"].notna() & (raw["UnitPrice"] > 0)].copy()
    raw["customer"] = raw["CustomerID"].astype(int).astype(str)
    raw["pence"] = (raw["Quantity"] * raw["UnitPrice"] * 100).round().astype(int)
    sales = raw[raw["Quantity"] > 0]
    orders = sales.groupby("InvoiceNo", as_index=False).agg(
        customer=("customer", "first"), at=("InvoiceDate", "first"), gross=("pence", "sum")
    )
    returns = raw[raw["Quantity"] < 0].sort_values("InvoiceDate")
    bought = sales[["InvoiceDate", "customer", "StockCode", "InvoiceNo"]].sort_values(
        "InvoiceDate", kind="stable"
    )
    matched = pd.merge_asof(
        returns.drop(columns="InvoiceNo"), bought, on="InvoiceDate", by=["customer", "StockCode"]
    )
    refunded = matched.groupby("InvoiceNo")["pence"].sum()  # below zero
    orders["net"] = orders["gross"] + orders["InvoiceNo"].map(refunded).fillna(0).astype(int)
    orders["day"] = (orders["at"].dt.normalize() - pd.Timestamp("1970-01-01")).dt.days
    return orders


def test_before_refunds_the_figures_are_those_of_the_shops_own_list(shop: Shop) -> None:
    before = shop.all_time.before_refunds
    assert (before.lines, before.orders, before.customers) == (397_884, 18_532, 4_338)
    assert before.revenue_minor == 891_140_790
    assert before.repurchase_rate == pytest.approx(0.6558, abs=5e-5)
    assert (shop.all_time.refunds_matched, shop.all_time.refunds_unmatched) == (7_599, 1_306)
    assert shop.all_time.lines_accepted == 397_884


def test_every_profile_equals_one_computed_by_hand(shop: Shop, by_hand: pd.DataFrame) -> None:
    valid = by_hand[by_hand["net"] > 0]
    expected = valid.groupby("customer").agg(
        orders=("net", "size"),
        monetary_minor=("net", "sum"),
        first_day=("day", "min"),
        last_day=("day", "max"),
    )
    expected["frequency"] = expected["orders"]
    expected["recency_days"] = AS_OF - expected["last_day"]
    letters = ""
    for column, letter in (("recency_days", "r"), ("frequency", "f"), ("monetary_minor", "m")):
        values = expected[column]
        fifths = np.quantile(values, [0.2, 0.4, 0.6, 0.8], method="inverted_cdf")
        passed = (values.to_numpy()[:, None] > fifths).sum(axis=1)
        fewer_is_better = letter == "r"
        expected[letter] = 5 - passed if fewer_is_better else 1 + passed
        is_better = values < values.mean() if fewer_is_better else values > values.mean()
        letters = letters + is_better.map({True: letter.upper(), False: letter})
    expected["cell"] = letters
    columns = [
        "orders", "recency_days", "frequency", "monetary_minor", "r", "f", "m", "cell", "first_day", "last_day",
    ]  # fmt: skip
    found = shop.profiles.set_index("customer_id")[columns]
    assert len(found) == 4_327
    pd.testing.assert_frame_equal(
        found.sort_index(), expected[columns].sort_index(), check_dtype=False, check_names=False
    )


def test_stages_follow_from_silence_and_repeat_orders(shop: Shop) -> None:
    stages = shop.profiles
    silent = stages["recency_days"] > stages["cycle_days"]
    assert set(stages.loc[~silent, "stage"]) == {"new", "growing", "mature", "declining"}
    assert set(stages.loc[silent, "stage"]) == {"lapsed_short", "lapsed_long"}
    long = stages["recency_days"] > 3 * stages["cycle_days"]
    assert (stages.loc[long, "stage"] == "lapsed_long").all()
    assert (stages.loc[stages["stage"] == "new", "orders"] == 1).all()
    assert stages.loc[stages["stage"] == "growing", "orders"].isin([2, 3]).all()
    assert (stages.loc[stages["stage"] == "mature", "orders"] >= 4).all()


def test_tiers_follow_from_lateness_amount_and_frequency(shop: Shop) -> None:
    rows = shop.profiles
    late = shop.first.as_of_day > rows["late_day"]
    much = rows["monetary_minor"] > rows["monetary_minor"].mean()
    often = rows["frequency"] > rows["frequency"].mean()
    expected = pd.Series("general", index=rows.index)
    expected[much ^ often] = "potential"
    expected[much & often] = "VIP"
    expected[late] = "at_risk"
    assert rows["tier"].tolist() == expected.tolist()


def test_customers_whose_orders_were_all_refunded_are_prospects(shop: Shop) -> None:
    assert len(shop.with_prospects) == 4_371  # with 33 who appear only in cancellations
    others = shop.with_prospects[~shop.with_prospects["customer_id"].isin(shop.profiles["customer_id"])]
    assert set(others["stage"]) == {"prospect"}
    assert others[["r", "f", "m", "cell", "tier", "recency_days"]].isna().all(axis=None)


def test_a_second_run_and_a_run_on_the_other_engine_write_nothing(shop: Shop) -> None:
    assert shop.early.profiles_written == 4_371
    assert 0 < shop.first.profiles_written < 0.25 * 4_371
    assert shop.again.profiles_written == 0
    assert shop.on_duckdb.profiles_written == 0
    assert shop.on_duckdb.summary == shop.first.summary
    assert shop.on_duckdb.thresholds == shop.first.thresholds


def test_a_night_says_what_everything_worked_out_anew_would(shop: Shop) -> None:
    assert shop.anew.written == 0
    assert_frame_equal(shop.anew.profiles, shop.tonight.profiles)
    assert len(shop.anew.tastes) > 4_000
    assert shop.anew.tastes == shop.tonight.tastes


def test_whoever_bought_is_recommended_what_a_run_of_everything_would_and_others_hardly_anything_else(
    shop: Shop,
) -> None:
    tonight, anew = shop.tonight.recommended, shop.anew.recommended
    assert tonight.keys() == anew.keys()
    lines = facts.scan_polars(facts.LINES, facts_folder=shop.facts_folder)
    lately = lines.filter(pl.col("day") > AS_OF - 3).select("customer_id").unique().collect()
    bought = set(lately["customer_id"]) & tonight.keys()
    assert len(bought) > 50
    assert {one: tonight[one] for one in bought} == {one: anew[one] for one in bought}
    # A list stands until its customer buys again; meanwhile others did, who are neighbours.
    kept = sum(len(set(tonight[one]) & set(anew[one])) for one in tonight.keys() - bought)
    assert kept / sum(len(anew[one]) for one in anew.keys() - bought) > 0.97


def test_a_day_that_passes_writes_only_those_who_moved(shop: Shop) -> None:
    assert 0 < shop.next_day.profiles_written < 0.08 * 4_371


def test_the_figures_of_a_period_count_its_valid_orders_only(shop: Shop, by_hand: pd.DataFrame) -> None:
    start, end = day_of_date(date(2011, 9, 1)), day_of_date(date(2011, 12, 1))
    valid = by_hand[by_hand["net"] > 0].sort_values(["day", "InvoiceNo"])
    is_repeat = valid.duplicated("customer")
    inside = (valid["day"] >= start) & (valid["day"] < end)
    autumn = valid[inside]
    per_customer = autumn.groupby("customer").size()
    found = shop.autumn
    assert (found.customers, found.orders) == (len(per_customer), len(autumn))
    assert found.revenue_minor == autumn["net"].sum()
    assert found.repurchase_rate == pytest.approx((per_customer >= 2).mean(), abs=1e-12)
    assert found.repeat_revenue_share == pytest.approx(
        autumn.loc[is_repeat[inside], "net"].sum() / autumn["net"].sum(), abs=1e-12
    )
    assert found.average_order_minor == round(autumn["net"].mean())
    assert (
        found.before_refunds.revenue_minor
        == by_hand[(by_hand["day"] >= start) & (by_hand["day"] < end)]["gross"].sum()
    )


def test_profiles_lie_beside_the_facts_for_bi_tools(shop: Shop) -> None:
    file = pl.read_parquet(shop.facts_folder / "profiles" / "data.parquet")
    assert file.height == 4_371
    assert file["as_of_day"].unique().to_list() == [AS_OF + 1]


def test_predictions_are_what_the_library_says_of_each_customers_scored_day(shop: Shop) -> None:
    learning = shop.first.learning
    assert learning is not None
    assert learning.content["model"] in clv.CANDIDATES
    orders = contract.until(facts.scan_polars(facts.ORDERS, facts_folder=shop.facts_folder), as_of_day=AS_OF)
    fit, alive = clv.load(learning.content["fit"]), clv.load(learning.content["alive"])
    codes = (
        facts.scan_polars(facts.CUSTOMERS, facts_folder=shop.facts_folder)
        .select("customer_id", "code")
        .collect()
    )
    ids = dict(zip(codes["code"], codes["customer_id"], strict=True))
    # One customer of each tenth of the scored days, each asked for by itself.
    chosen = shop.profiles.sort_values(["scored_day", "customer_id"]).iloc[:: len(shop.profiles) // 10]
    for row in chosen.to_dict("records"):
        scored_day = int(row["scored_day"])
        assert row["last_day"] <= scored_day <= AS_OF
        own = orders.filter(pl.col("customer_id") == ids[row["customer_id"]]).collect()
        summary = clv.summarise(own, as_of_day=scored_day)
        assert row["p_alive"] == pytest.approx(alive.p_alive(summary)["p_alive"][0], abs=1e-4)
        expected = fit.expected_purchases(summary, horizon=90 / 7)["expected_purchases"][0]
        assert row["expected_orders"] == pytest.approx(expected, abs=1e-4)
        value = fit.clv(summary, horizon_days=365, margin=0.3, annual_discount=0.1)["clv_minor"][0]
        assert row["clv_minor"] == pytest.approx(value, abs=1)
        assert (
            np.isnan(row["next_day"])
            or scored_day < row["next_from_day"] <= row["next_day"] <= row["next_until_day"]
        )


def test_a_run_keeps_what_marks_those_who_left_and_looks_again_when_the_shop_is_learnt_again(
    shop: Shop,
) -> None:
    assert shop.early.learning is not None
    assert shop.next_day.learning_id == shop.early.learning_id
    looked = queries.leaving()
    assert looked == Looked.read(shop.early.learning.content["leaving"])
    assert looked is not None
    assert looked.as_of_day == AS_OF - 3
    orders = facts.scan_polars(facts.ORDERS, facts_folder=shop.facts_folder)
    known = contract.until(orders, as_of_day=AS_OF - 3)
    store = cycles.store(known, as_of_day=AS_OF - 3)
    assert isinstance(store, cycles.StoreCycle)
    pace = churn.pace(store)
    assert (looked.horizon_days, looked.recent_days) == (pace.horizon_days, pace.active.recent_days)
    stages = churn.characteristics(
        known,
        as_of_days=looked.as_of_days,
        horizon_days=pace.horizon_days,
        active=pace.active,
        last_day=AS_OF - 3,
        cycle_days=store.cycle_days,
    )
    told = {one.level: one for one in looked.found if one.kind == "stage"}
    assert {one.level: one.difference for one in stages} == pytest.approx(
        {level: one.difference for level, one in told.items()}
    )
