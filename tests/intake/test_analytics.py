"""Google Analytics 4's event export becomes behaviour: visitors stay visitors until they say who they are."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from regulars.intake import operations
from regulars.intake.models import Call, Import
from regulars.intake.queries import proposal
from regulars.shop.models import Event, EventSource
from tests.intake.tracking import NOW, record, work_all
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
STARTED_US = 1_772_000_000_000_000


def told(number: int, name: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  any of JSON
    """A line as BigQuery exports it: whole numbers as texts, empty records left out."""
    page = {"key": "page_location", "value": {"string_value": "https://shop.example/wipes"}}
    return {
        "event_date": "20260225",
        "event_timestamp": str(STARTED_US + number * 1_000_000),
        "event_name": name,
        "event_params": [page, {"key": "ga_session_id", "value": {"int_value": "17"}}],
        "user_pseudo_id": "111.222",
        "device": {"category": "mobile"},
        "items": [],
        **more,
    }


WIPES = {"item_id": "W80", "item_name": "Soft wipes", "item_brand": "(not set)", "price": 3.5, "quantity": 1}
LINES = [
    told(1, "page_view"),
    told(2, "view_item", items=[WIPES]),
    told(3, "add_to_cart", items=[WIPES, {**WIPES, "item_id": "T1"}]),
    told(4, "login", user_id="A"),
    told(5, "purchase", user_id="A", items=[WIPES], event_params=[{"key": "transaction_id", "value": {"string_value": "1001"}}]),
    told(6, "scroll"),
    told(6, "scroll"),
    told(7, "scroll", user_pseudo_id=None),
]  # fmt: skip


def bring_in(path: Path) -> Import:
    row = operations.register(path=path, kind="ga4", store_code="main", now=NOW)
    operations.set_mapping(import_id=row.pk, mapping=proposal(path, kind="ga4").mapping)
    operations.run_import(import_id=row.pk, now=NOW)
    work_all()
    row.refresh_from_db()
    return row


def lines(folder: Path) -> Path:
    path = folder / "events.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in LINES), encoding="utf-8")
    return path


def test_the_export_becomes_behaviour_once_and_joins_visitors_with_customers(tmp_path: Path) -> None:
    make_business()
    row = bring_in(lines(tmp_path))
    assert (row.lines_read, row.lines_accepted, row.rows_added) == (8, 7, 7)
    assert list(row.rejects.values_list("line_number", "reason")) == [(8, "of_nobody")]
    events = Event.objects.order_by("at", "id")
    assert list(events.values_list("name", "customer__code", "product__code")) == [
        ("Page Viewed", "A", None),
        ("Product Viewed", "A", "W80"),
        ("Product Added", "A", None),
        ("Signed In", "A", None),
        ("Purchase", "A", "W80"),
        ("scroll", "A", None),
        ("scroll", "A", None),
    ]
    viewed = events[1]
    assert (viewed.url, viewed.properties["ga_session_id"]) == ("https://shop.example/wipes", "17")
    assert events[4].properties["transaction_id"] == "1001"
    assert EventSource.objects.get().code == "ga4-main"
    before = record()
    again = bring_in(lines(tmp_path))
    assert (again.rows_added, record()) == (0, before)
    assert Call.objects.count() == 1


def test_a_parquet_export_says_the_same(tmp_path: Path) -> None:
    make_business()
    bring_in(lines(tmp_path))
    before = record()
    path = tmp_path / "events.parquet"
    whole = [{**line, "event_timestamp": int(line["event_timestamp"])} for line in LINES[1:2]]
    pl.DataFrame(whole).write_parquet(path)
    row = bring_in(path)
    assert (row.lines_accepted, row.lines_rejected) == (1, 0)
    assert (row.rows_added, record()) == (0, before), "the same event was taken twice"


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    make_business()
    path = tmp_path / "flat.csv"
    path.write_text(
        f"event_name,event_timestamp,user_pseudo_id,event_params\nscroll,{STARTED_US},1.2,broken\n"
        f"scroll,{STARTED_US},1.2,[]\n"
    )
    row = bring_in(path)
    assert list(row.rejects.values_list("line_number", "reason")) == [(2, "not_json")]
    assert Event.objects.get().name == "scroll"
