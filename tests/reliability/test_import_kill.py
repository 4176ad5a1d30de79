"""C4: kill -9 anywhere in an import leaves the record as it was; running it again ends as an undisturbed run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from django.db import connection

from regulars.intake import operations
from regulars.intake.mapping import Mapping
from regulars.intake.models import Import, Reject
from regulars.intake.running import ImportNotRunnableError
from regulars.shop.models import ChangedMonth, Customer, Identifier, Order, OrderLine, Product, Refund
from tests.intake.importing import NOW, import_file, state
from tests.shop.factories import make_business

pytestmark = [pytest.mark.reliability, pytest.mark.integration, pytest.mark.django_db(transaction=True)]

POINTS = ("staging", "customers", "products", "orders", "lines", "refunds", "commit")
RECORD = (Refund, OrderLine, Order, Product, Identifier, Customer, ChangedMonth)
PROGRAM = """
import sys
import django
django.setup()
from datetime import datetime
from regulars.intake.operations import run_import
run_import(import_id=int(sys.argv[1]), now=datetime.fromisoformat(sys.argv[2]))
"""


def run_killed_at(point: str, row: Import) -> int:
    settings = connection.settings_dict
    url = f"postgresql:///{settings['NAME']}?host={settings['HOST']}&user={settings['USER']}"
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "regulars.project.settings",
        "REGULARS_CRASHPOINT": f"import:{point}",
    }
    command = [sys.executable, "-c", PROGRAM, str(row.pk), NOW.isoformat()]
    return subprocess.run(command, env=environment, check=False).returncode


def run_once_free(row: Import) -> None:
    """Run the import as soon as the server has noticed that the killed process is gone."""
    for _ in range(100):
        try:
            operations.run_import(import_id=row.pk, now=NOW)
        except ImportNotRunnableError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the killed import's lock was not released within 10 s")


def test_kill_9_at_every_stage_leaves_nothing_and_the_next_run_everything(
    shared_data: Path, tmp_path: Path
) -> None:
    make_business(currency="GBP")
    rows = pl.read_parquet(shared_data / "uci_online_retail" / "online_retail.parquet").head(8_000)
    path = tmp_path / "orders.parquet"
    rows.write_parquet(path)
    undisturbed = import_file(path)
    expected = state()
    assert len(expected["refunds"]) > 20
    for model in (*RECORD, Reject, Import):
        model.objects.all().delete()
    row = operations.register(path=path, store_code="main", now=NOW)
    operations.set_mapping(import_id=row.pk, mapping=Mapping.from_json(undisturbed.mapping))
    for point in POINTS:
        assert run_killed_at(point, row) == -signal.SIGKILL, point
        assert not any(model.objects.exists() for model in (*RECORD, Reject)), point
    run_once_free(row)
    row.refresh_from_db()
    assert row.state == "done"
    assert state() == expected
    assert (row.lines_accepted, row.refunds_matched) == (
        undisturbed.lines_accepted,
        undisturbed.refunds_matched,
    )
    print(f"killed at {len(POINTS)} points, 0 rows left behind, 0 rows lost")
