import json
from contextlib import closing

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from regulars.api.imports import MappingBody
from regulars.intake import mapping as intake
from regulars.intake.models import ColumnMap, Import
from regulars.intake.operations import run_import, run_undo
from tests.api.clients import Json, Program, Response, content
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

FILE = """Order,Date,Buyer,SKU,Qty,Price
A1,2024-10-04 10:00:00,alice,wipes,2,9.99
A2,2024-10-05 10:00:00,bob,wipes,1,9.99
A3,2024-10-06 10:00:00,,wipes,1,9.99
"""
MAPPING = {
    "columns": {
        "order_code": "Order",
        "placed_at": "Date",
        "external": "Buyer",
        "product_code": "SKU",
        "quantity": "Qty",
        "unit_price": "Price",
    }
}


def send(
    program: Program,
    fields: dict[str, str] | None = None,
    text: str = FILE,
    headers: dict[str, str] | None = None,
) -> Response:
    file = SimpleUploadedFile("orders.csv", text.encode(), content_type="text/csv")
    fields = {"store": "taobao"} if fields is None else fields
    return program.client.post("/api/v1/imports", {"file": file, **fields}, headers=headers)


def jobs() -> list[Json]:
    return list(ProcrastinateJob.objects.filter(task_name="intake.run_import").values_list("args", flat=True))


def test_a_file_without_a_mapping_waits_for_one(program: Program) -> None:
    response = send(program)
    made = content(response)
    assert response.status_code == 201
    assert response["Location"] == f"/api/v1/imports/{made['id']}"
    assert (made["state"], made["store"], made["file_name"], made["mapping"]) == (
        "uploaded",
        "taobao",
        "orders.csv",
        None,
    )
    assert made["file_bytes"] == len(FILE)
    assert content(program.get(f"/imports/{made['id']}")) == made
    assert Import.objects.get().created_by == program.key.created_by
    assert jobs() == []


def test_a_file_with_a_mapping_is_queued_at_once(program: Program) -> None:
    made = content(send(program, {"store": "taobao", "mapping": json.dumps(MAPPING)}))
    assert made["state"] == "queued"
    assert made["mapping"]["columns"] == MAPPING["columns"]
    assert jobs() == [{"import_id": made["id"]}]


def test_a_file_with_a_saved_map_is_queued_at_once(program: Program) -> None:
    ColumnMap.objects.create(name="Back office", header=[], mapping=MAPPING)
    assert content(send(program, {"store": "taobao", "map": "Back office"}))["state"] == "queued"


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({}, 422, "invalid_parameters"),
        ({"store": "x" * 65}, 422, "invalid_parameters"),
        ({"store": "taobao", "map": ""}, 422, "invalid_parameters"),
        ({"store": "taobao", "mapping": ""}, 422, "invalid_parameters"),
        ({"store": "taobao", "map": "nobody's"}, 404, "unknown_map"),
        ({"store": "taobao", "map": "a", "mapping": json.dumps(MAPPING)}, 422, "invalid_parameters"),
        ({"store": "taobao", "mapping": "{"}, 422, "invalid_parameters"),
        ({"store": "taobao", "mapping": '{"columns": {"colour": "SKU"}}'}, 422, "invalid_parameters"),
        ({"store": "taobao", "mapping": '{"columns": {}, "delimiter": ";"}'}, 422, "invalid_parameters"),
    ],
)
def test_what_cannot_be_started_is_not_kept(
    program: Program, fields: dict[str, str], status: int, code: str
) -> None:
    response = send(program, fields)
    assert (response.status_code, content(response)["code"]) == (status, code)
    assert not Import.objects.exists()


def test_an_upload_without_a_file_is_refused(program: Program) -> None:
    response = program.client.post("/api/v1/imports", {"store": "taobao"})
    assert [(error["in"], error["name"]) for error in content(response)["errors"]] == [("file", "file")]


def test_an_upload_repeated_with_its_key_is_one_import(program: Program) -> None:
    first, second = (send(program, headers={"idempotency-key": "nightly-1"}) for _ in range(2))
    assert (first.content, first["Location"]) == (second.content, second["Location"])
    assert Import.objects.count() == 1
    other = send(program, text=FILE.replace("alice", "carol"), headers={"idempotency-key": "nightly-1"})
    assert content(other)["code"] == "idempotency_key_reused"


def test_a_waiting_import_is_started_with_a_mapping_or_a_saved_map(program: Program) -> None:
    made = content(send(program))["id"]
    refused = content(program.post(f"/imports/{made}/start", {}))
    assert [one["name"] for one in refused["errors"]] == ["map", "mapping"]
    assert content(program.post(f"/imports/{made}/start", {"mapping": MAPPING}))["state"] == "queued"
    ColumnMap.objects.create(name="Back office", header=[], mapping=MAPPING)
    assert content(program.post(f"/imports/{made}/start", {"map": "Back office"}))["state"] == "queued"


def test_an_import_is_cancelled_once(program: Program) -> None:
    made = content(send(program))["id"]
    assert content(program.post(f"/imports/{made}/cancel", {}))["state"] == "cancelled"
    for action, body in (("cancel", {}), ("start", {"mapping": MAPPING})):
        response = program.post(f"/imports/{made}/{action}", body)
        assert (response.status_code, content(response)["code"]) == (409, "import_over")


def test_imports_are_listed_newest_first_and_by_state(program: Program) -> None:
    first, second = (content(send(program))["id"] for _ in range(2))
    program.post(f"/imports/{first}/cancel", {})
    assert [item["id"] for item in content(program.get("/imports"))["items"]] == [second, first]
    assert [item["id"] for item in content(program.get("/imports", {"state": "cancelled"}))["items"]] == [
        first
    ]


def test_a_running_import_shows_how_far_it_is(program: Program) -> None:
    made = content(send(program))["id"]
    Import.objects.update(state="running", stage="staging", stage_done=10, stage_total=30)
    assert content(program.get(f"/imports/{made}"))["progress"] == {
        "stage": "staging",
        "done": 10,
        "total": 30,
    }


@pytest.mark.django_db(transaction=True)
def test_an_import_ends_with_its_counters_and_its_rejects() -> None:
    make_business(currency="GBP")
    program = Program()
    made = content(send(program, {"store": "taobao", "mapping": json.dumps(MAPPING)}))["id"]
    run_import(import_id=made, now=timezone.now())
    done = content(program.get(f"/imports/{made}"))
    assert (done["state"], done["failure"], done["progress"]) == ("done", None, None)
    assert (done["lines_read"], done["lines_accepted"], done["lines_rejected"]) == (3, 2, 1)
    [reject] = content(program.get(f"/imports/{made}/rejects"))["items"]
    assert (reject["line_number"], reject["column"]) == (4, "Buyer")
    with closing(program.get(f"/imports/{made}/rejects.csv")) as download:
        lines = b"".join(download.streaming_content).decode("utf-8-sig").splitlines()
    assert download["Content-Disposition"] == f'attachment; filename="rejects-{made}.csv"'
    assert lines[0].startswith("Order,Date,Buyer,SKU,Qty,Price,")
    assert lines[1].startswith("A3,2024-10-06 10:00:00,,wipes,1,9.99,4,Buyer,")
    assert [order["code"] for order in content(program.get("/orders"))["items"]] == ["A1", "A2"]


@pytest.mark.django_db(transaction=True)
def test_a_file_that_cannot_be_used_says_why() -> None:
    make_business(currency="GBP")
    program = Program()
    mapping = {"columns": MAPPING["columns"] | {"order_code": "Invoice"}}
    made = content(send(program, {"store": "taobao", "mapping": json.dumps(mapping)}))["id"]
    with pytest.raises(intake.UnknownColumnError):
        run_import(import_id=made, now=timezone.now())
    done = content(program.get(f"/imports/{made}"))
    assert (done["state"], done["failure"]["code"]) == ("failed", "unknown_column")
    assert "Invoice" in done["failure"]["detail"]


@pytest.mark.django_db(transaction=True)
def test_a_file_of_another_kind_comes_in_and_is_undone() -> None:
    make_business(currency="GBP")
    program = Program()
    columns = {"external": "id", "customer_name": "name"}
    fields = {"store": "taobao", "mapping": json.dumps({"kind": "customers", "columns": columns})}
    made = content(send(program, fields, text="id,name\nA,Ann\n"))
    assert (made["kind"], made["state"]) == ("customers", "queued")
    run_import(import_id=made["id"], now=timezone.now())
    done = content(program.get(f"/imports/{made['id']}"))
    assert (done["state"], done["customers_added"]) == ("done", 1)
    undone = content(program.post(f"/imports/{made['id']}/undo", {}))
    assert undone["state"] == "undoing"
    run_undo(import_id=made["id"], now=timezone.now())
    again = program.post(f"/imports/{made['id']}/undo", {})
    assert (again.status_code, content(again)["code"]) == (409, "not_undoable")


@pytest.mark.unit
def test_the_mapping_of_the_api_is_the_mapping_of_intake() -> None:
    body = MappingBody.model_validate({"columns": {"order_code": "Order"}})
    assert body.read() == intake.Mapping(columns={"order_code": "Order"})
    assert set(MappingBody.model_fields) == set(intake.Mapping.__dataclass_fields__) - {"version"}
