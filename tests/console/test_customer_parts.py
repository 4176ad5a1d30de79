"""What staff see and change of one customer beside orders: identity, tags, preferences, joins, accounts."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from regulars.shop import operations, queries
from regulars.shop.models import Account, AttributeDefinition, Customer, MergeSuggestion, Order, Tag, Tagging
from regulars.shop.operations import Person
from regulars.staff.rules import Role
from tests.shop.factories import make_business, make_customer, make_order, make_store
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def client() -> Client:
    """Alice, who owns the shop."""
    make_business()
    alice = Client()
    alice.force_login(make_user(name="Alice"))
    return alice


def page(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def test_tags_are_put_on_and_taken_off_and_the_story_says_by_whom(client: Client) -> None:
    customer = make_customer()
    client.post(f"/customers/{customer.pk}/tags/", {"tag": "Wholesale"})
    tag = Tag.objects.get()
    client.post(f"/customers/{customer.pk}/tags/{tag.pk}/removal/")
    assert not Tagging.objects.exists()
    text = page(client, f"/customers/{customer.pk}/?kind=tag")
    assert "Tagged “Wholesale”" in text
    assert "Tag “Wholesale” taken off" in text
    assert "Alice" in text
    assert "Order" not in text.split("story-title")[-1]


def test_preferences_are_changed_by_their_types(client: Client) -> None:
    customer = make_customer()
    operations.define_attribute(name="skin", label="Skin", type="choice", choices=["dry", "oily"])
    operations.define_attribute(name="birthday", label="Birthday", type="yearly", label_zh="生日")
    operations.define_attribute(name="budget", label="Budget", type="money")
    address = f"/customers/{customer.pk}/preferences/"
    refused = client.post(address, {"skin": "dry", "birthday": "31 March", "budget": "12.50"})
    assert (refused.status_code, queries.attributes(customer.pk)) == (422, [])
    client.post(address, {"skin": "dry", "birthday": "02-29", "budget": "12.50"})
    text = page(client, f"/customers/{customer.pk}/")
    for words in ("29 February", "£12.50", "dry"):
        assert words in text
    form = client.get(address).context["form"]
    assert (form.initial["birthday"], form.initial["budget"]) == ("02-29", "12.50")
    client.post(address, {"skin": "", "birthday": "02-29", "budget": "12.50"})
    assert [said.name for said in queries.attributes(customer.pk)] == ["birthday", "budget"]


def test_customers_are_joined_by_an_id_and_taken_apart(client: Client) -> None:
    kept, other = (make_customer(code=code) for code in ("A", "B"))
    make_order(customer=other, code="O1")
    client.post(f"/customers/{kept.pk}/joins/", {"other": "nobody"})
    client.post(f"/customers/{kept.pk}/joins/", {"other": "B"})
    other.refresh_from_db()
    assert (other.merged_into_id, Order.objects.get().customer_id) == (kept.pk, kept.pk)
    text = page(client, f"/customers/{kept.pk}/identity/")
    assert "B became part of A" in text
    text = page(client, f"/customers/{other.pk}/")
    assert f'This customer is part of <a href="/customers/{kept.pk}/">A</a>' in text
    assert "Not yet understood" not in text
    merge = queries.merges_of(kept.pk)[0]
    client.post(f"/customers/joins/{merge.pk}/undoing/")
    assert Order.objects.get().customer_id == other.pk
    assert "Taken apart" in page(client, f"/customers/{kept.pk}/identity/")


def two_who_share() -> tuple[Customer, Customer]:
    people = [
        Person(store_id=make_store().pk, identifiers={"external": code, "email": "home@example.com"}, at=NOW)
        for code in ("A", "B")
    ]
    first, second = operations.recognise(people, now=NOW)
    return Customer.objects.get(pk=first), Customer.objects.get(pk=second)


def test_possible_duplicates_show_the_evidence_and_are_settled(client: Client) -> None:
    first, second = two_who_share()
    make_order(customer=second, amount_minor=1_234)
    text = page(client, "/duplicates/")
    for words in ("E-mail: home@example.com", "main: A", "main: B", "£12.34"):
        assert words in text
    assert "unsure: somebody else uses it too" in page(client, f"/customers/{first.pk}/identity/")
    suggestion = MergeSuggestion.objects.get()
    client.post(f"/duplicates/{suggestion.pk}/", {"answer": "second"})
    first.refresh_from_db()
    assert first.merged_into_id == second.pk
    assert "Nobody waits for a decision" in page(client, "/duplicates/")


def test_an_address_that_two_share_says_whom_to_join_by_itself_no_more(client: Client) -> None:
    first, second = two_who_share()
    third = make_customer(code="C")
    for settled in (False, True):
        if settled:
            client.post(f"/duplicates/{MergeSuggestion.objects.get().pk}/", {"answer": "two"})
        assert queries.customers_known_as("Home@Example.com") == [first.pk, second.pk]
        client.post(f"/customers/{third.pk}/joins/", {"other": "home@example.com"})
        assert "Several customers have it" in page(client, f"/customers/{third.pk}/")
        assert not Customer.objects.exclude(merged_into=None).exists()
    client.post(f"/customers/{third.pk}/joins/", {"other": "B"})
    assert queries.customers_known_as("home@example.com") == [first.pk, third.pk]


def test_two_people_stay_two(client: Client) -> None:
    two_who_share()
    client.post(f"/duplicates/{MergeSuggestion.objects.get().pk}/", {"answer": "two"})
    assert not queries.open_suggestions().exists()
    two_who_share()
    assert not queries.open_suggestions().exists()


@pytest.mark.parametrize("count", [1, 3])
def test_lists_cost_the_same_however_long_they_are(*, client: Client, count: int) -> None:
    for number in range(count):
        codes = (f"A{number}", f"B{number}")
        told = [
            Person(
                store_id=make_store().pk,
                identifiers={"external": code, "email": f"{number}@example.com"},
                at=NOW,
            )
            for code in codes
        ]
        operations.recognise(told, now=NOW)
        account = operations.ensure_account(code=f"acme{number}")
        customers = list(Customer.objects.filter(code__in=codes))
        operations.add_contacts(
            account_id=account.pk, contacts=[(one.pk, "buyer") for one in customers], now=NOW
        )
        make_order(customer=customers[0])
        operations.give_orders_of(account_id=account.pk, customer_id=customers[0].pk)
        operations.define_attribute(name=f"a{number}", label="A", type="text")
        tag = operations.ensure_tag(name=f"tag {number}")
        operations.tag_customers(tag_id=tag.pk, customer_ids=[customers[0].pk], now=NOW)
    asked = []
    for address in (
        "/duplicates/",
        "/companies/",
        f"/companies/{account.pk}/",
        "/tags/",
        "/settings/attributes/",
    ):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        asked.append(len(captured))
    assert asked == [7, 5, 9, 9, 4]


def test_an_account_has_people_orders_and_a_manager(client: Client) -> None:
    buyer = make_customer(code="B1", name="Bea")
    make_order(customer=buyer, amount_minor=5_000)
    made = client.post("/companies/", {"code": "acme", "name": "Acme"})
    address = made["Location"]
    client.post(f"{address}contacts/", {"customer": "B1", "role": "buys"})
    assert "Count 1 own order and new ones here" in page(client, address)
    client.post(f"{address}contacts/{buyer.pk}/orders/")
    assert "Count new orders here no more" in page(client, address)
    client.post(f"{address}contacts/{buyer.pk}/orders/", {"keep": "1"})
    assert "Count new orders here<" in page(client, address)
    ann = make_user(role=Role.AGENT, name="Ann")
    account_id = address.rstrip("/").rpartition("/")[2]
    client.post("/companies/managers/", {"account": account_id, "manager": str(ann.pk)})
    text = page(client, "/companies/?q=ACM")
    assert text.count('value="ACM"') == 1, "the search for customers stays empty"
    for words in ("Acme", "Ann", "£50.00"):
        assert words in text
    assert "Acme" not in page(client, "/companies/?manager=nobody")
    text = page(client, address)
    assert "buys" in text
    story = page(client, f"/customers/{buyer.pk}/")
    assert "Acts for Acme" in story
    assert "Account manager: Ann" in story
    client.post(f"{address}contacts/{buyer.pk}/removal/")
    assert "Nobody acts for this account yet" in page(client, address)
    assert queries.account_totals(int(account_id)).orders == 1


def test_an_account_takes_no_id_of_another_and_goes_only_when_empty(client: Client) -> None:
    addresses = [client.post("/companies/", {"code": code})["Location"] for code in ("acme", "acne")]
    refused = client.post(addresses[1], {"code": "acme", "name": "Acme"})
    assert refused.status_code == 422
    assert "another account has the id acme" in refused.content.decode()
    client.post(f"{addresses[0]}contacts/", {"customer": make_customer(code="B1").code})
    assert "Remove the account" not in page(client, addresses[0])
    client.post(f"{addresses[0]}removal/")
    assert "Remove the account" in page(client, addresses[1])
    client.post(f"{addresses[1]}removal/")
    assert list(Account.objects.values_list("code", "name")) == [("acme", "")]


def test_an_account_of_many_people_shows_those_who_ordered_most(client: Client) -> None:
    account = operations.ensure_account(code="Acme", name="Acme")
    people = [make_customer(code=f"B{number}", name=f"Person {number}") for number in range(101)]
    operations.add_contacts(account_id=account.pk, contacts=[(one.pk, "") for one in people], now=NOW)
    best = make_order(customer=people[100], amount_minor=5_000)
    operations.give_orders(account_id=account.pk, order_ids=[best.pk])
    text = page(client, f"/companies/{account.pk}/")
    assert "The 100 who ordered most" in text
    assert "Person 100" in text
    assert "Person 99<" not in text
    assert "<p>Acme</p>" not in text, "an id that is the name is not said twice"
    assert "Acme</span>" not in page(client, "/companies/")


def test_what_is_known_of_an_account_is_changed_and_cleared(client: Client) -> None:
    told = {"code": "acme", "name": "Acme", "industry": "Tools", "country": "France"}
    address = client.post("/companies/", told)["Location"]
    client.post(address, {"code": "acme-1", "name": "Acme Ltd", "industry": "", "country": "France"})
    row = Account.objects.get()
    assert (row.code, row.name, row.industry, row.country) == ("acme-1", "Acme Ltd", "", "France")
    analyst = Client()
    analyst.force_login(make_user(role=Role.ANALYST))
    assert analyst.post(address, {"name": "Theirs"}).status_code == 404
    assert Account.objects.get().name == "Acme Ltd"


def test_tags_are_made_changed_joined_removed_and_put_back(client: Client) -> None:
    client.post("/tags/", {"name": "Whole sale", "description": "buys in boxes", "colour": "teal"})
    client.post("/tags/", {"name": "Trade", "colour": "grey"})
    again = client.post("/tags/", {"name": "WHOLE SALE", "colour": "red"})
    assert (again.status_code, "This tag is there already." in again.content.decode()) == (422, True)
    assert Tag.objects.get(name="Whole sale").colour == "teal"
    first, second = Tag.objects.order_by("id")
    operations.tag_customers(tag_id=first.pk, customer_ids=[make_customer().pk], now=NOW)
    client.post(f"/tags/{first.pk}/", {"name": "Wholesale", "description": "", "colour": "red"})
    first.refresh_from_db()
    assert (first.name, first.colour) == ("Wholesale", "red")
    client.post(f"/tags/{first.pk}/joins/", {"into": second.pk})
    assert [(row.name, row.taggings.count()) for row in queries.tags_with_counts()] == [("Trade", 1)]
    assert "Put back" in page(client, "/tags/")
    client.post(f"/tags/{first.pk}/restoring/")
    client.post(f"/tags/{second.pk}/removal/")
    assert [row.name for row in queries.tags_with_counts()] == ["Wholesale"]


def test_attributes_are_defined_changed_and_deleted(client: Client) -> None:
    told = {"label": "Shoe size", "type": "number", "minimum": "15", "maximum": "50", "is_customers": "on"}
    client.post("/settings/attributes/", told)
    row = AttributeDefinition.objects.get()
    assert (row.name, row.is_customers) == ("shoe_size", True)
    assert client.post("/settings/attributes/", told).status_code == 422
    assert client.post("/settings/attributes/", {"label": "尺码", "type": "text"}).status_code == 422
    address = f"/settings/attributes/{row.pk}/"
    client.post(address, {"label": "Size", "label_zh": "鞋码", "minimum": "15", "maximum": "52"})
    row.refresh_from_db()
    assert (row.label, row.label_zh, row.type, str(row.maximum)) == ("Size", "鞋码", "number", "52.000000")
    client.post(f"{address}removal/")
    assert not AttributeDefinition.objects.exists()


def test_an_analyst_changes_nothing_of_customers() -> None:
    make_business()
    customer = make_customer()
    ana = Client()
    ana.force_login(make_user(role=Role.ANALYST))
    for address in (
        f"/customers/{customer.pk}/tags/",
        f"/customers/{customer.pk}/joins/",
        "/companies/managers/",
    ):
        assert ana.post(address, {"tag": "x", "other": "y"}).status_code == 403
    assert ana.post("/companies/", {"code": "acme"}).status_code == 404
    assert "Add an account" not in page(ana, "/companies/")


def test_visits_show_what_was_looked_at_and_left(client: Client) -> None:
    customer = make_customer()
    assert "No visit in the last 30 days" in page(client, f"/customers/{customer.pk}/browsing/")
    now = datetime.now(UTC)
    source = operations.ensure_source(code="web", name="Web shop", store_id=make_store().pk)
    product = operations.see_products(
        [operations.ProductSeen(store_id=make_store().pk, code="T1", name="Tea")]
    )
    operations.prepare_months([now.date(), (now - timedelta(hours=1)).date()])
    operations.write_events(
        [
            operations.NewEvent(
                source_id=source.pk, at=now - timedelta(minutes=minutes), name="Product Viewed",
                customer_id=customer.pk, product_id=product[make_store().pk, "T1"], properties={},
            )
            for minutes in (3, 2)
        ]
    )  # fmt: skip
    text = page(client, f"/customers/{customer.pk}/browsing/")
    assert "Looked at and not bought" in text
    assert "2 times" in text


def test_data_quality_says_what_is_missing_for_what(client: Client) -> None:
    make_order(customer=make_customer())
    response = client.get("/data/quality/")
    checks = {
        str(check.name): (check.known, check.total, check.level) for check in response.context["checks"]
    }
    assert checks["Orders with their products"] == (0, 1, "error")
    assert checks["Customers seen on your pages in 90 days"] == (0, 1, "error")
    assert checks["Products with a category"] == (0, 0, "")
    assert "the churn warning uses orders only" in response.content.decode()
    assert [one.name for one in response.context["freshness"]] == ["Main"]


def test_the_language_that_messages_are_written_in_is_shown(client: Client) -> None:
    anna = make_customer(code="A")
    assert "<dt>Language</dt>" not in page(client, f"/customers/{anna.pk}/identity/")
    operations.speak_to(customer_id=anna.pk, language="zh-hans")
    assert "<dt>Language</dt><dd>简体中文<br>" in page(client, f"/customers/{anna.pk}/identity/")


def test_staff_tell_the_language_and_the_audit_log_says_who(client: Client) -> None:
    anna = make_customer(code="A")
    client.post(f"/customers/{anna.pk}/language/", {"language": "zh-hans"})
    assert "Write to them in another language?" in page(client, f"/customers/{anna.pk}/identity/")
    client.post(f"/customers/{anna.pk}/language/", {"language": "en"})
    assert Customer.objects.get().language == "en"
    records = client.get("/settings/audit/").context["records"]
    later, first = [one for one in records if str(one.kind) == "Language of customer"]
    assert [(one.name, one.verb, str(one.person)) for one in (later, first)] == [
        ("A", "changed", "Alice")
    ] * 2
    assert [(one.before, one.after) for one in (*first.lines, *later.lines)] == [
        ("–", "zh-hans"),
        ("zh-hans", "en"),
    ]


def test_a_language_that_the_customer_chose_is_theirs(client: Client) -> None:
    anna = make_customer(code="A")
    operations.speak_to(customer_id=anna.pk, language="zh-hans")
    text = page(client, f"/customers/{anna.pk}/identity/")
    assert "chosen by the customer" in text
    assert "Write to them in another language?" not in text
    client.post(f"/customers/{anna.pk}/language/", {"language": "en"})
    assert Customer.objects.get().language == "zh-hans"
