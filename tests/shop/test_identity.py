"""Who is who: merges keep both histories, can be undone, and need evidence."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from regulars.outbox.models import OutboxEvent
from regulars.shop import operations, queries
from regulars.shop.models import ChangedMonth, Customer, Event, Identifier, Merge, MergeSuggestion, Order
from regulars.shop.operations import AlreadyMergedError, MergeNotOpenError, Person, SameCustomerError
from regulars.shop.rules import InvalidIdentifierError, normalise, region_of_zone
from tests.shop.factories import (
    make_business,
    make_customer,
    make_line,
    make_order,
    make_product,
    make_refund,
    make_store,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
database = pytest.mark.django_db
unit = pytest.mark.unit


def person(store_id: int, *, at: datetime = NOW, name: str = "", **identifiers: str) -> Person:
    return Person(store_id=store_id, identifiers=identifiers, at=at, name=name)


def recognise(*people: Person) -> list[int]:
    return operations.recognise(people, now=NOW)


@unit
@pytest.mark.parametrize(
    ("kind", "told", "region", "kept"),
    [
        ("email", "  Ann@Example.COM ", None, "ann@example.com"),
        ("phone", "138 0013 8000", "CN", "+8613800138000"),
        ("phone", "0086-138-0013-8000", "DE", "+8613800138000"),
        ("phone", "(020) 7946 0018", "GB", "+442079460018"),
        ("phone", "+49 30 901820", None, "+4930901820"),
        ("phone", "020 7946-0018", None, "02079460018"),
        ("phone", "１３８００１３８０００", "CN", "+8613800138000"),
        ("ouid", " AbC-1 ", None, "AbC-1"),
    ],
)
def test_an_identifier_is_always_written_the_same(
    kind: str, told: str, region: str | None, kept: str
) -> None:
    assert normalise(kind, told, region=region) == kept


@unit
@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("email", "ann"),
        ("email", "a@b@c.de"),
        ("phone", "138****8000"),
        ("phone", "12"),
        ("external", " "),
        ("fax", "1"),
    ],
)
def test_what_is_no_identifier_is_refused(kind: str, told: str) -> None:
    with pytest.raises(InvalidIdentifierError):
        normalise(kind, told, region="CN")


@unit
@example(told="0-0", kind="phone", region=None)
@example(told="0-0 49 30 901820", kind="phone", region=None)
@given(
    st.text(max_size=40), st.sampled_from(["email", "phone", "external"]), st.sampled_from(["CN", "US", None])
)
def test_writing_an_identifier_twice_changes_nothing(told: str, kind: str, region: str | None) -> None:
    try:
        once = normalise(kind, told, region=region)
    except InvalidIdentifierError:
        return
    assert normalise(kind, once, region=region) == once


@unit
def test_a_zone_tells_where_numbers_without_a_country_are_dialled() -> None:
    assert (region_of_zone("Asia/Shanghai"), region_of_zone("Europe/Berlin"), region_of_zone("UTC")) == (
        "CN",
        "DE",
        None,
    )


@database
@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_people_end_the_same_whatever_was_told_first(order: tuple[int, ...]) -> None:
    make_business(time_zone="Asia/Shanghai")
    shop, second = make_store().pk, make_store(code="second").pk
    told = [
        person(shop, external="17", name="Ann", at=NOW),
        person(shop, email="ann@example.com", name="A.", at=NOW - timedelta(days=1)),
        person(shop, external="17", email="Ann@example.com", phone="13800138000"),
        person(second, external="S-9", phone="+86 138 0013 8000"),
    ]
    for number in order:
        recognise(told[number])
    known = Customer.objects.get(merged_into=None)
    assert known.name == "Ann"
    assert set(Identifier.objects.values_list("customer", "kind", "value")) == {
        (known.pk, "external", "17"),
        (known.pk, "external", "S-9"),
        (known.pk, "email", "ann@example.com"),
        (known.pk, "phone", "+8613800138000"),
    }


@database
def test_buyer_17_of_one_store_is_not_buyer_17_of_another() -> None:
    first, second = recognise(
        person(make_store().pk, external="17"), person(make_store(code="b").pk, external="17")
    )
    assert first != second
    assert Customer.objects.values("code").distinct().count() == 2


@database
def test_people_told_at_once_and_new_are_made_at_once(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    store = make_store().pk
    told = [person(store, external=str(number), email=f"{number}@example.com") for number in range(500)]
    with django_assert_max_num_queries(16):
        assert len(set(recognise(*told, *told))) == 500


@database
def test_a_merge_keeps_both_histories_and_its_undoing_gives_each_back() -> None:
    make_business()
    product = make_product()
    kept, absorbed = make_customer(code="kept"), make_customer(code="gone")
    theirs = make_order(customer=absorbed, day=20_000)
    make_line(order=theirs, product=product)
    make_order(customer=kept, day=20_100)
    refund = make_refund(customer=absorbed, day=20_001)
    refund.product = product
    refund.save()
    Identifier.objects.create(customer=absorbed, kind="email", value="gone@example.com")
    operations.define_attribute(name="size", label="Size", type="number")
    for customer, size, at in ((kept, 38, NOW), (absorbed, 40, NOW + timedelta(days=1))):
        operations.set_attributes([operations.Told(customer_id=customer.pk, name="size", value=size, at=at)])
    tag = operations.ensure_tag(name="VIP")
    operations.tag_customers(tag_id=tag.pk, customer_ids=[absorbed.pk], now=NOW)
    source = operations.ensure_source(code="web", name="Web", store_id=make_store().pk)
    operations.write_events(
        [
            operations.NewEvent(
                source_id=source.pk, at=NOW, name="Seen", customer_id=absorbed.pk, properties={}
            )
        ]
    )
    before = ChangedMonth.objects.count()
    row = operations.merge(kept_id=kept.pk, absorbed_id=absorbed.pk, evidence="person", now=NOW)
    assert set(Order.objects.values_list("customer__code", flat=True)) == {"kept"}
    assert Order.objects.get(pk=theirs.pk).refunded_minor == 500
    assert Event.objects.get().customer == kept
    assert queries.attributes(kept.pk)[0].value == Decimal(40)
    assert [tagging.tag.name for tagging in queries.tags(kept.pk)] == ["VIP"]
    assert queries.customers_known_as("gone@example.com") == [kept.pk]
    assert queries.root_of(absorbed.pk) == kept.pk
    assert ChangedMonth.objects.count() > before
    later = make_order(customer=kept, day=20_200)
    operations.undo_merge(merge_id=row.pk, now=NOW)
    assert sorted(Order.objects.values_list("pk", "customer__code")) == sorted(
        [(theirs.pk, "gone"), (later.pk, "kept"), (Order.objects.get(day=20_100).pk, "kept")]
    )
    assert Event.objects.get().customer == absorbed
    assert queries.attributes(kept.pk)[0].value == Decimal(38)
    assert not queries.tags(kept.pk)
    assert queries.customers_known_as("gone@example.com") == [absorbed.pk]
    assert list(OutboxEvent.objects.values_list("name", flat=True)) == [
        "shop.CustomersMerged",
        "shop.MergeUndone",
    ]


@database
def test_two_who_were_told_apart_by_a_person_are_not_joined_again() -> None:
    store = make_store().pk
    (known,) = recognise(person(store, email="a@example.com"))
    recognise(person(store, external="17"))
    recognise(person(store, external="17", email="a@example.com"))
    operations.undo_merge(merge_id=Merge.objects.get().pk, now=NOW)
    recognise(person(store, external="17", email="a@example.com"))
    assert Merge.objects.filter(undone_at=None).count() == 0
    assert MergeSuggestion.objects.count() == 1
    assert Customer.objects.get(pk=known).merged_into is None


@database
def test_merges_are_undone_in_the_order_they_are_stacked() -> None:
    a, b, c = (make_customer(code=code) for code in "abc")
    first = operations.merge(kept_id=b.pk, absorbed_id=a.pk, evidence="person", now=NOW)
    second = operations.merge(kept_id=c.pk, absorbed_id=b.pk, evidence="person", now=NOW)
    assert set(Customer.objects.filter(merged_into=c).values_list("code", flat=True)) == {"a", "b"}
    with pytest.raises(MergeNotOpenError):
        operations.undo_merge(merge_id=first.pk, now=NOW)
    operations.undo_merge(merge_id=second.pk, now=NOW)
    assert Customer.objects.get(code="a").merged_into == b
    operations.undo_merge(merge_id=first.pk, now=NOW)
    with pytest.raises(MergeNotOpenError):
        operations.undo_merge(merge_id=first.pk, now=NOW)


@database
def test_a_merge_with_oneself_or_with_somebody_merged_is_refused() -> None:
    a, b, c = (make_customer(code=code) for code in "abc")
    with pytest.raises(SameCustomerError):
        operations.merge(kept_id=a.pk, absorbed_id=a.pk, evidence="person", now=NOW)
    operations.merge(kept_id=b.pk, absorbed_id=a.pk, evidence="person", now=NOW)
    with pytest.raises(AlreadyMergedError):
        operations.merge(kept_id=c.pk, absorbed_id=a.pk, evidence="person", now=NOW)


@database
def test_joining_keeps_the_language_that_was_chosen_else_the_one_told_last() -> None:
    make_business()
    for mine, theirs, kept in (
        ("", "told", "theirs"), ("told", "later", "theirs"), ("later", "told", "mine"),
        ("told", "chosen", "theirs"), ("chosen", "later", "mine"), ("chosen", "chosen", "mine"), ("told", "", "mine"),
    ):  # fmt: skip
        one, other = make_customer(), make_customer()
        for customer, how, language in ((one, mine, "en"), (other, theirs, "zh-hans")):
            if how == "chosen":
                operations.speak_to(customer_id=customer.pk, language=language)
            elif how:
                at = NOW + timedelta(days=how == "later")
                operations.tell_language(customer_id=customer.pk, language=language, now=at)
        before = Customer.objects.get(pk=one.pk)
        row = operations.merge(kept_id=one.pk, absorbed_id=other.pk, evidence="person", now=NOW)
        found = Customer.objects.get(pk=one.pk)
        assert found.language == {"mine": "en" if mine else "", "theirs": "zh-hans"}[kept], (mine, theirs)
        assert found.has_chosen_language == ("chosen" in (mine, theirs))
        operations.undo_merge(merge_id=row.pk, now=NOW)
        after = Customer.objects.get(pk=one.pk)
        assert (after.language, after.language_at) == (before.language, before.language_at)
