"""What a file does not say is asked, with choices that can be put into the map."""

import polars as pl
import pytest

from regulars.intake.understanding import NeedsAnswerError, understand
from tests.intake.importing import SIMPLE
from tests.intake.judging import judge_of, table_of

pytestmark = pytest.mark.unit


def rows(**columns: object) -> pl.DataFrame:
    plain = {
        "order": ["1", "2"], "date": ["2026-01-05", "2026-01-06"], "customer": ["A", "B"], "sku": ["w", "s"],
        "qty": ["1", "2"], "price": ["2.50", "1.25"],
    }  # fmt: skip
    return pl.DataFrame({**plain, **columns})


def test_a_date_that_can_be_read_two_ways_is_asked() -> None:
    frame = rows(date=["3/3/2026", "1/2/2026"])
    with pytest.raises(NeedsAnswerError) as caught:
        understand(table_of(frame), SIMPLE, zone="UTC")
    (question,) = caught.value.questions
    assert (question.part, question.column) == ("date_formats", "date")
    assert [choice.example for choice in question.choices] == [
        "1/2/2026 is 2026-02-01",
        "1/2/2026 is 2026-01-02",
    ]
    answered = SIMPLE.with_answers(date_formats=tuple(question.choices[0].value))
    assert understand(table_of(frame), answered, zone="UTC").mapping.date_formats == ("%d/%m/%Y",)


def test_dates_that_contradict_each_other_are_told_as_what_they_are() -> None:
    with pytest.raises(NeedsAnswerError, match="some dates can only be read day first") as caught:
        understand(table_of(rows(date=["13/01/2024", "01/14/2024"])), SIMPLE, zone="UTC")
    (question,) = caught.value.questions
    assert question.is_contradictory
    assert [choice.value for choice in question.choices] == [["%d/%m/%Y"], ["%m/%d/%Y"]]


def test_a_number_that_can_be_read_two_ways_is_asked() -> None:
    with pytest.raises(NeedsAnswerError) as caught:
        understand(table_of(rows(price=["1,234", "5,678"])), SIMPLE, zone="UTC")
    assert [(one.part, one.column) for one in caught.value.questions] == [("decimal", "price")]


def test_a_status_that_nobody_knows_is_asked() -> None:
    mapping = SIMPLE.with_answers(columns={**SIMPLE.columns, "status": "status"})
    with pytest.raises(NeedsAnswerError) as caught:
        understand(table_of(rows(status=["交易成功", "limbo"])), mapping, zone="UTC")
    assert caught.value.questions[0].choices[0].value == {"limbo": "paid"}
    answered = mapping.with_answers(status_values={"limbo": "pending"})
    known = understand(table_of(rows(status=["交易成功", "limbo"])), answered, zone="UTC")
    assert known.mapping.status_values == {"交易成功": "paid", "limbo": "pending"}


def test_a_column_that_no_date_format_reads_is_told() -> None:
    with pytest.raises(NeedsAnswerError, match="No date format"):
        understand(table_of(rows(date=["soon", "later"])), SIMPLE, zone="UTC")


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["17850.0", "13047.0"], ["17850", "13047"]),
        (["17850.0", "A1"], ["17850.0", "A1"]),
        (["17850", "13047"], ["17850", "13047"]),
        ([17850.0, 13047.0], ["17850", "13047"]),
        ([17850, 13047], ["17850", "13047"]),
        (['="0017"', "'0018"], ["0017", "0018"]),
    ],
)
def test_ids_lose_a_point_only_if_all_of_the_column_went_through_a_spreadsheet(
    ids: list[object], expected: list[str]
) -> None:
    frame = rows(customer=ids)
    judge = judge_of(frame)
    assert judge.understood(table_of(frame).rows.collect())["external"].to_list() == expected


def test_date_and_time_in_two_columns_are_put_together() -> None:
    mapping = SIMPLE.with_answers(columns={**SIMPLE.columns, "placed_time": "time"})
    frame = rows(time=["10:30", "11:00"])
    judge = judge_of(frame, mapping=mapping)
    walls = judge.understood(table_of(frame).rows.collect())["wall"]
    assert [f"{wall:%Y-%m-%d %H:%M}" for wall in walls] == ["2026-01-05 10:30", "2026-01-06 11:00"]


def test_discounts_of_several_columns_come_off_the_price() -> None:
    mapping = SIMPLE.with_answers(discounts=("d1", "d2"))
    frame = rows(d1=["0.50", "-0.25"], d2=["", "0.10"])
    found = judge_of(frame, mapping=mapping).understood(table_of(frame).rows.collect())
    assert found["amount_minor"].to_list() == [200, 215]
    assert found["discount_minor"].to_list() == [50, 35]


def test_an_amount_is_what_was_paid_whatever_the_quantity() -> None:
    columns = {name: of for name, of in SIMPLE.columns.items() if name != "unit_price"}
    mapping = SIMPLE.with_answers(columns={**columns, "amount": "price"}, discounts=("d1",))
    frame = rows(d1=["0.50", "0"], qty=["3", "0.5"])
    found = judge_of(frame, mapping=mapping).understood(table_of(frame).rows.collect())
    assert found["amount_minor"].to_list() == [250, 125]


def test_an_order_keeps_its_status_and_one_with_two_is_refused() -> None:
    mapping = SIMPLE.with_answers(columns={**SIMPLE.columns, "status": "status"})
    frame = pl.concat(
        [rows(status=["paid", "cancelled"]), rows(status=[None, "paid"], date=["2026-01-05", "2026-01-06"])]
    )
    found = judge_of(frame, mapping=mapping).understood(table_of(frame).rows.collect())
    assert found["status"].to_list() == ["paid", "cancelled", "paid", "paid"]
    assert found["fault"].to_list() == [None, "several_statuses", None, "several_statuses"]


def test_lines_in_another_currency_than_the_records_are_refused() -> None:
    mapping = SIMPLE.with_answers(columns={**SIMPLE.columns, "currency": "currency"})
    frame = pl.concat([rows(currency=["RMB", "usd"]), rows(order=["3", "4"], currency=[None, "cny"])])
    found = judge_of(frame, mapping=mapping, currency="CNY").understood(table_of(frame).rows.collect())
    assert found["fault"].to_list() == [None, "other_currency", None, None]
