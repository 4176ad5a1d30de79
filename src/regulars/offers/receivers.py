"""What offers do when the record tells of codes that were used."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from regulars.intake.events import ImportFinished, ImportUndone
from regulars.intake.models import Import
from regulars.offers import matching
from regulars.offers.redeeming import link_orders, take_back, take_in
from regulars.outbox.delivery import receive
from regulars.shop.events import CouponsOnOrder, CouponsTold


@receive(ImportFinished)
def match_import(event: ImportFinished) -> None:
    change_set_id, added = _changes(event.import_id)
    take_in(matching.of_import(added))
    match_orders(matching.orders_of_import(change_set_id, added))
    link_orders()


@receive(ImportUndone)
def take_back_import(event: ImportUndone) -> None:
    _change_set_id, added = _changes(event.import_id)
    gone = matching.gone_from(added)
    now = timezone.now()
    freed = take_back([*gone, *matching.no_longer_on()], now=now)
    # Another teller may tell of the same use.
    match_orders(freed)


@receive(CouponsOnOrder)
def match_order(event: CouponsOnOrder) -> None:
    match_orders([event.order_id])


@receive(CouponsTold)
def match_behaviour(event: CouponsTold) -> None:
    take_in(
        matching.of_customers(
            event.customer_ids,
            first_at=datetime.fromisoformat(event.first_at),
            last_at=datetime.fromisoformat(event.last_at),
        )
    )


def match_orders(order_ids: Sequence[int]) -> None:
    """Bring the uses of codes in line with what is on orders."""
    take_back(matching.no_longer_on(order_ids), now=timezone.now())
    take_in(matching.of_orders(order_ids))


def _changes(import_id: int) -> tuple[int, dict[str, list[int]]]:
    found = Import.objects.select_related("change_set").filter(pk=import_id).first()
    if found is None or found.change_set is None:
        return 0, {}
    return found.change_set.pk, found.change_set.added
