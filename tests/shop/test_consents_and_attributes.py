"""The consent ledger, tags, typed attributes and accounts."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import ProgrammingError, transaction

from regulars.shop import operations, queries
from regulars.shop.models import Consent, Customer, Order
from regulars.shop.operations import (
    AttributeInUseError,
    InvalidAttributeError,
    InvalidConsentError,
    NotAContactError,
    Statement,
    Told,
    UnknownAttributeError,
)
from regulars.shop.rules import InvalidAttributeValueError
from tests.intake.importing import import_lines
from tests.shop.factories import make_business, make_customer, make_order, make_store

NOW = datetime(2026, 3, 1, tzinfo=UTC)
pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def statement(customer_id: int, state: str, *, key: str, days: int = 0, channel: str = "email") -> Statement:
    return Statement(
        customer_id=customer_id, channel=channel, purpose="marketing", state=state, key=key, source="checkout",
        at=NOW + timedelta(days=days), wording="2026-01",
    )  # fmt: skip


def states(customer_id: int) -> dict[str, str]:
    return {row.channel: row.state for row in queries.current_consents([customer_id])}


def test_the_latest_statement_holds_whatever_arrived_last() -> None:
    customer = make_customer().pk
    told = [statement(customer, "granted", key="1"), statement(customer, "withdrawn", key="2", days=2)]
    assert operations.record_consents(list(reversed(told))) == 2
    assert operations.record_consents(told) == 0
    assert operations.record_consents([statement(customer, "granted", key="3", days=1)]) == 1
    assert states(customer) == {"email": "withdrawn"}
    assert len(queries.consent_history(customer)) == 3


def test_of_two_statements_of_one_moment_the_withdrawal_holds() -> None:
    customer = make_customer().pk
    operations.record_consents(
        [statement(customer, "withdrawn", key="a"), statement(customer, "granted", key="b")]
    )
    assert states(customer) == {"email": "withdrawn"}


def test_who_became_part_of_another_brings_what_they_took_back() -> None:
    kept, absorbed = make_customer().pk, make_customer().pk
    operations.record_consents(
        [statement(kept, "granted", key="1"), statement(absorbed, "withdrawn", key="2", days=1)]
    )
    merged = operations.merge(kept_id=kept, absorbed_id=absorbed, evidence="person", now=NOW)
    assert states(kept) == {"email": "withdrawn"}
    operations.undo_merge(merge_id=merged.pk, now=NOW)
    assert states(kept) == {"email": "granted"}


def test_the_ledger_is_never_changed() -> None:
    operations.record_consents([statement(make_customer().pk, "granted", key="1")])
    for change in (Consent.objects.all().delete, lambda: Consent.objects.update(state="withdrawn")):
        with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
            change()


@pytest.mark.parametrize(("column", "value"), [("channel", "fax"), ("purpose", "fun"), ("state", "maybe")])
def test_a_statement_without_meaning_is_refused_with_the_choices(column: str, value: str) -> None:
    told = Statement(**{**statement(make_customer().pk, "granted", key="1").__dict__, column: value})
    with pytest.raises(InvalidConsentError, match=value):
        operations.record_consents([told])


@pytest.mark.parametrize(
    ("type_", "told", "kept"),
    [
        ("text", " blue ", "blue"),
        ("number", "12.50", Decimal("12.5")),
        ("number", 12, Decimal(12)),
        ("flag", "是", True),
        ("flag", False, False),
        ("date", "2026-03-08T10:00:00Z", date(2026, 3, 8)),
        ("choice", "dry", "dry"),
        ("choices", "oily, dry", ["dry", "oily"]),
    ],
)
def test_a_value_is_kept_in_the_type_of_its_attribute(type_: str, told: object, kept: object) -> None:
    operations.define_attribute(
        name="x", label="X", type=type_, choices=["dry", "oily"] if "choice" in type_ else []
    )
    customer = make_customer().pk
    operations.set_attributes([Told(customer_id=customer, name="x", value=told, at=NOW)])
    assert queries.attributes(customer)[0].value == kept


@pytest.mark.parametrize(
    ("type_", "told"),
    [
        ("number", "twelve"), ("number", "NaN"), ("number", 101), ("number", True), ("flag", "perhaps"), ("date", "8 March"),
        ("choice", "blue"), ("choices", ["dry", "blue"]), ("text", {"a": 1}), ("text", "x" * 1_001),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused_and_nothing_is_written(type_: str, told: object) -> None:
    operations.define_attribute(
        name="x", label="X", type=type_, choices=["dry", "oily"] if "choice" in type_ else [],
        maximum=Decimal(100) if type_ == "number" else None,
    )  # fmt: skip
    customer = make_customer().pk
    with pytest.raises(InvalidAttributeValueError):
        operations.set_attributes([Told(customer_id=customer, name="x", value=told, at=NOW)])
    assert queries.attributes(customer) == []


def test_the_value_told_last_stays_whatever_arrived_last() -> None:
    operations.define_attribute(name="size", label="Size", type="number")
    customer = make_customer().pk
    told = [
        Told(customer_id=customer, name="size", value=size, at=NOW + timedelta(days=size))
        for size in (40, 38)
    ]
    assert operations.set_attributes(told[:1]) == 1
    assert operations.set_attributes(told) == 0
    assert queries.attributes(customer)[0].value == Decimal(40)


def test_a_definition_that_would_make_values_meaningless_is_refused() -> None:
    operations.define_attribute(name="skin", label="Skin", type="choice", choices=["dry", "oily"])
    operations.set_attributes([Told(customer_id=make_customer().pk, name="skin", value="dry", at=NOW)])
    operations.define_attribute(name="skin", label="Skin type", type="choice", choices=["dry", "normal"])
    with pytest.raises(AttributeInUseError):
        operations.define_attribute(name="skin", label="Skin", type="choice", choices=["normal"])
    with pytest.raises(AttributeInUseError):
        operations.define_attribute(name="skin", label="Skin", type="text")
    for name, type_, choices in (
        ("Skin", "text", []),
        ("a", "choice", []),
        ("a", "colour", []),
        ("a", "text", ["x"]),
    ):
        with pytest.raises(InvalidAttributeError):
            operations.define_attribute(name=name, label="", type=type_, choices=choices)
    with pytest.raises(UnknownAttributeError):
        operations.set_attributes([Told(customer_id=1, name="taste", value="x", at=NOW)])


def test_the_bounds_of_money_are_in_whole_units_as_its_values_are_told() -> None:
    make_business(currency="CNY")
    operations.define_attribute(
        name="budget", label="Budget", type="money", minimum=Decimal(10), maximum=Decimal(50)
    )
    customer = make_customer().pk
    for told, is_good in (("9.99", False), ("10", True), ("50.00", True), ("50.01", False)):
        value = [Told(customer_id=customer, name="budget", value=told, at=NOW)]
        if is_good:
            operations.set_attributes(value)
            operations.clear_attribute(customer_id=customer, name="budget")
        else:
            with pytest.raises(InvalidAttributeValueError, match="10 … 50"):
                operations.set_attributes(value)


def test_an_accounts_orders_are_those_its_contacts_placed() -> None:
    account = operations.ensure_account(code="acme", name="Acme")
    assert operations.ensure_account(code="acme", industry="Tools").name == "Acme"
    buyer, stranger = make_customer(), make_customer()
    operations.add_contacts(account_id=account.pk, contacts=[(buyer.pk, "buyer"), (buyer.pk, "")], now=NOW)
    assert account.contacts.get().role == "buyer"
    order = make_order(customer=buyer)
    assert operations.give_orders(account_id=account.pk, order_ids=[order.pk]) == 1
    assert operations.give_orders(account_id=account.pk, order_ids=[order.pk]) == 0
    with pytest.raises(NotAContactError):
        operations.give_orders(account_id=account.pk, order_ids=[make_order(customer=stranger).pk])
    assert [one.account for one in queries.contacts_of(buyer.pk)] == [account]


def test_new_orders_go_to_the_one_account_that_a_contact_brings_them_to(tmp_path: Path) -> None:
    make_business()
    acme, other = (operations.ensure_account(code=code) for code in ("acme", "other"))

    def accounts() -> dict[str, str | None]:
        return dict(Order.objects.values_list("code", "account__code"))

    import_lines(tmp_path, "1,2026-01-05,A,wipes,1,2.50")
    buyer = Customer.objects.get()
    for account in (acme, other):
        operations.add_contacts(account_id=account.pk, contacts=[(buyer.pk, "")], now=NOW)
        assert operations.give_orders_of(account_id=account.pk, customer_id=buyer.pk) == (account == acme)
    import_lines(tmp_path, "2,2026-01-06,A,wipes,1,2.50", "3,2026-01-06,B,wipes,1,2.50")
    told = operations.OrderState(
        sender="track", store_id=make_store().pk, code="4", status="paid", customer_id=buyer.pk, placed_at=NOW, lines=[]
    )  # fmt: skip
    operations.put_order(told)
    assert accounts() == {"1": "acme", "2": "other", "3": None, "4": "other"}
    operations.keep_orders_of(account_id=other.pk, customer_id=buyer.pk)
    import_lines(tmp_path, "5,2026-01-07,A,wipes,1,2.50")
    operations.put_order(replace(told, code="6"))
    assert accounts() | {"5": None, "6": None} == accounts()
    operations.put_order(replace(told, status="cancelled"))
    assert accounts()["4"] == "other"
