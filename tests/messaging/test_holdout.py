"""The global hold-out: advertising is held back at the claim, everything else goes."""

import pytest
from django.utils import timezone

from regulars.kernel.buckets import arm, bucket, is_held_out_globally
from regulars.messaging.models import Delivery
from regulars.messaging.operations.claims import Session, claim, database_now
from regulars.shop.business import InvalidHoldoutError, business, change_holdout
from tests.messaging.sending import make_readers, make_send, smtp_channel
from tests.shop.factories import make_business

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("is_transactional", [False, True])
def test_advertising_is_held_back_when_it_is_claimed_and_a_receipt_is_not(*, is_transactional: bool) -> None:
    make_business()
    readers = make_readers(60)
    send = make_send(readers, smtp_channel(9), is_transactional=is_transactional)
    # Set after the messages were decided on: it counts at the claim.
    change_holdout(holdout_bp=3_000, now=timezone.now())
    worker = Session().ensure()
    while claim(worker=worker, now=database_now()) is not None:
        pass
    held = {who for who in readers if is_held_out_globally(who, holdout_bp=3_000)}
    rows = Delivery.objects.filter(send=send)
    assert held
    assert set(
        rows.filter(reason="global_holdout", state="suppressed").values_list("customer_id", flat=True)
    ) == (set() if is_transactional else held)
    assert rows.filter(state="claimed").count() == len(readers) - (0 if is_transactional else len(held))


def test_a_larger_hold_out_keeps_everybody_of_the_smaller_one_and_is_refused_beyond_half() -> None:
    make_business()
    small, large = (
        {n for n in range(2_000) if is_held_out_globally(n, holdout_bp=bp)} for bp in (500, 1_000)
    )
    assert small < large
    changed = change_holdout(holdout_bp=700, now=timezone.now())
    assert (business().holdout_bp, changed.holdout_since is not None) == (700, True)
    with pytest.raises(InvalidHoldoutError):
        change_holdout(holdout_bp=5_001, now=timezone.now())


@pytest.mark.unit
def test_arms_lie_one_after_the_other_over_the_buckets() -> None:
    shares = {"a": 2_000, "b": 3_000, "c": 5_000}
    for who in range(300):
        drawn = bucket(who, salt="s")
        assert arm(who, salt="s", shares=shares) == ("a" if drawn < 2_000 else "b" if drawn < 5_000 else "c")
