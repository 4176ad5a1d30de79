from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from regulars.insights.models import DueProduct, Recommendation, Taste
from regulars.kernel.days import day_of_date
from regulars.shop.models import Identifier
from regulars.staff.rules import Role
from tests.console.shop_at_work import make_run
from tests.insights.factories import AS_OF_DAY, make_change, make_profile
from tests.planner.factories import make_action
from tests.shop.factories import (
    make_business,
    make_customer,
    make_line,
    make_order,
    make_product,
    make_refund,
)
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

REASON = {
    "code": "slowing_down", "stage": "declining", "orders": 3, "recency_days": 40, "cycle_days": 21.0,
    "year_minor": 10_000, "currency": "GBP",
}  # fmt: skip


@pytest.fixture
def client() -> Client:
    """Alice, who owns the shop."""
    alice = Client()
    alice.force_login(make_user(name="Alice"))
    return alice


@pytest.mark.parametrize("count", [1, 3])
def test_a_customer_costs_the_same_however_long_their_story(*, client: Client, count: int) -> None:
    run = make_run()
    customer = make_profile().customer
    make_action(customer=customer, reason=REASON)
    for number in range(count):
        make_line(order=make_order(customer=customer, day=20_000 - number))
        make_refund(customer=customer, day=20_000 - number)
        Identifier.objects.create(customer=customer, kind="phone", value=f"138{number}")
        make_change(customer=customer, run=run, label=("tier", "stage", "cell")[number], before="", after="")
    with CaptureQueriesContext(connection) as queries:
        response = client.get(f"/customers/{customer.pk}/")
    assert len(response.context["entries"]) == 3 * count
    assert len(queries) == 12
    with CaptureQueriesContext(connection) as queries:
        client.get(f"/customers/{customer.pk}/purchases/", headers={"HX-Request": "true"})
    assert len(queries) == 10


def test_the_page_says_where_they_stand_and_why(client: Client) -> None:
    make_run()
    customer = make_profile(cycle_days=21.0, rhythm_days=21.0).customer
    response = client.get(f"/customers/{customer.pk}/")
    text = response.content.decode()
    assert [kind for kind, _value, _why in response.context["whys"]] == ["tier", "stage", "cell"]
    assert "Neither buys often (3 orders" in text
    assert "Own rhythm: every 21 days on average." in text
    recency, frequency, _money = response.context["measures"]
    assert [(step.limit, step.is_own) for step in recency.steps] == [
        ("> 180", False), ("≤ 180", False), ("≤ 72", True), ("≤ 33", False), ("≤ 15", False),
    ]  # fmt: skip
    assert [step.limit for step in frequency.steps] == ["< 2", "≥ 2", "≥ 3", "≥ 4", "–"]


@pytest.mark.parametrize(
    ("due", "late", "words"),
    [
        (AS_OF_DAY + 5, AS_OF_DAY + 9, "Not yet due: the next order is expected by 10 Oct 2024, in 5 days."),
        (AS_OF_DAY, AS_OF_DAY + 9, "Due since 5 Oct 2024; late after 14 Oct 2024."),
        (AS_OF_DAY - 2, None, "Due since 3 Oct 2024."),
        (AS_OF_DAY - 9, AS_OF_DAY - 1, "Late: the next order was expected by 26 Sept 2024, 9 days ago."),
    ],
)
def test_the_cycle_says_where_today_lies(*, client: Client, due: int, late: int | None, words: str) -> None:
    make_run()
    customer = make_profile(due_day=due, late_day=late).customer
    cycle = client.get(f"/customers/{customer.pk}/").context["cycle"]
    assert cycle.sentence == words
    assert 0 <= cycle.due_at <= 100
    assert 0 <= cycle.today_at <= 100


def test_a_prospect_has_a_stage_and_nothing_else(client: Client) -> None:
    make_run()
    customer = make_profile(
        orders=0, frequency=0, monetary_minor=0, r=None, f=None, m=None, cell="", tier="", stage="prospect",
        first_day=None, last_day=None, cycle_days=None, due_day=None, late_day=None,
    ).customer  # fmt: skip
    response = client.get(f"/customers/{customer.pk}/")
    assert [why for _kind, _value, why in response.context["whys"]] == ["Has not bought anything yet."]
    assert response.context["measures"] == []
    assert response.context["cycle"] is None
    assert "Nothing has happened yet" in response.content.decode()


def test_a_customer_whom_no_run_has_seen_has_a_page(client: Client) -> None:
    customer = make_customer(code="N1", name="Nora")
    make_order(customer=customer, code="O-77")
    text = client.get(f"/customers/{customer.pk}/").content.decode()
    assert "Not yet understood" in text
    assert "Order O-77" in text


def test_nobody_has_a_page_that_does_not_exist(client: Client) -> None:
    assert client.get("/customers/404/").status_code == 404


def test_the_story_goes_on_where_it_stopped(*, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regulars.console.customer._STORY_PAGE", 2)
    make_business()
    customer = make_customer()
    for number in range(5):
        make_order(customer=customer, day=100 + number, code=f"O{number}")
    page = client.get(f"/customers/{customer.pk}/").context
    seen = [item.entry.told["code"] for item in page["entries"]]
    older = page["older"]
    later = client.get(f"/customers/{customer.pk}/?story={older}").context["entries"]
    assert [item.entry.told["code"] for item in later] == ["O2", "O1"]
    while older:
        context = client.get(f"/customers/{customer.pk}/story/?after={older}").context
        seen += [item.entry.told["code"] for item in context["entries"]]
        older = context["older"]
    assert seen == ["O4", "O3", "O2", "O1", "O0"]


@pytest.mark.parametrize("place", ["", "x", "1.2", "1.2.3.4", "9" * 30 + ".1.1"])
def test_a_place_without_meaning_begins_with_the_newest(*, client: Client, place: str) -> None:
    make_business()
    order = make_order(code="O1")
    context = client.get(f"/customers/{order.customer_id}/story/?after={place}").context
    assert [item.entry.told["code"] for item in context["entries"]] == ["O1"]


def test_refunds_and_orders_that_do_not_count_say_so(client: Client) -> None:
    make_business()
    customer = make_customer()
    kept = make_order(customer=customer, code="O1", amount_minor=1_000, refunded_minor=300)
    make_refund(customer=customer, order=kept, amount_minor=300)
    make_order(customer=customer, code="O2", amount_minor=500, refunded_minor=500)
    make_order(customer=customer, code="O3", status="cancelled")
    make_refund(customer=customer, amount_minor=77)
    guest = make_customer()
    make_order(customer=guest, code="O4", amount_minor=0)
    text = client.get(f"/customers/{customer.pk}/").content.decode()
    free = client.get(f"/customers/{guest.pk}/").content.decode()
    assert "nothing to pay" in free
    assert "refunded in full" not in free
    for words in (
        "£3.00 given back", "refunded in full", "Cancelled", "Refund of order O1", "Refund without a known order", "−£0.77",
    ):  # fmt: skip
        assert words in text


def test_the_lines_of_an_order_come_when_asked_for(client: Client) -> None:
    make_business()
    order = make_order()
    make_line(order=order, product=make_product(code="P1"), quantity=12, amount_minor=345)
    address = f"/customers/{order.customer_id}/orders/{order.pk}/"
    fragment = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "Wipes P1" in fragment
    assert "£3.45" in fragment
    assert "<html" not in fragment
    assert "<html" in client.get(address).content.decode()
    stranger = make_customer()
    assert "Wipes P1" not in client.get(f"/customers/{stranger.pk}/orders/{order.pk}/").content.decode()


def test_purchases_show_what_the_money_went_to(client: Client) -> None:
    make_business()
    customer = make_customer()
    order = make_order(customer=customer, day=day_of_date(date(2024, 1, 15)), amount_minor=1_000)
    make_line(order=order, product=make_product(category="Care"), amount_minor=750)
    make_line(order=order, product=make_product(category=""), amount_minor=250)
    response = client.get(f"/customers/{customer.pk}/purchases/", headers={"HX-Request": "true"})
    text = response.content.decode()
    assert [(category.name, category.share) for category in response.context["categories"]] == [
        ("Care", 0.75),
        ("", 0.25),
    ]
    assert "Without a category" in text
    assert response.context["chart"].table.rows == [["Jan 2024", "£10.00", "1"]]
    months = client.get(f"/customers/{customer.pk}/months.csv")
    assert b"".join(months.streaming_content).decode().split() == [  # type: ignore[attr-defined]
        "month,net_minor,orders",
        "2024-01,1000,1",
    ]


def test_an_analyst_sees_what_to_do_and_cannot_do_it() -> None:
    make_run()
    customer = make_profile().customer
    make_action(customer=customer, playbook="slowing_down", reason=REASON)
    ana = Client()
    ana.force_login(make_user(role=Role.ANALYST))
    text = ana.get(f"/customers/{customer.pk}/").content.decode()
    assert "Wake up a slowing customer" in text
    assert "/actions/closings/" not in text


def test_pages_about_people_are_not_kept_by_the_browser(client: Client) -> None:
    make_run()
    customer = make_profile().customer
    for address in ("/", "/customers/", f"/customers/{customer.pk}/"):
        assert "no-store" in client.get(address).headers["Cache-Control"]


def test_the_page_says_what_to_expect_and_why_they_may_leave(client: Client) -> None:
    run = make_run()
    run.thresholds |= {
        "alert": {"lead_days": 14, "horizon_days": 28, "recent_days": 90},
        "model": "plain_rate",
    }
    run.save()
    profile = make_profile(
        p_alive=0.874, expected_orders=1.3, clv_minor=123_456, scored_day=20_000, next_from_day=20_003,
        next_day=20_010, next_until_day=20_030, churn_probability=0.31,
        churn_reasons=[{"code": "fewer_visits", "value": 1, "typical": 3, "effect": 0.1}],
    )  # fmt: skip
    forecasts = client.get(f"/customers/{profile.pk}/").context["forecasts"]
    assert [(figure.key, figure.value) for figure in forecasts.figures] == [
        ("p_alive", "87.4%"),
        ("expected_orders", "1.3"),
        ("clv_minor", "£1,234.56"),
        ("next_purchase", "14 Oct 2024"),
        ("churn_probability", "31.0%"),
    ]
    assert forecasts.reasons == ["Days with an order in the last 28 days: 1; their habit is 3."]
    assert forecasts.rules


def test_who_bought_is_told_that_forecasts_come(client: Client) -> None:
    buyer, prospect = make_profile(), make_profile(orders=0, first_day=None, last_day=None)
    make_run()
    words = "The forecasts are being worked out."
    assert words in client.get(f"/customers/{buyer.pk}/").content.decode()
    assert words not in client.get(f"/customers/{prospect.pk}/").content.decode()


def test_what_a_customer_will_need_stands_beside_what_they_buy(client: Client) -> None:
    make_run()
    customer = make_profile().customer
    wipes, tissues, given_up = (make_product(code=code) for code in ("wipes", "tissues", "gone"))
    for product, last_day in ((wipes, 19_990), (given_up, 19_000)):
        DueProduct.objects.create(
            customer=customer, product=product, last_day=last_day, quantity=1, expected_days=20, soon_day=last_day + 15,
            due_day=last_day + 20, late_day=last_day + 30, confidence=0.8,
        )  # fmt: skip
    for rank, product in ((1, wipes), (2, tissues)):
        Recommendation.objects.create(
            customer=customer, rank=rank, product=product, score=0.4, reason="bought_by_similar"
        )
    Taste.objects.create(customer=customer, mark=1, need="brand", brand=0.7, brand_choices=9, stayed=7)
    wanted = client.get(f"/customers/{customer.pk}/purchases/").context["wanted"]
    assert [(row.product, state) for row, state, _words in wanted.due] == [(wipes, "early")]
    assert [row.product for row, _words in wanted.recommended] == [tissues]
    assert [(str(name), value, evidence) for name, value, evidence in wanted.needs] == [
        ("Brand-loyal", "70.0%", "stayed with the brand 7 of 9 times")
    ]
