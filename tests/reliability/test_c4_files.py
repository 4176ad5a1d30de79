"""C4 and I1 for files: killed, cut into parts, shuffled, packed or in another encoding, the record ends the same."""

import gzip
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import polars as pl
import pytest
from django.db import connection

from regulars.intake import operations, undoing
from regulars.intake.files import UnreadableFileError, open_table
from regulars.intake.models import Import, Reject
from regulars.intake.queries import proposal
from regulars.shop.models import (
    ChangedMonth,
    ChangeSet,
    Customer,
    Identifier,
    Order,
    OrderLine,
    Product,
    Refund,
)
from tests.intake.importing import NOW, import_file, import_lines, state
from tests.reliability.test_import_kill import PROGRAM, run_killed_at, run_once_free
from tests.shop.factories import make_business

pytestmark = [pytest.mark.reliability, pytest.mark.integration]

RECORD = (Import, ChangeSet, Refund, OrderLine, Order, Product, Identifier, Customer, ChangedMonth)
IS_LONG = bool(os.environ.get("REGULARS_LONG"))
KILLS = 50 if IS_LONG else 2
UNDO = PROGRAM.replace("run_import", "run_undo")


def forget_everything() -> None:
    Reject.objects.all().delete()
    for model in RECORD:
        model.objects.all().delete()


def merchants_way(rows: pl.DataFrame) -> bytes:
    """Return order lines as a Chinese office's spreadsheet writes them: GB18030, semicolons, decimal commas."""
    prices = pl.col("UnitPrice").cast(pl.Decimal(12, 3)).cast(pl.String).str.replace(".", ",", literal=True)
    dates = pl.col("InvoiceDate").dt.strftime("%d.%m.%Y %H:%M")
    texts = rows.with_columns(
        prices, dates, pl.col("CustomerID").cast(pl.String), pl.concat_str(pl.lit("湿巾 "), "Description")
    )
    return texts.write_csv(separator=";").encode("gb18030")


@pytest.mark.django_db(transaction=True)
def test_a_shops_year_in_three_overlapping_parts_with_a_kill_ends_as_the_clean_file(
    shared_data: Path, tmp_path: Path
) -> None:
    make_business(currency="GBP")
    whole = pl.read_parquet(shared_data / "uci_online_retail" / "online_retail.parquet")
    rows = whole if IS_LONG else whole.filter(pl.col("InvoiceDate") < pl.datetime(2010, 12, 20))
    # An order's lines stay in one file: without line numbers it is their content that tells them apart.
    rows = rows.sort("InvoiceNo", maintain_order=True)
    clean = tmp_path / "clean.parquet"
    rows.with_columns(pl.concat_str(pl.lit("湿巾 "), "Description")).write_parquet(clean)
    import_file(clean)
    expected = state()
    forget_everything()
    orders = rows["InvoiceNo"].unique(maintain_order=True).to_list()
    third = len(orders) // 3
    parts = [orders[: third + 200], orders[third - 200 : 2 * third + 200], orders[2 * third - 200 :]]
    random.Random(7).shuffle(parts)  # noqa: S311  seeded on purpose
    for number, codes in enumerate(parts):
        part = rows.filter(pl.col("InvoiceNo").is_in(codes)).sample(fraction=1, shuffle=True, seed=number)
        path = tmp_path / f"part{number}.csv"
        path.write_bytes(merchants_way(part))
        row = operations.register(path=path, store_code="main", now=NOW)
        # A part may hold only days up to the twelfth, and is then asked about: this is the answer.
        answered = proposal(path).mapping.with_answers(date_formats=("%d.%m.%Y %H:%M",))
        operations.set_mapping(import_id=row.pk, mapping=answered)
        if number == 1:
            assert run_killed_at("lines", row) == -signal.SIGKILL
        run_once_free(row)
        row.refresh_from_db()
        assert row.lines_read == row.lines_accepted + row.refunds + row.lines_rejected
    assert state() == expected
    print(
        f"seed 7, {len(rows):,} lines, 3 parts, 1 kill: 0 rows differ of {sum(map(len, expected.values())):,}"
    )


def undo(row: Import, *, crashing: bool = False) -> "subprocess.Popen[bytes]":
    """Begin to take an import back in a process of its own, to be killed before it ends."""
    url_of = connection.settings_dict
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql:///{url_of['NAME']}?host={url_of['HOST']}&user={url_of['USER']}",
        "DJANGO_SETTINGS_MODULE": "regulars.project.settings",
        **({"REGULARS_CRASHPOINT": "undo:commit"} if crashing else {}),
    }
    command = [sys.executable, "-c", UNDO, str(row.pk), NOW.isoformat()]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


class EndedError(BaseException):
    """The process ends here."""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("planted", [False, True], ids=["as it is", "planted bug"])
def test_an_undo_that_ends_early_leaves_the_record_unless_it_was_committed_piecemeal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, planted: bool
) -> None:
    make_business()
    row = import_lines(tmp_path, "1,2026-01-05,A,wipes,1,2.50", "2,2026-01-06,B,wipes,1,2.50")
    whole = state()

    def end(_name: str) -> None:
        if planted:
            connection.connection.commit()
        raise EndedError

    monkeypatch.setattr(undoing, "crashpoint", end)
    with pytest.raises(EndedError):
        undoing.run_undo(import_id=row.pk, now=NOW)
    assert (state() == whole) is not planted


@pytest.mark.django_db(transaction=True)
def test_kill_9_at_any_moment_of_an_undo_leaves_all_of_the_import_or_nothing(
    shared_data: Path, tmp_path: Path
) -> None:
    make_business(currency="GBP")
    rows = pl.read_parquet(shared_data / "uci_online_retail" / "online_retail.parquet").head(3_000)
    path = tmp_path / "orders.parquet"
    rows.write_parquet(path)
    row = import_file(path)
    whole, rng = state(), random.Random(3)  # noqa: S311  seeded on purpose
    assert undo(row, crashing=True).wait() == -signal.SIGKILL
    assert state() == whole
    outcomes = []
    for _ in range(KILLS):
        process = undo(row)
        time.sleep(rng.uniform(1, 9))
        process.kill()
        process.wait()
        time.sleep(0.5)
        row.refresh_from_db()
        is_whole = state() == whole
        assert (row.state == "done") is is_whole
        outcomes.append(is_whole)
        if not is_whole:
            assert not any(state().values())
            row = import_file(path)
            assert state() == whole
    print(f"seed 3, {KILLS + 1} kills: 0 half undone (undone in time: {outcomes.count(False)})")


@pytest.mark.unit
def test_a_bomb_is_refused_without_filling_disk_or_memory(tmp_path: Path) -> None:
    size = (4 << 30) if IS_LONG else (300 << 20)
    block, before = bytes(1 << 20), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with gzip.open(tmp_path / "bomb.gz", "wb", compresslevel=9) as packed:
        for _ in range(size >> 20):
            packed.write(block)
    with (
        zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("orders.csv", "w", force_zip64=True) as member,
    ):
        for _ in range(size >> 20):
            member.write(block)
    for name in ("bomb.gz", "bomb.zip"):
        with pytest.raises(UnreadableFileError, match="unpacks from"), open_table(tmp_path / name):
            pass
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"two bombs of {size >> 20} MiB refused, memory grew by {grown >> 10} MiB")
    assert grown < 200 << 10


@pytest.mark.unit
@pytest.mark.skipif(not IS_LONG, reason="REGULARS_LONG is not set: a million lines take minutes")
def test_a_million_lines_take_less_than_a_gibibyte() -> None:
    benchmark = subprocess.run(
        [sys.executable, "-m", "benchmarks", "imports", "--lines", "1000000", "--runs", "1"],
        check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "regulars.project.settings"},
    )  # fmt: skip
    print(benchmark.stdout)
    (peak,) = re.findall(r"importing process: (\d+) MiB", benchmark.stdout)
    assert int(peak) < 1024
