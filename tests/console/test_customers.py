import csv
import io
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from regulars.console.customer_filters import CustomerList, same_list
from regulars.console.models import SavedView
from regulars.insights.models import Run
from regulars.shop import operations
from regulars.shop.models import Tag, Tagging
from regulars.shop.queries import Choices
from regulars.staff.rules import Role
from tests.console.shop_at_work import make_people, make_run
from tests.insights.factories import AS_OF_DAY, make_profile
from tests.shop.factories import make_customer
from tests.staff.factories import make_user

NOW = datetime(2026, 1, 2, tzinfo=UTC)

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def client() -> Client:
    """Alice, who owns the shop."""
    alice = Client()
    alice.force_login(make_user(name="Alice"))
    return alice


def codes(client: Client, query: str = "") -> list[str]:
    response = client.get(f"/customers/?{query}")
    assert response.status_code == 200
    return [row.code for row in [*response.context["exact"], *response.context["rows"]]]


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_asks_the_database_the_same_however_long_it_is(*, client: Client, count: int) -> None:
    make_run()
    make_people(count=count)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert len(codes(client, "q=C&tier=VIP&tier=general&sort=-last")) == count
    assert len(queries) == 12


def test_the_plain_list_costs_less(client: Client) -> None:
    make_run()
    make_people()
    with CaptureQueriesContext(connection) as queries:
        codes(client)
    assert len(queries) == 9


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["C1", "C2", "C3"]),
        ("sort=spent", ["C3", "C2", "C1"]),
        ("sort=name", ["C1", "C2", "C3"]),
        ("tier=VIP", ["C1"]),
        ("tier=VIP&tier=general", ["C1", "C2", "C3"]),
        ("stage=growing&cell=rfm", ["C2", "C3"]),
        ("q=anna", ["C1"]),
        ("q=C2", ["C2"]),
        ("q=c", ["C1", "C2", "C3"]),
        ("country=France&spent_min=400", ["C1", "C2"]),
        ("spent_max=333.33", ["C3"]),
        ("orders_min=4", []),
        ("last_to=2024-09-25", ["C1", "C2", "C3"]),
        ("last_to=2024-09-24", []),
        ("first=30", []),
        ("first=365", ["C1", "C2", "C3"]),
        ("due=early", ["C1", "C2", "C3"]),
        ("due=late", []),
        ("r=3&f=3", ["C1", "C2", "C3"]),
    ],
)
def test_the_address_says_who_is_on_the_list(*, client: Client, query: str, found: list[str]) -> None:
    make_run()
    make_people()
    assert codes(client, query) == found


def test_what_has_no_meaning_is_left_out_and_named(client: Client) -> None:
    make_run()
    make_people()
    response = client.get("/customers/?tier=gold&orders_min=many&country=Mars&stage=mature&after=nonsense")
    assert [row.code for row in response.context["rows"]] == ["C1"]
    assert response.context["list"].misunderstood == ["Tier", "Country", "Orders, at least"]
    assert "Left out, because the value has no meaning there" in response.content.decode()


def test_whose_id_was_pasted_stands_first_even_before_they_are_understood(client: Client) -> None:
    make_run()
    make_profile(customer=make_customer(code="77A"))
    make_customer(code="77")
    response = client.get("/customers/?q=77")
    assert [row.code for row in response.context["exact"]] == ["77"]
    assert [row.code for row in response.context["rows"]] == ["77A"]
    assert "Exact match" in response.content.decode()
    assert response.context["total"] == "2 customers"


def test_pages_follow_each_other(*, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regulars.console.customers._PAGE", 2)
    make_run()
    make_people(count=5)
    seen, address, backwards = [], "/customers/", ""
    while address:
        response = client.get(address)
        seen += [row.code for row in response.context["rows"]]
        backwards = response.context["pager"].previous_url
        following = response.context["pager"].next_url
        address = f"/customers/{following}" if following else ""
    assert seen == ["C1", "C2", "C3", "C4", "C5"]
    assert [row.code for row in client.get(f"/customers/{backwards}").context["rows"]] == ["C3", "C4"]


def test_chips_take_their_own_filter_away() -> None:
    chosen = CustomerList(
        QueryDict("tier=VIP&tier=general&spent_min=10&sort=-last"),
        choices=Choices(countries=[], tags={}, attributes=[]),
        as_of_day=AS_OF_DAY,
        currency="GBP",
    )
    chips = chosen.chips()
    assert [str(chip.label) for chip in chips] == ["VIP", "General", "Spent at least £10.00"]
    rests = [
        "tier=general&spent_min=10&sort=-last",
        "tier=VIP&spent_min=10&sort=-last",
        "tier=VIP&tier=general&sort=-last",
    ]
    assert all(
        same_list(chip.remove_url.removeprefix("?"), rest) for chip, rest in zip(chips, rests, strict=True)
    )


def test_columns_are_those_a_person_chose(client: Client) -> None:
    make_run()
    make_people()
    response = client.get(
        "/customers/?columns=country&columns=scores&columns=average&columns=cycle&columns=first"
    )
    assert [column.key for column in response.context["columns"]] == [
        "scores",
        "country",
        "average",
        "first",
        "cycle",
    ]
    assert "£333.33" in response.content.decode()


def test_a_shop_without_customers_is_taught_to_import(client: Client) -> None:
    text = client.get("/customers/").content.decode()
    assert "Nothing to see yet" in text


def test_customers_whom_no_run_has_seen_are_being_understood(client: Client) -> None:
    make_customer()
    assert "nothing is known about them yet" in client.get("/customers/").content.decode()
    make_run(state=Run.State.RUNNING)
    assert "Your customers are being understood" in client.get("/customers/").content.decode()


def test_a_customers_name_is_written_as_text(client: Client) -> None:
    make_run()
    make_profile(customer=make_customer(name="<script>alert(1)</script>"))
    text = client.get("/customers/").content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


# Files


def export(client: Client, query: str) -> list[list[str]]:
    response = client.get(f"/customers/export/?{query}")
    assert response.status_code == 200
    content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_the_file_holds_the_filtered_list_in_its_order(client: Client) -> None:
    make_run()
    make_people()
    head, *rows = export(client, "format=csv&tier=general&sort=spent")
    assert head[:7] == [
        "customer_id",
        "name",
        "country",
        "orders",
        "recency_days",
        "frequency",
        "monetary_minor",
    ]
    assert [row[0] for row in rows] == ["C3", "C2"]
    told = {name: cell for name, cell in zip(head, rows[0], strict=True) if cell}
    assert told == {
        "customer_id": "C3", "country": "France", "orders": "3", "recency_days": "10", "frequency": "3",
        "monetary_minor": "33333", "currency": "GBP", "r": "3", "f": "3", "m": "3", "cell": "rfm", "tier": "general",
        "stage": "growing", "first_day": "2024-06-27", "last_day": "2024-09-25", "cycle_days": "30.0",
        "due_day": "2024-10-25", "late_day": "2024-11-14",
    }  # fmt: skip


def test_a_searched_list_is_exported_whole(client: Client) -> None:
    make_run()
    make_people()
    assert [row[0] for row in export(client, "q=anna")[1:]] == ["C1"]


def test_a_name_cannot_become_a_formula(client: Client) -> None:
    make_run()
    make_profile(customer=make_customer(code="=1+1", name="@SUM(1)"))
    [row] = export(client, "format=excel")[1:]
    assert row[:2] == ["'=1+1", "'@SUM(1)"]


def test_parquet_keeps_types(client: Client) -> None:
    make_run()
    make_people()
    response = client.get("/customers/export/?format=parquet")
    found = pl.read_parquet(b"".join(response.streaming_content))  # type: ignore[attr-defined]
    assert found["customer_id"].to_list() == ["C1", "C2", "C3"]
    assert found.schema["monetary_minor"] == pl.Int64
    assert found.schema["last_day"] == pl.Date


def test_an_agent_sees_customers_but_takes_none_away() -> None:
    make_run()
    bob = Client()
    bob.force_login(make_user(role=Role.AGENT))
    response = bob.get("/customers/")
    assert response.status_code == 200
    assert response.context["exports"] == []
    assert bob.get("/customers/export/").status_code == 403


# Views


def keep(client: Client, **fields: Any) -> None:  # noqa: ANN401
    assert client.post("/customers/views/", {"query": "tier=VIP&sort=-last", **fields}).status_code == 302


def names(client: Client) -> list[str]:
    return [str(view.name) for view in client.get("/customers/").context["views"]]


def test_a_view_is_kept_shown_and_removed(client: Client) -> None:
    make_run()
    keep(client, name="Best")
    keep(client, name="Best")
    assert names(client)[-1] == "Best"
    current = client.get("/customers/?sort=-last&tier=VIP").context["current"]
    assert (current.name, current.may_remove) == ("Best", True)
    client.post(f"/customers/views/{current.saved.pk}/removal/")
    assert SavedView.objects.count() == 0


def test_a_shared_view_is_everybodys_and_a_private_one_is_not(client: Client) -> None:
    make_run()
    keep(client, name="Mine")
    keep(client, name="Ours", is_shared="on")
    bob = Client()
    bob.force_login(make_user(role=Role.AGENT))
    assert [name for name in names(bob) if name in {"Mine", "Ours"}] == ["Ours"]
    ours = SavedView.objects.get(name="Ours")
    bob.post(f"/customers/views/{ours.pk}/removal/")
    assert SavedView.objects.filter(name="Ours").exists()


def test_a_view_needs_a_name_and_there_can_be_too_many(
    *, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regulars.console.saved_views.VIEWS_A_PERSON", 1)
    keep(client, name="  ")
    keep(client, name="One")
    keep(client, name="Two")
    assert list(SavedView.objects.values_list("name", flat=True)) == ["One"]


def test_each_built_in_view_is_recognised_as_the_current_one(client: Client) -> None:
    make_run()
    for view in client.get("/customers/").context["views"]:
        assert client.get(f"/customers/?{view.query}").context["current"].name == view.name


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("tier=VIP&sort=-last", "sort=-last&tier=VIP", True),
        ("tier=a&tier=b", "tier=b&tier=a", True),
        ("tier=VIP&q=", "tier=VIP", True),
        ("tier=VIP", "tier=general", False),
    ],
)
def test_lists_are_the_same_whatever_the_order_of_their_choices(*, one: str, other: str, same: bool) -> None:
    assert same_list(one, other) is same


# Many at once


def tagged(name: str) -> set[str]:
    return set(Tagging.objects.filter(tag__name=name).values_list("customer__code", flat=True))


def test_chosen_customers_are_tagged_and_it_can_be_undone(client: Client) -> None:
    make_run()
    make_people()
    ids = {row.code: row.customer_id for row in client.get("/customers/").context["rows"]}
    operations.tag_customers(
        tag_id=operations.ensure_tag(name="Wholesale").pk, customer_ids=[ids["C1"]], now=NOW
    )

    response = client.post(
        "/customers/tags/", {"customer": [ids["C1"], ids["C2"]], "tag": " wholesale ", "list": "sort=-last"}
    )
    assert response["Location"] == "/customers/?sort=-last"
    assert tagged("Wholesale") == {"C1", "C2"}
    assert client.get("/customers/").context["undo"].words == "1 customer is tagged “Wholesale”."
    assert client.get("/customers/").context["undo"] is None, "offered once"
    tag = Tag.objects.get()
    assert set(codes(client, f"tag={tag.pk}")) == {"C1", "C2"}

    client.post("/customers/tags/undoing/")
    assert tagged("Wholesale") == {"C1"}, "who had the tag before keeps it"

    client.post("/customers/tags/removals/", {"customer": [ids["C1"], ids["C3"]], "tag": "Wholesale"})
    assert tagged("Wholesale") == set()
    client.post("/customers/tags/undoing/")
    assert tagged("Wholesale") == {"C1"}


def test_everybody_on_a_filtered_list_is_tagged(client: Client) -> None:
    make_run()
    make_people()
    expected = set(codes(client, "tier=general"))
    client.post("/customers/tags/", {"everybody": "1", "list": "tier=general", "tag": "Newsletter"})
    assert tagged("Newsletter") == expected != set()


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"tag": "Best"}, "Choose at least one customer."),
        ({"everybody": "1", "tag": "  "}, "Write a tag of 1 to 60 characters."),
        ({"everybody": "1", "tag": "Best"}, "At most 2 customers can be tagged at once. Narrow the list"),
    ],
)
def test_what_cannot_be_tagged_is_told(
    *, client: Client, sent: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run()
    make_people()
    if "At most" in told:
        monkeypatch.setattr("regulars.console.tagging.MOST_AT_ONCE", 2)
    response = client.post("/customers/tags/", sent, follow=True)
    assert told in response.content.decode()
    assert not Tagging.objects.exists()


def test_those_chosen_are_exported(client: Client) -> None:
    make_run()
    make_people()
    ids = {row.code: row.customer_id for row in client.get("/customers/").context["rows"]}
    response = client.post("/customers/export/", {"customer": [ids["C3"], ids["C1"]]})
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert {line.split(",")[0] for line in text.splitlines()[1:]} == {"C1", "C3"}


def test_an_analyst_changes_nobody() -> None:
    make_run()
    make_people()
    ann = Client()
    ann.force_login(make_user(role=Role.ANALYST))
    assert ann.get("/customers/").context["may_change"] is False
    assert ann.post("/customers/tags/", {"everybody": "1", "tag": "Best"}).status_code == 403


def test_tags_and_the_shops_own_attributes_are_columns_to_choose(client: Client) -> None:
    make_run()
    anna = make_profile(customer=make_customer(name="Anna")).customer
    tag = operations.ensure_tag(name="Wholesale")
    operations.tag_customers(tag_id=tag.pk, customer_ids=[anna.pk], now=NOW)
    operations.define_attribute(name="shoe", label="Shoe size", type="number")
    operations.set_attributes([operations.Told(customer_id=anna.pk, name="shoe", value=38, at=NOW)])
    page = client.get("/customers/?columns=tags&columns=attribute.shoe").content.decode()
    assert '<td data-label="Tags">Wholesale</td>' in page
    assert '<td data-label="Shoe size" class="number">38</td>' in page
    assert "Wholesale</td>" not in client.get("/customers/").content.decode()
