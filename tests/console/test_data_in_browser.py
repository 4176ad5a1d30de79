from operator import attrgetter
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from regulars.intake import operations
from regulars.intake.models import Import
from regulars.intake.undoing import run_undo
from regulars.shop.models import Order
from regulars.shop.operations import define_attribute
from tests.console.browser import LOOKS, Console, Look
from tests.intake.importing import NOW, import_lines
from tests.intake.test_constants import HEADER as CUSTOMERS
from tests.intake.test_constants import ROWS
from tests.intake.test_shopify_files import BAGS, WIPES, first, later
from tests.intake.test_shopify_files import HEADER as ORDERS
from tests.shop.factories import make_business
from tests.staff.factories import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

CONTENT = "Order ID,Order Date,Customer ID,SKU,Product Name,Quantity,Unit Price\n" + "".join(
    f"10{i},2026-01-{i:02},C{i % 5},W{i % 3},Baby wipes {i % 3},{-1 if i == 7 else 2},{'?' if i == 9 else '12.50'}\n"
    for i in range(1, 25)
)


def write_customers(folder: Path) -> Path:
    path = folder / "customers_export.csv"
    path.write_text("\n".join((CUSTOMERS, *ROWS)), encoding="utf-8")
    return path


def write_orders(folder: Path) -> Path:
    path = folder / "orders_export.csv"
    lines = (
        first("#1", WIPES, status="partially_refunded", discount="1.00", refunded="2.00", code="SAVE1"),
        later("#1", BAGS),
    )
    path.write_text("\n".join((ORDERS, *lines)), encoding="utf-8")
    return path


@pytest.mark.parametrize("look", LOOKS, ids=attrgetter("name"))
def test_the_data_pages_are_sound(*, console: Console, look: Look, tmp_path: Path) -> None:
    make_business()
    alice = make_user(name="Alice")
    lines = [
        f"{i},2026-01-05,A,wipes,{-1 if i == 7 else 1},{'?' if i % 5 == 0 else '2.50'}" for i in range(1, 30)
    ]
    done = import_lines(tmp_path, *lines)
    operations.save_map_of(import_id=done.pk, name="Own site")
    path = tmp_path / "taobao-2026-01.csv"
    path.write_text(CONTENT)
    waiting = operations.register(path=path, store_code="taobao", created_by=alice, now=NOW)
    define_attribute(name="skin_type", label="Skin type", label_zh="肤质", type="choice", choices=["dry"])
    people = tmp_path / "customers.csv"
    people.write_text("Customer ID,Email,Tags,Skin type\nA,a@b.example,VIP,dry\nB,b@b.example,,green\n")
    customers = operations.register(
        path=people, kind="customers", store_code="main", created_by=alice, now=NOW
    )
    consents = operations.register(
        path=write_customers(tmp_path), kind="consents", store_code="main", created_by=alice, now=NOW
    )
    shopify = operations.register(path=write_orders(tmp_path), store_code="main", created_by=alice, now=NOW)
    running = operations.register(path=path, store_code="taobao", created_by=alice, now=NOW)
    Import.objects.filter(pk=running.pk).update(
        state="running", stage="staging", stage_done=400, stage_total=1000
    )
    failed = operations.register(path=path, store_code="main", now=NOW)
    Import.objects.filter(pk=failed.pk).update(state="cancelled")
    pages = {
        "data": "/data/",
        "data-matching": f"/data/{waiting.pk}/",
        "data-matching-customers": f"/data/{customers.pk}/?match=names",
        "data-matching-consents": f"/data/{consents.pk}/",
        "data-matching-shopify": f"/data/{shopify.pk}/",
        "data-running": f"/data/{running.pk}/",
        "data-result": f"/data/{done.pk}/",
        "data-rejects": f"/data/{done.pk}/rejects/",
        "data-cancelled": f"/data/{failed.pk}/",
    }
    console.look_over(pages, look=look, user=alice)


def test_a_file_is_brought_in_from_upload_to_result(*, console: Console, tmp_path: Path) -> None:
    make_business()
    path = tmp_path / "orders.csv"
    path.write_text(CONTENT)
    page = console.open("/data/", user=make_user())
    page.get_by_label("Drop a file here, or choose one").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="Which column says what")).to_be_visible()
    expect(page.get_by_role("cell", name="order line").first).to_be_visible()
    page.get_by_label("Order date", exact=True).select_option("")
    expect(page.get_by_text("Still to be matched:")).to_be_visible()
    page.get_by_label("Order date", exact=True).select_option("Order Date")
    expect(page.get_by_text("24 lines in the file")).to_be_visible()
    page.get_by_role("button", name="Start the import").click()
    expect(page.locator("main").get_by_text("Waiting for its turn")).to_be_visible()
    operations.run_import(import_id=Import.objects.get().pk, now=NOW)
    expect(page.get_by_role("heading", name="What became of every line")).to_be_visible(timeout=10_000)
    assert Order.objects.count() == 22
    page.get_by_role("link", name="Refused", exact=True).click()
    expect(page.get_by_role("cell", name="the price or amount is not a number")).to_be_visible()


def test_refused_lines_are_mended_and_whole_imports_cancelled_and_undone_in_chinese(
    *, console: Console, tmp_path: Path
) -> None:
    make_business()
    page = console.open("/data/", user=make_user(), look=Look(375, "zh-hans", "light"))

    def bring_in(path: Path) -> None:
        page.goto(f"{console.url}/data/")
        page.get_by_label("将文件拖到这里，或点击选择").set_input_files(path)
        page.get_by_role("button", name="上传").click()
        page.get_by_role("button", name="检查每一行").click()
        expect(page.locator("#checked")).to_contain_text("行将被拒收")
        console.check(page, where="a checked file")
        console.picture(page, f"data-checked-{path.stem}", is_whole=True)
        page.get_by_role("button", name="开始导入").click()
        expect(page.locator("main").get_by_role("button", name="取消")).to_be_visible()

    def say_yes(button: str, *, title: str, yes: str) -> None:
        page.get_by_role("button", name=button, exact=True).first.click()
        page.get_by_role("dialog", name=title).get_by_role("button", name=yes).click()

    def run() -> None:
        operations.run_import(import_id=Import.objects.latest("id").pk, now=timezone.now())
        expect(page.get_by_role("heading", name="每一行的结果")).to_be_visible(timeout=10_000)

    orders = tmp_path / "orders.csv"
    orders.write_text(CONTENT)
    bring_in(orders)
    say_yes("取消", title="取消导入？", yes="取消导入")
    expect(page.get_by_text("导入已取消，没有保留任何数据。").first).to_be_visible()
    assert not Order.objects.exists()

    bring_in(orders)
    run()
    with page.expect_download() as download:
        page.get_by_role("link", name="未导入的行").click()
    refused = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert refused.count("\n") == 2
    mended = tmp_path / "mended.csv"
    mended.write_text(refused.replace(",?,", ",12.50,", 1))
    bring_in(mended)
    run()
    console.picture(page, "data-mended-375-zh-hans-light", is_whole=True)
    assert [row.lines_rejected for row in Import.objects.order_by("id")] == [0, 1, 0]
    assert Order.objects.count() == 23

    for left in (22, 0):
        row = Import.objects.filter(state="done").latest("id")
        page.goto(f"{console.url}/data/{row.pk}/")
        say_yes("撤销导入", title="撤销这次导入？", yes="撤销导入")
        expect(page.locator("main").get_by_text("正在撤销").first).to_be_visible()
        run_undo(import_id=row.pk, now=timezone.now())
        page.reload()
        expect(page.get_by_text("这次导入已撤销")).to_be_visible()
        assert Order.objects.count() == left
    console.check(page, where="an import that was undone")
