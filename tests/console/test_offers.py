"""Offers on the console: taught, written with their words in sight, started, given out, ended; a coupon as its customer sees it."""

from urllib.parse import urlparse

import pytest
from django.test import Client
from django.utils import timezone

from regulars.journeys.operations.journeys import create_journey
from regulars.offers import operations, queries
from regulars.offers.models import Coupon, Offer
from regulars.offers.redeeming import redeem, reserve
from regulars.offers.rules import (
    Amount,
    Benefit,
    Bundle,
    BuyGet,
    FreeShipping,
    Gift,
    Goods,
    Part,
    Percent,
    Step,
    Threshold,
)
from regulars.shop.links import coupon_url
from regulars.staff.rules import Role
from tests.journeys.campaigns import make_campaign, make_list
from tests.journeys.graphs import graph
from tests.messaging.sending import smtp_channel
from tests.offers.factories import kind_of, make_basket, make_offer, use
from tests.shop.factories import make_business, make_customer, make_product, make_store
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def someone(role: Role = Role.MARKETER) -> Client:
    make_business(time_zone="Asia/Shanghai")
    client = Client()
    client.force_login(make_user(role=role))
    return client


def text(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


FORM = {
    "name": "May",
    "starts_at": "2026-01-01T08:00",
    "codes": "unique",
    "stacking": "alone",
    "per_customer": "1",
}
GIVES: list[tuple[dict[str, str], Benefit]] = [
    ({"give_percent": "12.5"}, Percent(percent_bp=1_250)),
    ({"give_amount": "9.99"}, Amount(amount_minor=999)),
    (
        {"give_step_0_spend": "100", "give_step_0_save": "10", "give_step_2_spend": "200", "give_step_2_save": "30"},
        Threshold(steps=(Step(spend_minor=10_000, save_minor=1_000), Step(spend_minor=20_000, save_minor=3_000))),
    ),
    (
        {"give_part_0_units": "2", "give_part_0_categories": "Tea，Cups", "give_part_1_units": "1", "give_price": "20"},
        Bundle(
            parts=(
                Part(goods=Goods(categories=("Cups", "Tea")), quantity=2),
                Part(goods=Goods(), quantity=1),
            ),
            price_minor=2_000,
        ),
    ),
    ({"give_buy": "3", "give_get": "1", "give_percent": "100"}, BuyGet(buy=3, get=1)),
    ({}, FreeShipping()),
    ({"give_product": "G1", "give_quantity": "2", "give_cost": "2.50"}, Gift(product="G1", quantity=2, cost_minor=250)),
]  # fmt: skip


def test_an_offer_of_every_kind_is_written_in_the_form_and_stands_in_it_again() -> None:
    client = someone()
    make_product(category="Tea")
    assert "No offer yet" in text(client, "/offers/")
    assert "What do you want to give?" in text(client, "/offers/new/")
    for told, benefit in GIVES:
        kind = kind_of(benefit)
        form = (
            FORM
            | told
            | {"name": kind, "kind": kind, "products": "T1, T2", "budget": "500", "categories": "Tea"}
        )
        words = client.post("/offers/preview/", form).content.decode()
        assert "It may cost £500.00 in all." in words
        saved = client.post(f"/offers/new/?kind={kind}", form)
        assert saved.status_code == 302, saved.content.decode()
        offer = Offer.objects.get(name=kind)
        assert saved["Location"] == f"/offers/{offer.pk}/"
        assert queries.offer(offer.pk).kind == kind
        assert offer.starts_at.isoformat() == "2026-01-01T00:00:00+00:00"
        assert offer.goods == {"products": ["T1", "T2"], "categories": ["Tea"]}
        # What the form shows of it is what it says.
        page = client.get(f"/offers/{offer.pk}/editing/")
        shown = page.context["form"]
        again = {
            name: shown[name].value() for name in shown.fields if shown[name].value() not in (None, "", False)
        }
        again["starts_at"] = "2026-01-01T08:00"
        before = (offer.benefit, offer.goods, offer.budget_minor)
        assert client.post(f"/offers/{offer.pk}/editing/", again | {"kind": kind}).status_code == 302
        offer.refresh_from_db()
        assert (offer.benefit, offer.goods, offer.budget_minor) == before


def test_an_offer_with_one_code_for_all_is_changed_and_keeps_it() -> None:
    client = someone()
    offer = make_offer(name="May", shared_code="MAY10")
    form = FORM | {"kind": "percent", "give_percent": "20", "holder_only": "on", "name": "June"}
    assert client.post(f"/offers/{offer.pk}/editing/", form).status_code == 302
    offer.refresh_from_db()
    assert (offer.name, offer.codes, offer.holder_only) == ("June", "shared", False)
    assert "MAY10" in text(client, f"/offers/{offer.pk}/")


def test_what_cannot_be_is_told_at_its_field() -> None:
    client = someone()
    make_offer(name="June", shared_code="TAKEN")
    for told, words in (
        ({"kind": "threshold", "give_step_0_spend": "10", "give_step_0_save": "20"}, "cannot save more than is spent"),
        ({"kind": "bundle", "give_price": "1"}, "two pieces or more"),
        ({"kind": "percent", "give_percent": "10", "ends_at": "2025-01-01T08:00"}, "It must end after it begins."),
        ({"kind": "percent", "give_percent": "10", "name": "june"}, "Another offer has this name."),
        ({"kind": "percent", "give_percent": "10", "codes": "shared"}, "Write the code that is for all."),
        ({"kind": "percent", "give_percent": "10", "codes": "shared", "shared_code": "taken"}, "has this code"),
        ({"kind": "percent", "give_percent": "10", "codes": "shared", "shared_code": "五一"}, "3 to 40 letters"),
    ):  # fmt: skip
        refused = client.post(f"/offers/new/?kind={told['kind']}", FORM | told)
        assert refused.status_code == 422
        assert words in refused.content.decode()
    assert Offer.objects.count() == 1


def test_an_offer_is_started_given_out_looked_up_and_ended_and_every_step_is_noted() -> None:
    client = someone()
    anna = make_customer(name="Anna <b>")
    offer = make_offer(name="May", budget_minor=100_000, is_live=False)
    path = f"/offers/{offer.pk}/"
    assert "Delete this draft?" in text(client, path)
    client.post(f"{path}state/", {"state": "live"})
    client.post(f"{path}codes/", {"count": "5", "source": "fair"})
    exported = b"".join(client.get(f"{path}codes/export/").streaming_content).decode()  # type: ignore[attr-defined]  # a stream
    assert exported.count("fair") == 5
    for _click in range(2):
        client.post(f"/customers/{anna.pk}/offers/giving/", {"offer": str(offer.pk)})
    coupon = Coupon.objects.get(holder=anna)
    assert coupon.code in text(client, f"/customers/{anna.pk}/offers/")
    held = reserve(make_basket(), codes=[coupon.code], customer_id=anna.pk, now=timezone.now())
    redeem(held.reservation, order_code="A1", store_code=make_store().code, now=timezone.now())
    page = text(client, path)
    assert "£980.00" in page
    assert "Anna &lt;b&gt;" in page
    story = text(client, f"/customers/{anna.pk}/story/")
    assert f"Used the code {coupon.code}" in story
    assert f"Was given the code {coupon.code}" in story
    other = Coupon.objects.filter(offer=offer, holder=None).first()
    assert other is not None
    assert "Withdraw this code" in text(client, f"{path}?code={other.code.lower()}")
    client.post(f"{path}codes/{other.pk}/withdrawal/")
    assert Coupon.objects.get(pk=other.pk).voided_at is not None
    client.post(f"{path}state/", {"state": "paused"})
    assert "Paused" in text(client, "/offers/?state=paused&kind=percent&words=may")
    client.post(f"{path}state/", {"state": "ended"})
    assert client.get(f"{path}editing/").status_code == 302
    listed = b"".join(client.get("/offers/export/?state=ended").streaming_content).decode()  # type: ignore[attr-defined]  # a stream
    assert "May,percent,20 % off,ended" in listed
    # An agent sees offers and their costs, and neither codes nor buttons.
    agent = someone(Role.AGENT)
    assert "New offer" not in text(agent, "/offers/")
    assert agent.get(f"{path}codes/export/").status_code == 403
    owner = someone(Role.OWNER)
    assert "Running → Paused" in text(owner, path)
    assert "Running → Paused" in text(owner, "/settings/audit/")


def test_lists_ask_as_often_for_three_offers_as_for_one(django_assert_max_num_queries: object) -> None:
    client = someone()
    for _offer in range(3):
        make_offer(shared_code="")
    with django_assert_max_num_queries(14):  # type: ignore[operator]  # a fixture
        text(client, "/offers/")


def test_a_customer_sees_their_code_by_a_signed_link_and_nobody_elses() -> None:
    make_business()
    anna, bert = make_customer(), make_customer()
    offer = make_offer(Percent(percent_bp=2_000), least_minor=5_000)
    operations.issue(offer.pk, [anna.pk], source="x", now=timezone.now())
    coupon = Coupon.objects.get()
    path = urlparse(coupon_url(coupon.pk, customer_id=anna.pk)).path
    page = text(Client(), path)
    assert all(f"<span>{coupon.code[start : start + 4]}</span>" in page for start in (0, 4, 8))
    assert "On orders of £50.00 or more." in page
    chinese = text(Client(), f"{path}?lang=zh-hans")
    assert "全场 8 折" in chinese
    assert "满 £50.00 可用。" in chinese
    assert Client().get(urlparse(coupon_url(coupon.pk, customer_id=bert.pk)).path).status_code == 404
    assert Client().get(path.replace("/coupon/", "x/coupon/")).status_code == 404
    offer.per_customer = 1
    offer.save()
    used = use(offer, anna.pk, now=timezone.now(), source="other")
    page = text(Client(), path)
    assert "You have used this offer; it is good once for each customer." in page
    assert coupon.code[:4] not in page
    assert "每位客户限用 1 次" in text(Client(), f"{path}?lang=zh-hans")
    theirs = urlparse(coupon_url(used.coupon_id, customer_id=anna.pk)).path
    assert "This code has been used." in text(Client(), theirs)
    words = "Offer used up"
    assert words in text(someone(), f"/customers/{anna.pk}/offers/")
    Offer.objects.filter(pk=offer.pk).update(per_customer=None)
    for state, words in (("paused", "taking a break"), ("ended", "This offer is over.")):
        operations.move(offer.pk, state=state)
        page = text(Client(), path)
        assert words in page
        assert coupon.code[:4] not in page


def test_a_draft_that_a_campaign_or_a_journey_gives_is_not_deleted_and_its_page_says_why() -> None:
    client = someone()
    offer, other = make_offer(is_live=False, shared_code="MAY10"), make_offer(is_live=False)
    make_campaign(make_list([]), smtp_channel(9), offer_id=offer.pk)
    create_journey(
        name="Welcome",
        graph=graph({"give": {"kind": "offer", "offer": other.pk, "next": {"then": None}}}),
        now=timezone.now(),
    )
    for one, user in ((offer, "the campaign “Spring”"), (other, "the journey “Welcome”")):
        back = client.post(f"/offers/{one.pk}/removal/")
        assert f"is used by {user}" in text(client, back["Location"])
    assert Offer.objects.count() == 2
    assert Coupon.objects.get().code == "MAY10"
