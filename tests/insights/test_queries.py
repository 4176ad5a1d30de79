import pytest

from regulars.insights import queries
from regulars.insights.models import Run
from regulars.insights.queries import Cursor, CustomerFilter, InvalidCursorError, Sort
from regulars.shop.models import Identifier
from tests.insights.factories import AS_OF_DAY, make_change, make_profile, make_run
from tests.shop.factories import make_customer

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def codes(which: CustomerFilter) -> list[str]:
    return [
        row.code for row in queries.customers(which, as_of_day=AS_OF_DAY, sort="name", descending=False).rows
    ]


@pytest.mark.parametrize(
    ("which", "found"),
    [
        (CustomerFilter(), ["A", "B", "C"]),
        (CustomerFilter(tiers=("VIP",)), ["A"]),
        (CustomerFilter(tiers=("VIP", "at_risk")), ["A", "B"]),
        (CustomerFilter(tiers=("VIP", "at_risk"), countries=("France",)), ["B"]),
        (CustomerFilter(stages=("prospect",)), ["C"]),
        (CustomerFilter(cells=("rfM",)), ["B"]),
        (CustomerFilter(last_from_day=19_900, last_until_day=19_901), ["B"]),
        (CustomerFilter(last_from_day=19_901, last_until_day=19_990), []),
        (CustomerFilter(first_from_day=19_950), ["A"]),
        (CustomerFilter(orders_min=1, orders_max=3), ["B"]),
        (CustomerFilter(spent_min_minor=5_000, spent_max_minor=5_000), ["B"]),
        (CustomerFilter(due=("early",)), []),
        (CustomerFilter(due=("due",)), ["A"]),
        (CustomerFilter(due=("late",)), ["B"]),
        (CustomerFilter(due=("none",)), ["C"]),
        (CustomerFilter(due=("late", "none")), ["B", "C"]),
        (CustomerFilter(r=5, f=4), ["A"]),
        (CustomerFilter(text="138"), ["B"]),
        (CustomerFilter(text="138", tiers=("VIP",)), []),
    ],
)
def test_filters_hold_exactly_their_customers(which: CustomerFilter, found: list[str]) -> None:
    make_profile(
        customer=make_customer(code="A"), tier="VIP", stage="mature", r=5, f=4, orders=9, monetary_minor=9_000,
        first_day=19_950, last_day=19_990, due_day=AS_OF_DAY, late_day=AS_OF_DAY + 1,
    )  # fmt: skip
    late = make_customer(code="B", country="France")
    Identifier.objects.create(customer=late, kind="phone", value="13800001111")
    make_profile(
        customer=late, tier="at_risk", stage="declining", cell="rfM", orders=3, monetary_minor=5_000,
        first_day=19_000, last_day=19_900, due_day=AS_OF_DAY - 9, late_day=AS_OF_DAY - 1,
    )  # fmt: skip
    make_profile(
        customer=make_customer(code="C"), tier="", stage="prospect", cell="", orders=0, monetary_minor=0,
        r=None, f=None, m=None, first_day=None, last_day=None, due_day=None, late_day=None,
    )  # fmt: skip
    assert codes(which) == found
    assert queries.count_customers(which, as_of_day=AS_OF_DAY) == queries.Counted(len(found), is_exact=True)
    assert [
        row.code for row in queries.every_customer(which, as_of_day=AS_OF_DAY, sort="name", descending=False)
    ] == found


def test_late_begins_after_the_late_day_in_lists_and_on_pages() -> None:
    for code, late_day in (("A", AS_OF_DAY - 1), ("B", AS_OF_DAY), ("C", AS_OF_DAY + 1)):
        make_profile(customer=make_customer(code=code), due_day=AS_OF_DAY - 5, late_day=late_day)
    assert (codes(CustomerFilter(due=("late",))), codes(CustomerFilter(due=("due",)))) == (["A"], ["B", "C"])
    assert [
        queries.position_of(due_day=AS_OF_DAY - 5, late_day=AS_OF_DAY + days, as_of_day=AS_OF_DAY)
        for days in (-1, 0, 1)
    ] == ["late", "due", "due"]


@pytest.mark.parametrize(
    "which",
    [
        CustomerFilter(tiers=("VIP",)),
        CustomerFilter(r=5, f=4),
        CustomerFilter(due=("late",)),
        CustomerFilter(cells=("RFM",)),
    ],
)
@pytest.mark.parametrize("sort", ["spent", "last"])
def test_a_walk_along_a_covering_index_finds_what_gathering_finds(which: CustomerFilter, sort: Sort) -> None:
    for number in range(8):
        make_profile(
            customer=make_customer(), monetary_minor=number // 2, last_day=number, r=5, f=4 if number % 2 else 3,
            cell="RFM" if number % 2 else "rfm", tier="VIP" if number % 2 else "general",
            due_day=AS_OF_DAY - 9, late_day=AS_OF_DAY - number % 2,
        )  # fmt: skip
    walked = queries.customers(which, as_of_day=AS_OF_DAY, sort=sort, limit=3)
    assert walked == queries.customers(which, as_of_day=AS_OF_DAY, sort=sort, few=True, limit=3)
    assert len(walked.rows) == 3
    following = queries.customers(which, as_of_day=AS_OF_DAY, sort=sort, after=walked.after)
    assert [row.last_day for row in (*walked.rows, *following.rows)] == [7, 5, 3, 1]


@pytest.mark.parametrize("few", [False, True])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", ["spent", "last", "orders", "name"])
def test_pages_hold_everybody_once_forwards_and_backwards(*, sort: Sort, descending: bool, few: bool) -> None:
    for number in range(7):
        make_profile(
            customer=make_customer(name="" if number % 3 else "Anna"), monetary_minor=number // 2, orders=number // 3,
            last_day=None if number < 2 else number // 2,
        )  # fmt: skip
    everybody = [
        row.customer_id
        for row in queries.every_customer(
            CustomerFilter(), as_of_day=AS_OF_DAY, sort=sort, descending=descending
        )
    ]
    assert len(everybody) == 7

    def page(*, after: Cursor | None = None, before: Cursor | None = None) -> queries.CustomerPage:
        return queries.customers(
            CustomerFilter(), as_of_day=AS_OF_DAY, sort=sort, descending=descending, after=after, before=before,
            few=few, limit=3,
        )  # fmt: skip

    first = page()
    assert first.before is None
    second = page(after=first.after)
    third = page(after=second.after)
    assert third.after is None
    assert [row.customer_id for row in first.rows + second.rows + third.rows] == everybody
    back = page(before=third.before)
    assert back == second
    assert page(before=back.before).rows == first.rows


@pytest.mark.parametrize("text", ["", "x", "!!", "bnVsbA", Cursor("anna", 3).encoded(), "W3RydWUsM10"])
def test_a_cursor_of_another_list_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursorError):
        Cursor.decoded(text, sort="spent")


def test_a_cursor_survives_its_way_through_a_url() -> None:
    assert Cursor.decoded(Cursor("王小明", 3).encoded(), sort="name") == Cursor("王小明", 3)
    assert Cursor.decoded(Cursor(-1, 3).encoded(), sort="last") == Cursor(-1, 3)


def test_counting_stops_at_its_limit() -> None:
    for _ in range(3):
        make_profile()
    assert queries.count_customers(CustomerFilter(), as_of_day=AS_OF_DAY, limit=2) == queries.Counted(
        2, is_exact=False
    )
    assert queries.count_customers(CustomerFilter(), as_of_day=AS_OF_DAY, limit=3) == queries.Counted(
        3, is_exact=True
    )


def test_a_customer_whom_no_run_has_seen_is_found_by_id_only() -> None:
    newcomer = make_customer(code="N")
    assert codes(CustomerFilter(text="N")) == []
    [row] = queries.customers_by_id([newcomer.id, 404])
    assert (row.code, row.tier, row.orders) == ("N", None, None)


def test_the_latest_run_is_the_last_that_finished() -> None:
    assert queries.latest_run() is None
    done = make_run()
    make_run(state=Run.State.FAILED)
    running = make_run(state=Run.State.RUNNING)
    assert queries.latest_run() == done
    assert queries.current_run() == running


def test_a_label_history_is_told_newest_first() -> None:
    customer = make_profile().customer
    make_change(customer=customer, run=make_run(as_of_day=10), after="VIP")
    make_change(customer=customer, run=make_run(as_of_day=20), before="VIP", after="at_risk")
    assert [change.after for change in queries.label_history(customer.id)] == ["at_risk", "VIP"]
