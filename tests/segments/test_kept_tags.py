"""A tag that a segment keeps follows its members, and leaves alone what people put on."""

import pytest

from regulars.segments import operations, queries
from regulars.segments.models import Refresh
from regulars.segments.operations import SegmentInUseError, TagCycleError
from regulars.shop.models import Tag, Tagging, TaggingBatch, TouchedCustomer
from regulars.shop.operations import ensure_tag, forget_tags, remove_tag, tag_customers
from tests.segments.test_refreshing import NOW, buy_tea, make, rule
from tests.segments.test_refreshing import _shop as _shop  # noqa: PLC0414  a fixture of this module too
from tests.shop.factories import make_customer

pytestmark = pytest.mark.django_db
HAS_DRINKER = rule({"attribute": "tag", "is": "any_of", "value": ["drinker"]})


def tagged(tag: Tag) -> dict[int, str]:
    return dict(Tagging.objects.filter(tag=tag).values_list("customer", "source"))


def test_a_kept_tag_follows_the_segment_as_data_arrives() -> None:
    ann, bob, cleo = make_customer(), make_customer(), make_customer()
    for _time in range(2):
        buy_tea(ann)
    drinkers, vips = make("Drinkers"), make("VIPs", HAS_DRINKER)
    operations.refresh_due(now=NOW)
    tag, second = ensure_tag(name="drinker"), ensure_tag(name="vip")
    tag_customers(tag_id=tag.pk, customer_ids=[cleo.pk], now=NOW)
    operations.keep_tag(tag_id=tag.pk, segment_id=drinkers.pk, now=NOW)
    operations.keep_tag(tag_id=second.pk, segment_id=vips.pk, now=NOW)
    assert tagged(tag) == {ann.pk: "rule", cleo.pk: ""}
    TouchedCustomer.objects.all().delete()
    for _time in range(2):
        buy_tea(bob)
    operations.refresh_touched(now=NOW)
    assert tagged(tag) == {ann.pk: "rule", bob.pk: "rule", cleo.pk: ""}
    # What hangs on the tag has been thought over too.
    assert set(tagged(second)) >= {bob.pk}
    ann.orders.update(status="cancelled")
    operations.refresh_touched(now=NOW)
    assert tagged(tag) == {bob.pk: "rule", cleo.pk: ""}
    batches = TaggingBatch.objects.count()
    operations.refresh(drinkers.pk, now=NOW, reason=Refresh.Reason.RUN)
    assert TaggingBatch.objects.count() == batches, "nothing changed, nothing is written"
    Tagging.objects.filter(customer=bob, tag=tag).delete()
    operations.refresh(drinkers.pk, now=NOW, reason=Refresh.Reason.RUN)
    assert bob.pk in tagged(tag)
    operations.release_tag(tag_id=tag.pk)
    bob.orders.update(status="cancelled")
    operations.refresh_touched(now=NOW)
    assert bob.pk in tagged(tag)


def test_a_list_keeps_a_tag_too() -> None:
    ann = make_customer()
    chosen = operations.create_list(name="Chosen", now=NOW)
    tag = ensure_tag(name="chosen")
    operations.keep_tag(tag_id=tag.pk, segment_id=chosen.pk, now=NOW)
    operations.add_members(chosen.pk, customer_ids=[ann.pk], now=NOW)
    assert tagged(tag) == {ann.pk: "rule"}
    operations.remove_members(chosen.pk, customer_ids=[ann.pk], now=NOW)
    assert tagged(tag) == {}


def test_a_tag_cannot_decide_who_gets_it() -> None:
    tag = ensure_tag(name="drinker")
    asking = make("Asking", HAS_DRINKER)
    with pytest.raises(TagCycleError, match="drinker"):
        operations.keep_tag(tag_id=tag.pk, segment_id=asking.pk, now=NOW)
    assert queries.tags_kept() == {}
    # Round a corner: drinker keeps vip, and vip would keep drinker.
    vip = ensure_tag(name="vip")
    operations.keep_tag(tag_id=vip.pk, segment_id=asking.pk, now=NOW)
    other = make("Other", rule({"attribute": "tag", "is": "any_of", "value": ["vip"]}))
    with pytest.raises(TagCycleError):
        operations.keep_tag(tag_id=tag.pk, segment_id=other.pk, now=NOW)
    plain = make("Plain")
    operations.keep_tag(tag_id=tag.pk, segment_id=plain.pk, now=NOW)
    with pytest.raises(TagCycleError):
        operations.change_rule(plain.pk, rule=rule({"segment": other.pk}), now=NOW)


def test_a_segment_that_keeps_a_tag_is_not_put_away_until_the_tag_is_gone() -> None:
    segment, tag = make(), ensure_tag(name="drinker")
    operations.keep_tag(tag_id=tag.pk, segment_id=segment.pk, now=NOW)
    with pytest.raises(SegmentInUseError, match="drinker"):
        operations.archive(segment.pk, now=NOW)
    remove_tag(tag_id=tag.pk, now=NOW.replace(year=2023))
    assert forget_tags(now=NOW) == 1
    operations.archive(segment.pk, now=NOW)


def test_which_segments_ask_for_an_attribute_is_found_however_deep() -> None:
    deep = make("Deep", rule({"not": {"any": [{"attribute": "tag", "is": "known"}]}}))
    make("Not")
    assert queries.asking_for("tag") == [deep]
