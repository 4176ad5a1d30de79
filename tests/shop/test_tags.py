from datetime import UTC, datetime, timedelta

import pytest

from regulars.shop import operations, queries
from regulars.shop.models import Customer, Merge, Tag, Tagging, TaggingBatch
from regulars.shop.operations import InvalidTagError, NothingToUndoError
from tests.shop.factories import make_customer

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def tagged(tag: Tag) -> list[tuple[str, str]]:
    return list(
        Tagging.objects.filter(tag=tag).order_by("customer__code").values_list("customer__code", "source")
    )


def test_a_tag_is_one_in_any_case_and_put_on_once() -> None:
    tag = operations.ensure_tag(name=" VIP ")
    assert operations.ensure_tag(name="vip") == tag
    ids = [make_customer(code=code).pk for code in ("A", "B")]
    put = operations.tag_customers(tag_id=tag.pk, customer_ids=ids, source="import 1", now=NOW)
    again = operations.tag_customers(tag_id=tag.pk, customer_ids=ids[:1], now=NOW)
    taken = operations.untag_customers(tag_id=tag.pk, customer_ids=ids[:1], now=NOW)
    assert (put.changed, again.changed, again.batch_id, taken.changed) == (2, 0, None, 1)
    assert (Tag.objects.count(), tagged(tag)) == (1, [("B", "import 1")])


def test_a_query_of_customers_is_tagged_in_the_database_and_taken_back() -> None:
    tag = operations.ensure_tag(name="France")
    for code, country in (("A", "FR"), ("B", "FR"), ("C", "DE")):
        make_customer(code=code, country=country)
    absorbed = make_customer(code="D", country="FR")
    operations.merge(
        kept_id=Customer.objects.get(code="C").pk,
        absorbed_id=absorbed.pk,
        evidence=Merge.Evidence.PERSON,
        now=NOW,
    )
    operations.tag_customers(tag_id=tag.pk, customer_ids=[Customer.objects.get(code="A").pk], now=NOW)
    french = Customer.objects.filter(country="FR").order_by("code").values("id")
    put = operations.tag_customers(tag_id=tag.pk, customer_ids=french, source="list", now=LATER)
    assert (put.changed, tagged(tag)) == (2, [("A", ""), ("B", "list"), ("C", "list")])
    assert put.batch_id is not None
    assert operations.undo_tagging(batch_id=put.batch_id, now=LATER).changed == 2
    assert tagged(tag) == [("A", "")]
    with pytest.raises(NothingToUndoError):
        operations.undo_tagging(batch_id=put.batch_id, now=LATER)


def test_what_was_taken_off_comes_back_as_it_was() -> None:
    tag = operations.ensure_tag(name="Wholesale")
    ids = [make_customer(code=code).pk for code in ("A", "B")]
    operations.tag_customers(tag_id=tag.pk, customer_ids=ids, source="import 1", now=NOW)
    taken = operations.untag_customers(tag_id=tag.pk, customer_ids=ids, now=LATER)
    operations.tag_customers(tag_id=tag.pk, customer_ids=ids[:1], source="staff", now=LATER)
    assert taken.batch_id is not None
    operations.undo_tagging(batch_id=taken.batch_id, now=LATER)
    assert tagged(tag) == [("A", "staff"), ("B", "import 1")]
    assert Tagging.objects.get(customer=ids[1]).tagged_at == NOW


def test_a_removed_tag_is_nowhere_and_can_be_put_back_for_a_month() -> None:
    tag, other = operations.ensure_tag(name="Old"), operations.ensure_tag(name="New")
    customer = make_customer(code="A")
    operations.tag_customers(tag_id=tag.pk, customer_ids=[customer.pk], now=NOW)
    operations.join_tags(kept_id=other.pk, removed_id=tag.pk, now=LATER)
    assert [row.tag.name for row in queries.tags(customer.pk)] == ["New"]
    taking_the_name = operations.ensure_tag(name="old")
    with pytest.raises(InvalidTagError, match="join the two"):
        operations.restore_tag(tag_id=tag.pk)
    operations.change_tag(tag_id=taking_the_name.pk, name="Older", description="", colour="teal")
    operations.restore_tag(tag_id=tag.pk)
    assert [row.tag.name for row in queries.tags(customer.pk)] == ["New", "Old"]
    operations.remove_tag(tag_id=tag.pk, now=NOW)
    assert operations.forget_tags(now=NOW + timedelta(days=29)) == 0
    assert operations.forget_tags(now=NOW + timedelta(days=31)) == 1
    assert set(TaggingBatch.objects.values_list("name", flat=True)) == {"Old", "New"}


@pytest.mark.parametrize(
    ("name", "colour"), [("", "grey"), ("x" * 61, "grey"), ("ok", "mauve"), ("taken", "grey")]
)
def test_a_tag_needs_a_name_of_its_own_and_a_known_colour(name: str, colour: str) -> None:
    operations.ensure_tag(name="Taken")
    tag = operations.ensure_tag(name="Mine")
    with pytest.raises(InvalidTagError):
        operations.change_tag(tag_id=tag.pk, name=name, description="", colour=colour)
