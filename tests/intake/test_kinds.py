"""Every kind of file becomes part of the record, once, and says of each refused line what was wrong."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from regulars.intake import operations
from regulars.intake.kinds import KINDS
from regulars.intake.kinds.kind import Kind
from regulars.intake.mapping import Mapping
from regulars.intake.models import Import
from regulars.intake.queries import preview, proposal
from regulars.intake.understanding import NeedsAnswerError
from regulars.outbox.models import OutboxEvent
from regulars.shop import operations as shop
from regulars.shop import privacy_log
from regulars.shop.models import Consent, Customer, Event, Message, Order, Product, Refund
from regulars.shop.rules import language_of
from tests.intake.importing import NOW, import_file, import_lines, state
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

FILES = {
    "customers": (
        """\
会员ID,邮箱,手机,姓名,国家
A,ann@x.y,13800138000,王芳,CN
B,,1.38E+10,李娜,CN
,,138****8000,张伟,CN
C,,13900139000,赵敏,CN
""",
        {3: "digits_lost", 4: "masked_customer"},
    ),
    "products": (
        """\
Product ID,Product Name,Category,Brand,Size
wipes,Baby wipes,Care,Soft,80
,Nameless,Care,,
soap,Soap,Care,,2
""",
        {3: "empty_field"},
    ),
    "refunds": (
        """\
退款编号,订单编号,退款完结时间,商品编码,退款金额
R1,1,2026-02-01 10:00:00,wipes,1.50
R2,9,2026-02-01 10:00:00,wipes,1.50
R3,1,soon,wipes,1.50
R4,1,2026-02-01 10:00:00,wipes,0
""",
        {3: "unknown_order", 4: "bad_date", 5: "nothing_refunded"},
    ),
    "events": (
        """\
Event,Event Time,Customer ID,SKU,URL,Search term
Product Viewed,2026-02-01 10:00:00,A,wipes,/wipes,
Searched,2026-02-02 10:00:00,new,,/s,湿巾
Searched,2026-02-02 10:00:00,new,,/s,湿巾
,2026-02-02 10:00:00,A,,,
""",
        {5: "empty_field"},
    ),
    "tickets": (
        """\
工单编号,提交时间,会员ID,订单编号,售后原因
T1,2026-02-01 10:00:00,A,1,少件
T1,2026-02-01 10:00:00,A,1,少件
T2,2026-02-03 10:00:00,,1,破损
""",
        {4: "no_customer"},
    ),
    "answers": (
        """\
Response ID,Submitted at,Customer ID,Survey,Rating,Comment
1,2026-02-01,A,NPS,9.5,good
2,2026-02-02,B,NPS,ten,
""",
        {3: "bad_number"},
    ),
    "coupons": (
        """\
券码,使用时间,会员ID,订单编号,面额
W20,2026-02-01 10:00:00,A,1,￥5.00
W20,2026-02-31 10:00:00,A,1,￥5.00
""",
        {3: "bad_date"},
    ),
    "consents": (
        """\
Customer ID,Email,Consent Date,Channel,Subscribed
A,ann@x.y,2026-02-01 10:00:00,newsletter,yes
B,bob@x.y,2026-02-01 10:00:00,短信,已退订
B,bob@x.y,,sms,no
""",
        {4: "empty_field"},
    ),
}


def bring_in(folder: Path, kind: str, text: str, mapping: Mapping | None = None) -> Import:
    path = folder / f"{kind}.csv"
    path.write_text(text, encoding="utf-8")
    return import_file(path, kind=kind, mapping=mapping)


def everything() -> dict[str, list[tuple[object, ...]]]:
    events = Event.objects.values_list(
        "at", "name", "customer__code", "product__code", "order_code", "url", "properties"
    )
    consents = Consent.objects.values_list(
        "customer__code", "channel", "purpose", "state", "at", "address", "source"
    )
    return {**state(), "events": sorted(events, key=repr), "consents": sorted(consents, key=repr)}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_of_every_kind_comes_in_once_and_can_be_taken_back(tmp_path: Path, kind: str) -> None:
    make_business(currency="CNY")
    import_lines(tmp_path, "1,2026-01-05,A,wipes,1,2.50", "2,2026-01-06,A,soap,1,2.50")
    before = everything()
    text, refused = FILES[kind]
    row = bring_in(tmp_path, kind, text)
    assert dict(row.rejects.values_list("line_number", "reason")) == refused
    assert row.lines_read == len(text.splitlines()) - 1
    assert row.lines_accepted + row.refunds == row.lines_read - len(refused)
    after = everything()
    assert after != before
    again = bring_in(tmp_path, kind, text)
    assert (again.rows_added, again.rows_changed, again.customers_added) == (0, 0, 0)
    assert everything() == after
    if not KINDS[kind].can_undo:
        return
    operations.run_undo(import_id=again.pk, now=NOW)
    operations.run_undo(import_id=row.pk, now=NOW)
    assert everything() == before
    assert bring_in(tmp_path, kind, text).rows_added == row.rows_added
    assert everything() == after


def test_every_kind_is_tried_here() -> None:
    assert set(FILES) == set(KINDS) - {"orders", "ga4"}


def test_what_the_files_said_is_in_the_record(tmp_path: Path) -> None:
    make_business(currency="CNY")
    import_lines(tmp_path, "1,2026-01-05,A,wipes,1,2.50")
    for kind, (text, _) in FILES.items():
        bring_in(tmp_path, kind, text)
    ann = Customer.objects.get(code="A")
    assert (ann.name, ann.country) == ("王芳", "CN")
    assert set(ann.identifiers.values_list("kind", "value")) == {
        ("external", "A"), ("email", "ann@x.y"), ("phone", "13800138000"),
    }  # fmt: skip
    assert Product.objects.get(code="wipes").category == "Care"
    assert Order.objects.get().refunded_minor == 150
    assert Refund.objects.get().key == "1:R1"
    viewed = Event.objects.get(name="Product Viewed")
    assert (viewed.customer, viewed.product, viewed.url) == (ann, Product.objects.get(code="wipes"), "/wipes")
    assert Event.objects.filter(name="Searched", properties__contains={"Search term": "湿巾"}).count() == 2
    answer = Event.objects.get(name="Survey Answered")
    assert (answer.properties["score"], answer.properties["answer"]) == (9.5, "good")
    assert Event.objects.get(name="Coupon Redeemed").properties["discount_minor"] == 500
    assert Event.objects.filter(name="Ticket Opened").count() == 1
    assert Message.objects.count() == Event.objects.count()
    assert sorted(Consent.objects.values_list("channel", "purpose", "state", "address")) == [
        ("email", "marketing", "granted", "ann@x.y"),
        ("sms", "marketing", "withdrawn", ""),
    ]


def test_a_file_of_consents_goes_by_the_ledgers_rules_and_asks_nobody(tmp_path: Path) -> None:
    make_business()
    text = """\
Customer ID,Consent Date,Channel,Subscribed
A,2026-02-01 10:00:00,email,no
B,2026-02-01 10:00:00,email,unconfirmed
"""
    for _ in range(2):
        bring_in(tmp_path, "consents", text)
        # What was taken back is told to the log outside the database, once.
        assert privacy_log.log_file().read_text().count('"withdrawn"') == 1
    assert not privacy_log.is_behind()
    assert not OutboxEvent.objects.filter(name="shop.ConsentPending").exists()


def test_what_a_file_tells_of_an_erased_person_is_refused_without_keeping_it(tmp_path: Path) -> None:
    make_business()
    text = FILES["consents"][0]
    bring_in(tmp_path, "consents", text)
    shop.erase_customer(customer_id=Customer.objects.get(code="A").pk, now=datetime(2026, 3, 1, tzinfo=UTC))
    row = bring_in(tmp_path, "consents", text)
    refused = {one.line_number: (one.reason, one.raw, one.value) for one in row.rejects.all()}
    assert refused[2] == ("erased_person", {}, "")
    assert (row.lines_read, row.lines_accepted, row.lines_rejected) == (3, 1, 2)
    assert not Customer.objects.filter(code="A").exists()
    # Who says something new is somebody new.
    row = bring_in(tmp_path, "consents", text + "A,ann@x.y,2026-03-02 10:00:00,newsletter,yes\n")
    assert (row.lines_accepted, row.lines_rejected) == (2, 2)
    assert Customer.objects.get(code="A").erased_at is None


def test_a_word_that_nobody_knows_is_asked_and_the_answer_is_kept(tmp_path: Path) -> None:
    make_business()
    text = "Customer ID,Consent Date,Channel,Subscribed\nA,2026-02-01 10:00:00,pigeon post,yes\n"
    path = tmp_path / "consents.csv"
    path.write_text(text)
    mapping = proposal(path, kind="consents").mapping
    with pytest.raises(NeedsAnswerError) as caught:
        preview(path=path, mapping=mapping, store_code="main", now=NOW)
    (question,) = caught.value.questions
    assert question.choices[0].value == {"channel": {"pigeon post": "email"}}
    row = bring_in(
        tmp_path, "consents", text, mapping.with_answers(words={"channel": {"pigeon post": "post"}})
    )
    assert (row.rows_added, Consent.objects.get().channel) == (1, "post")


def test_what_a_customer_file_says_stands_against_older_orders_and_for_newer_ones(tmp_path: Path) -> None:
    make_business()
    orders = "order,date,customer,name,sku,qty,price\n{0},{1},A,{2},wipes,1,2.50\n"
    known = Mapping(columns={
        "order_code": "order", "placed_at": "date", "external": "customer", "customer_name": "name",
        "product_code": "sku", "quantity": "qty", "unit_price": "price",
    })  # fmt: skip
    files = {
        "old": lambda: bring_in(tmp_path, "orders", orders.format(1, "2026-01-05", "Old"), known),
        "file": lambda: bring_in(
            tmp_path, "customers", "Customer ID,Customer Name,Updated at\nA,Told,2026-03-01\n"
        ),
        "mid": lambda: bring_in(tmp_path, "orders", orders.format(2, "2026-02-05", "Middle"), known),
    }
    for name in ("file", "old", "mid"):
        files[name]()
        assert Customer.objects.get().name == "Told"
    bring_in(tmp_path, "orders", orders.format(3, "2026-04-05", "New"), known)
    assert Customer.objects.get().name == "New"


@pytest.mark.parametrize("kind", [one for one in KINDS.values() if one.moment and one.name != "orders"])
def test_only_an_order_has_an_order_date(kind: Kind) -> None:
    assert str(kind.field(kind.moment).label) not in ("Order date", "")


def test_a_file_says_what_language_customers_speak_where_they_have_not_said_it(tmp_path: Path) -> None:
    make_business()
    told = {
        "A": "Chinese",
        "B": "zh-CN",
        "C": "EN_us",
        "D": "中文",
        "E": "fr",
        "F": "-",
        "G": "中文（简体）",
        "H": "en",
    }
    bring_in(tmp_path, "customers", "Customer ID,Customer Name\nG,Gu\nH,Hu\n")
    shop.speak_to(customer_id=Customer.objects.get(code="H").pk, language="zh-hans")
    text = "Customer ID,Language\n" + "".join(f"{code},{said}\n" for code, said in told.items())
    row = bring_in(tmp_path, "customers", text)
    said = dict(Customer.objects.order_by("code").values_list("code", "language"))
    assert said == {
        "A": "zh-hans", "B": "zh-hans", "C": "en", "D": "zh-hans", "E": "fr", "F": "", "G": "zh-hans", "H": "zh-hans"
    }  # fmt: skip
    assert row.rejects.count() == 0
    again = bring_in(tmp_path, "customers", text)
    assert (again.rows_changed, again.customers_added) == (0, 0)
    operations.run_undo(import_id=again.pk, now=NOW)
    operations.run_undo(import_id=row.pk, now=NOW)
    assert dict(Customer.objects.values_list("code", "language")) == {"G": "", "H": "zh-hans"}


@pytest.mark.parametrize("heading", ["Time", "时间", "Timestamp"])
def test_a_file_of_behaviour_may_call_its_moment_by_a_short_name(tmp_path: Path, heading: str) -> None:
    make_business()
    bring_in(tmp_path, "events", f"Event,Customer ID,{heading}\nProduct Viewed,A,2026-05-01 10:00:00\n")
    assert Event.objects.get().name == "Product Viewed"


def test_the_language_told_last_holds_whichever_file_comes_first(tmp_path: Path) -> None:
    make_business()
    files = {
        "early": "Customer ID,Language,Updated at\nA,zh,2026-02-01\nB,en,2026-02-01\nC,en,2026-02-01\n",
        "late": "Customer ID,Language,Updated at\nA,en,2026-03-01\nB,en,2026-03-01\n",
        "between": "Customer ID,Language,Updated at\nA,zh,2026-02-15\nB,zh,2026-02-15\nC,fr,2026-02-15\nC,zh,2026-02-14\n",
    }
    for order in (("early", "late", "between"), ("late", "between", "early")):
        rows = [bring_in(tmp_path, "customers", files[name]) for name in order]
        assert dict(Customer.objects.values_list("code", "language")) == {"A": "en", "B": "en", "C": "fr"}
        for row in reversed(rows):
            operations.run_undo(import_id=row.pk, now=NOW)


@pytest.mark.parametrize(
    "told",
    [
        "zh-CN",
        "EN_us",
        "en",
        "enx",
        "English",
        "french",
        "fr",
        "fr-CA",
        "es-419",
        "中文（简体）",
        "汉语",
        "-",
        "zzz",
    ],
)
def test_a_file_reads_a_language_as_programs_are_read(tmp_path: Path, told: str) -> None:
    make_business()
    bring_in(tmp_path, "customers", f"Customer ID,Customer Name,Language\nA,Ann,{told}\n")
    assert Customer.objects.get().language == language_of(told)
