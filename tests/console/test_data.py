"""A file comes in through the pages: uploaded, matched, previewed, started, and what was refused is shown."""

import json
import re
from pathlib import Path
from typing import cast

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from regulars.intake.mapping import Mapping
from regulars.intake.models import ColumnMap, Import
from regulars.intake.operations import run_import, run_undo
from regulars.shop.models import Order
from regulars.shop.operations import measure_record
from regulars.shop.queries import quality
from regulars.staff.rules import Role
from tests.intake.importing import NOW, SIMPLE, import_lines
from tests.shop.factories import make_business
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

CONTENT = (
    "Order ID,Order Date,Customer ID,SKU,Quantity,Unit Price\n"
    "1,2026-01-15,A,wipes,2,2.50\n2,2026-01-16,B,soap,-1,1.00\n3,2026-01-17,,soap,1,1.00\n"
)


def logged_in(role: Role = Role.MARKETER) -> Client:
    client = Client()
    client.force_login(make_user(role=role))
    return client


def uploaded(client: Client, content: str = CONTENT) -> Import:
    file = SimpleUploadedFile("orders.csv", content.encode())
    response = client.post(reverse("console:data-uploads"), {"file": file, "store": "main"})
    assert response.status_code == 302
    return Import.objects.latest("id")


def chosen(**other: object) -> dict[str, object]:
    return {
        "order_code": "Order ID", "placed_at": "Order Date", "external": "Customer ID", "product_code": "SKU",
        "quantity": "Quantity", "unit_price": "Unit Price", **other,
    }  # fmt: skip


def test_an_uploaded_file_is_matched_previewed_and_started() -> None:
    make_business()
    client = logged_in()
    row = uploaded(client)
    page = client.get(reverse("console:data-import", args=[row.pk])).content.decode()
    assert '<option value="Order Date" selected>' in page
    preview = client.post(reverse("console:data-preview", args=[row.pk]), chosen())
    assert preview.status_code == 200
    text = preview.content.decode()
    assert [text.count(f">{word}<") for word in ("order line", "refund", "no customer")] == [1, 1, 1]
    response = client.post(reverse("console:data-start", args=[row.pk]), chosen(map_name="ours"))
    assert response.status_code == 302
    row.refresh_from_db()
    assert row.state == "queued"
    assert ColumnMap.objects.get().name == "ours"
    run_import(import_id=row.pk, now=NOW)
    page = client.get(reverse("console:data-import", args=[row.pk])).content.decode()
    assert "Refunds without an order" in page
    assert Order.objects.count() == 1


def test_every_line_is_checked_before_anything_is_written() -> None:
    make_business()
    client = logged_in()
    wrong = "".join(f"{n},2026-01-17,A,soap,x,1.00\n" for n in range(4, 34))
    row = uploaded(client, CONTENT + wrong)
    url = reverse("console:data-check", args=[row.pk])
    text = " ".join(client.post(url, chosen()).content.decode().split())
    assert (
        "<strong>1</strong> line would come in · <strong>1</strong> refund · <strong>31</strong> would be refused"
        in text
    )
    assert text.count("<code>x</code>") == 19
    assert "These are the first ones" in text
    assert not Order.objects.exists()
    row.refresh_from_db()
    assert row.state == "uploaded"
    unmatched = client.post(url, chosen(order_code="")).content.decode()
    assert "Still to be matched" in unmatched
    assert logged_in(Role.ANALYST).post(url, chosen()).status_code == 403


def test_a_date_that_can_be_read_two_ways_is_asked_on_the_page() -> None:
    make_business()
    client = logged_in()
    row = uploaded(client, re.sub(r"2026-01-1(.)", r"1/\1/2026", CONTENT))
    url = reverse("console:data-preview", args=[row.pk])
    asked = client.post(url, chosen())
    assert "day first or month first" in asked.content.decode()
    answer = json.dumps(["date_formats", "Order Date", ["%m/%d/%Y"]])
    assert "2026-01-05" in client.post(url, chosen(answer=answer)).content.decode()


def test_dates_that_contradict_each_other_are_asked_about_as_what_they_are() -> None:
    make_business()
    client = logged_in()
    dates = iter(("13/01/2026", "01/14/2026"))
    row = uploaded(client, re.sub(r"2026-01-1.", lambda found: next(dates, found[0]), CONTENT))
    asked = client.post(reverse("console:data-preview", args=[row.pk]), chosen()).content.decode()
    assert "some dates can only be read day first, and others only month first" in asked


def test_what_is_not_matched_is_told_inline() -> None:
    make_business()
    client = logged_in()
    row = uploaded(client)
    response = client.post(reverse("console:data-start", args=[row.pk]), chosen(placed_at=""))
    assert response.status_code == 422
    assert "<li>the order date</li>" in response.content.decode()
    row.refresh_from_db()
    assert row.state == "uploaded"


def test_progress_is_polled_until_the_import_is_over() -> None:
    make_business()
    client = logged_in()
    row = uploaded(client)
    Import.objects.filter(pk=row.pk).update(state="running", stage="staging", stage_done=5, stage_total=10)
    url = reverse("console:data-progress", args=[row.pk])
    assert "5 of 10" in client.get(url).content.decode()
    Import.objects.filter(pk=row.pk).update(state="cancelled")
    assert client.get(url).headers["HX-Refresh"] == "true"


def test_refused_lines_are_listed_by_reason_and_downloaded(tmp_path: Path) -> None:
    make_business()
    row = import_lines(tmp_path, "1,2026-01-05,A,w,1,x", *(f"{i},2026-01-05,,w,1,1" for i in range(100, 160)))
    client = logged_in(Role.ANALYST)
    url = reverse("console:data-rejects", args=[row.pk])
    page = client.get(url).content.decode()
    assert page.count("no customer</td>") == 49
    assert client.get(f"{url}?after=51").content.decode().count("no customer</td>") == 11
    assert client.get(f"{url}?reason=bad_price").content.decode().count("<code>x</code>") == 1
    download = client.get(reverse("console:data-reject-file", args=[row.pk]))
    assert download.headers["Content-Disposition"] == 'attachment; filename="orders-refused.csv"'
    assert len(b"".join(download).splitlines()) == 62


def test_who_may_only_look_cannot_bring_files_in() -> None:
    make_business()
    row = uploaded(logged_in())
    analyst = logged_in(Role.ANALYST)
    assert analyst.get(reverse("console:data")).status_code == 200
    assert "data-dropzone" not in analyst.get(reverse("console:data")).content.decode()
    assert analyst.get(reverse("console:data-import", args=[row.pk])).status_code == 200
    for name in ("data-preview", "data-start", "data-cancellation"):
        assert analyst.post(reverse(f"console:{name}", args=[row.pk])).status_code == 403
    assert logged_in(Role.AGENT).get(reverse("console:data")).status_code == 403


@pytest.mark.parametrize("imports", [1, 3])
def test_the_list_costs_the_same_queries_for_one_file_and_for_three(
    tmp_path: Path, imports: int, django_assert_max_num_queries: object
) -> None:
    make_business()
    client = logged_in()
    for _ in range(imports):
        import_lines(tmp_path, "1,2026-01-05,A,w,1,1")
    client.get(reverse("console:data"))
    with django_assert_max_num_queries(7):  # type: ignore[operator]
        client.get(reverse("console:data"))


def test_a_saved_map_can_be_forgotten() -> None:
    saved = ColumnMap.objects.create(name="ours", header=["a"], mapping=SIMPLE.to_json())
    assert Mapping.from_json(saved.mapping) == SIMPLE
    logged_in().post(reverse("console:data-map-removal", args=[saved.pk]))
    assert not ColumnMap.objects.exists()


def test_a_file_of_customers_is_previewed_by_its_own_fields_and_undone() -> None:
    make_business()
    client = logged_in()
    file = SimpleUploadedFile("customers.csv", "会员ID,姓名\nA,王芳\n,李娜\n".encode("gb18030"))
    client.post(reverse("console:data-uploads"), {"file": file, "store": "main", "kind": "customers"})
    row = Import.objects.get()
    chosen_here = {"external": "会员ID", "customer_name": "姓名"}
    text = client.post(reverse("console:data-preview", args=[row.pk]), chosen_here).content.decode()
    assert "王芳" in text
    assert "gb18030" in text
    assert [text.count(f">{word}<") for word in ("customer", "no customer")] == [1, 1]
    assert client.post(reverse("console:data-start", args=[row.pk]), chosen_here).status_code == 302
    run_import(import_id=row.pk, now=NOW)
    url = reverse("console:data-import", args=[row.pk])
    assert "What the file added goes" in client.get(url).content.decode()
    client.post(reverse("console:data-undoing", args=[row.pk]))
    assert "Undoing" in client.get(url).content.decode()
    run_undo(import_id=row.pk, now=NOW)
    assert "The import was undone" in client.get(url).content.decode()


def test_an_encoding_that_nobody_can_tell_is_chosen_by_what_it_would_read() -> None:
    make_business()
    client = logged_in()
    file = SimpleUploadedFile("orders.csv", "заказ,покупатель\n1,Иванова Ольга\n".encode("cp1251"))
    client.post(reverse("console:data-uploads"), {"file": file, "store": "main"})
    url = reverse("console:data-import", args=[Import.objects.get().pk])
    assert "Which of these reads right?" in client.get(url).content.decode()
    assert client.get(url, {"encoding": "cp1251"}).status_code == 200


def test_the_refused_lines_come_in_every_form(tmp_path: Path) -> None:
    make_business()
    row = import_lines(tmp_path, "1,2026-01-05,A,湿巾,1,x")
    url = reverse("console:data-reject-file", args=[row.pk])
    client = logged_in()
    read = {}
    for form in ("excel", "gb18030", "parquet"):
        response = client.get(url, {"format": form})
        read[form] = b"".join(cast("StreamingHttpResponse", response))
    assert read["excel"].decode("utf-8-sig").startswith("order,date")
    assert "湿巾" in read["gb18030"].decode("gb18030")
    assert read["parquet"].startswith(b"PAR1")


SHOPIFY = (
    "Name,Email,Financial Status,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku\n"
)


def test_a_platforms_export_is_matched_by_its_preset_and_another_way_can_be_chosen() -> None:
    client = logged_in()
    row = uploaded(client, f"{SHOPIFY}#1,a@b.c,paid,2026-01-15 10:00:00 +0000,2,Wipes,2.50,W\n")
    address = reverse("console:data-import", args=[row.pk])
    page = client.get(address).content.decode()
    assert "Matched as an export of Shopify" in page
    assert '<option value="preset:taobao">' in page
    other = client.get(address, {"match": "preset:amazon"}).content.decode()
    assert '<option value="preset:amazon" selected>' in other
    assert "no saved map" in client.get(address, {"match": "map:99"}).content.decode()


def test_a_map_is_downloaded_and_taken_over_by_somebody_else() -> None:
    client = logged_in()
    saved = ColumnMap.objects.create(name="Ours", header=[], mapping=SIMPLE.to_json())
    response = client.get(reverse("console:data-map", args=[saved.pk]))
    assert Mapping.from_json(json.loads(response.content)) == SIMPLE
    target = reverse("console:data-map-upload")
    for content, name in (
        (response.content, "Theirs.json"),
        (b"[]", "Bad.json"),
        (b'{"columns": {"x": 1}}', "Worse.json"),
    ):
        client.post(target, {"map": SimpleUploadedFile(name, content)})
    assert list(ColumnMap.objects.order_by("name").values_list("name", flat=True)) == ["Ours", "Theirs"]
    assert ColumnMap.objects.get(name="Theirs").mapping == saved.mapping
    client.post(target, {"map": SimpleUploadedFile("Ours.json", b'{"columns": {"email": "Mail"}}')})
    saved.refresh_from_db()
    assert Mapping.from_json(saved.mapping) == SIMPLE, "a map of the same name was overwritten"


def test_the_page_of_data_quality_links_to_what_mends_and_to_what_lacks(
    django_assert_max_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_business()
    client = logged_in()
    with django_assert_max_num_queries(12):
        page = client.get(reverse("console:data-quality")).content.decode()
    assert 'href="/data/?kind=products#upload"' in page
    assert 'href="/trust/#churn"' in page
    # A large record is not counted while somebody waits.
    measure_record(now=NOW)
    monkeypatch.setattr(quality, "COUNTED_AT_ONCE", -1)
    monkeypatch.setattr(quality, "coverage", None)
    assert client.get(reverse("console:data-quality")).status_code == 200
    assert '<option value="products" selected>' in client.get("/data/?kind=products").content.decode()


@pytest.mark.parametrize("match", ["map:99", "preset:myspace"])
def test_a_way_to_match_that_is_none_is_told_in_the_readers_language(match: str) -> None:
    make_business()
    client = Client(headers={"accept-language": "zh-hans"})
    client.force_login(make_user(role=Role.MARKETER, language="zh-hans"))
    row = uploaded(client)
    page = client.get(reverse("console:data-import", args=[row.pk]), {"match": match}).content.decode()
    assert re.search("没有(保存的匹配方案|名为)", page)
    assert "there is no" not in page
    assert "must be one of" not in page


def test_a_file_that_is_gone_is_told_in_words() -> None:
    make_business()
    client = Client(headers={"accept-language": "zh-hans"})
    client.force_login(make_user(role=Role.MARKETER, language="zh-hans"))
    row = uploaded(client)
    Path(row.file_path).unlink()
    page = client.get(reverse("console:data-import", args=[row.pk])).content.decode()
    answer = client.post(reverse("console:data-preview", args=[row.pk]), chosen()).content.decode()
    for text in (page, answer):
        assert "请重新上传" in text
        assert "Errno" not in text
