import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.api.paging import _beyond
from tests.api.clients import Json, Program, content
from tests.shop.factories import make_customer, make_order

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def everything(program: Program, path: str, query: dict[str, object]) -> list[Json]:
    page = content(program.get(path, query))
    items = list(page["items"])
    while page["next"]:
        page = content(program.get(page["next"]))
        assert page["items"]
        items += page["items"]
    return items


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_all_pages_together_are_the_whole_list_once(program: Program, limit: int) -> None:
    customer = make_customer()
    for day in (5, 3, 3, 9, 3, 1, 9):
        make_order(customer=customer, day=20_000 + day)
    whole = content(program.get("/orders"))["items"]
    assert [item["order_day"][-1] for item in whole] == ["5", "7", "7", "7", "9", "3", "3"]
    assert everything(program, "/orders", {"limit": limit}) == whole


def test_rows_that_come_and_go_between_pages_neither_repeat_nor_hide_others(program: Program) -> None:
    customers = [make_customer() for _ in range(6)]
    first = content(program.get("/customers", {"limit": 3}))
    customers[0].delete()
    customers[2].delete()
    make_customer(code="late")
    second = content(program.get(first["next"]))
    assert [item["id"] for item in second["items"]] == [customer.pk for customer in customers[3:]]
    assert [item["code"] for item in content(program.get(second["next"]))["items"]] == ["late"]


def test_the_next_page_keeps_the_filters(program: Program) -> None:
    for code in "ABCD":
        make_order(code=code, status="cancelled" if code in "AC" else "paid")
    items = everything(program, "/orders", {"status": "paid", "limit": 1})
    assert [item["code"] for item in items] == ["B", "D"]


def test_fifty_rows_are_a_page_unless_asked_otherwise(program: Program) -> None:
    customer = make_customer()
    for _ in range(51):
        make_order(customer=customer)
    assert len(content(program.get("/orders"))["items"]) == 50
    assert len(content(program.get("/orders", {"limit": 200}))["items"]) == 51
    assert [program.get("/orders", {"limit": limit}).status_code for limit in (0, 1, 200, 201)] == [
        422,
        200,
        200,
        422,
    ]


@pytest.mark.parametrize("cursor", ["", "x", "W10:forged", "WzFd", "é", "a:b:c"])
def test_a_forged_cursor_is_refused(program: Program, cursor: str) -> None:
    response = program.get("/orders", {"cursor": cursor})
    assert response.status_code == 400
    assert content(response)["code"] == "bad_cursor"


@pytest.mark.parametrize(
    ("path", "query"),
    [("/customers", {}), ("/orders", {"status": "paid"}), ("/orders", {"from": "2024-01-01"})],
)
def test_a_cursor_of_another_list_or_of_other_filters_is_refused(
    program: Program, path: str, query: dict[str, str]
) -> None:
    for _ in range(2):
        make_order()
    address = content(program.get("/orders", {"limit": 1}))["next"]
    cursor = address.partition("cursor=")[2].replace("%3A", ":")
    assert program.get("/orders", {"cursor": cursor, "limit": 100}).status_code == 200
    assert program.get(path, query | {"cursor": cursor}).status_code == 400


@pytest.mark.unit
@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), unique=True),
    at=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    falls=st.tuples(st.booleans(), st.booleans()),
)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_rows_beyond_a_place_are_those_after_it_in_the_order(
    rows: list[tuple[int, int]], at: tuple[int, int], falls: tuple[bool, bool]
) -> None:
    def rank(row: tuple[int, int]) -> tuple[int, ...]:
        return tuple(-value if fall else value for value, fall in zip(row, falls, strict=True))

    order = [("-" if fall else "") + column for column, fall in zip("ab", falls, strict=True)]
    condition = _beyond(order, at)
    assert [row for row in rows if condition.check({"a": row[0], "b": row[1]})] == [
        row for row in rows if rank(row) > rank(at)
    ]
