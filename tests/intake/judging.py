"""Judge lines without a database."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl

from regulars.intake.files import Table
from regulars.intake.judges import AnyJudge, judge_for
from regulars.intake.mapping import Mapping
from tests.intake.importing import SIMPLE


def judge_of(
    rows: pl.DataFrame, *, mapping: Mapping = SIMPLE, exponent: int = 2, zone: str = "UTC", currency: str = ""
) -> AnyJudge:
    return judge_of_table(table_of(rows), mapping=mapping, exponent=exponent, zone=zone, currency=currency)


def judge_of_table(
    table: Table, *, mapping: Mapping = SIMPLE, exponent: int = 2, zone: str = "UTC", currency: str = ""
) -> AnyJudge:
    return judge_for(
        table,
        mapping,
        zone=ZoneInfo(zone),
        exponent=exponent,
        currency=currency,
        now=datetime(2026, 11, 21, tzinfo=UTC),
        store_code="main",
        store_ids=lambda codes: dict.fromkeys(codes, 1),
    )


def table_of(rows: pl.DataFrame) -> Table:
    inner = rows.rename({name: f"c{i}" for i, name in enumerate(rows.columns)}).with_row_index(
        "line", offset=2
    )
    return Table(header=tuple(rows.columns), rows=inner.lazy(), encoding="")


def judged_amounts(lines: Sequence[tuple[Decimal, Decimal]], *, exponent: int) -> list[int]:
    rows = pl.DataFrame(
        {
            "order": [str(i) for i in range(len(lines))],
            "date": "2026-01-05",
            "customer": "A",
            "sku": "wipes",
            "qty": [str(quantity) for quantity, _ in lines],
            "price": [str(price) for _, price in lines],
        }
    )
    judge = judge_of(rows, mapping=SIMPLE.with_answers(decimal="."), exponent=exponent)
    understood = judge.understood(table_of(rows).rows.collect())
    assert understood["fault"].null_count() == len(lines)
    return [int(amount) for amount in understood["amount_minor"]]
