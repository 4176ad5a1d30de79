"""What offers do when the record tells of codes that were used."""

from datetime import datetime

from django.utils import timezone

from regulars.intake.events import ImportFinished, ImportUndone
from regulars.intake.models import Import
from regulars.offers import matching
from regulars.offers.redeeming import link_orders, take_back, take_in
from regulars.outbox.delivery import receive
from regulars.shop.events import CouponsTold


@receive(ImportFinished)
def match_import(event: ImportFinished) -> None:
    take_in(matching.of_import(_added(event.import_id)))
    link_orders()


@receive(ImportUndone)
def take_back_import(event: ImportUndone) -> None:
    take_back(sources=matching.gone_from(_added(event.import_id)), now=timezone.now())


@receive(CouponsTold)
def match_behaviour(event: CouponsTold) -> None:
    take_in(
        matching.of_customers(
            event.customer_ids,
            first_at=datetime.fromisoformat(event.first_at),
            last_at=datetime.fromisoformat(event.last_at),
        )
    )


def _added(import_id: int) -> dict[str, list[int]]:
    found = Import.objects.select_related("change_set").filter(pk=import_id).first()
    return found.change_set.added if found is not None and found.change_set is not None else {}
