"""`--engine spark`: the same profiles, computed and written by executors."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import polars as pl
import pytest
from django.db import connection

from regulars.insights import engines, facts, operations
from regulars.insights.models import Profile, Run
from regulars.shop.models import Customer, Order
from tests.analytics.engines import needs_spark, spark
from tests.insights import spark_cluster
from tests.insights.records import mark_changed
from tests.shop.factories import make_business, make_customer, make_order, make_store

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
AS_OF = 20_400


def make_shop() -> None:
    """Make a prospect and fifty buyers of up to six orders, in days so few that no period has one before it."""
    rng = np.random.default_rng(8)
    make_business()
    make_customer(code="looker")
    store = make_store()
    customers = Customer.objects.bulk_create(Customer(code=f"c{n}") for n in range(50))
    for customer in customers:
        for day in sorted({int(day) for day in rng.integers(AS_OF - 55, AS_OF, rng.integers(1, 7))}):
            make_order(customer=customer, store=store, day=day, amount_minor=int(rng.integers(100, 9_000)))
    assert Order.objects.count() > 100
    mark_changed()


def run_on(cluster: spark_cluster.Cluster, folder: Path) -> None:
    """Run `operations.run` in a process of its own, which has no session yet."""
    database = connection.settings_dict
    given = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    options = urlencode({name: database[key] for name, key in given.items() if database[key]})
    program = """
import sys
from datetime import UTC, datetime
from pathlib import Path
import django
django.setup()
from regulars.insights import operations
operations.run(
    as_of_day=int(sys.argv[1]), engine="spark", now=datetime(2026, 1, 5, 12, tzinfo=UTC), facts_folder=Path(sys.argv[2])
)
"""
    subprocess.run(
        [sys.executable, "-c", program, str(AS_OF), str(folder)],
        env={
            **os.environ,
            **spark_cluster.environment(cluster),
            "DATABASE_URL": f"postgresql:///{database['NAME']}?{options}",
            "DJANGO_SETTINGS_MODULE": "regulars.project.settings",
        },
        check=True,
    )


@needs_spark
@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
def test_a_run_on_a_cluster_of_two_workers_finds_what_polars_finds(tmp_path: Path) -> None:
    make_shop()
    folder = tmp_path / "facts"
    on_polars = operations.run(as_of_day=AS_OF, now=NOW, facts_folder=folder)
    before = list(Profile.objects.order_by("pk").values())
    profiles = facts.read_profiles(facts_folder=folder)
    Profile.objects.all().delete()

    with spark_cluster.cluster(tmp_path / "cluster") as cluster:
        run_on(cluster, folder)
        logs = [cluster.logs(worker) for worker in spark_cluster.WORKERS]

    done = Run.objects.latest("pk")
    assert (done.engine, done.state, done.profiles_written) == ("spark", Run.State.DONE, len(before))
    assert list(Profile.objects.order_by("pk").values()) == before
    assert (done.summary, done.thresholds, done.store_cycle) == (
        on_polars.summary,
        on_polars.thresholds,
        on_polars.store_cycle,
    )
    now = facts.read_profiles(facts_folder=folder)
    assert now is not None
    assert profiles is not None
    assert now.equals(profiles)
    # Both workers had a share, and what was written was written by them.
    assert all("Finished task" in log for log in logs)
    assert any("ParquetOutputWriter" in log or "Committed" in log for log in logs)


@needs_spark
@pytest.mark.unit
def test_a_table_without_rows_is_written_with_its_columns(tmp_path: Path) -> None:
    session = spark()
    with engines.reader(engine="spark", facts_folder=tmp_path) as read:
        nobody = read(facts.CUSTOMERS).sort("customer_id")

        engines.write(engines.kept(nobody), tmp_path / "written")

    written = facts.scan_folder(tmp_path / "written").collect()
    assert written.schema == pl.Schema(facts.CUSTOMERS.schema)
    assert written.is_empty()
    assert session.range(1).count() == 1, "a session that was there before is left running"
