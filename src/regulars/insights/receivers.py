"""What insights do when something happened below them."""

from django.utils import timezone

from regulars.insights import operations
from regulars.insights.events import RunFinished
from regulars.insights.tasks import request_computation
from regulars.intake.events import BackfillFinished, ImportFinished, ImportUndone
from regulars.outbox.delivery import receive
from regulars.shop.events import BusinessChanged


@receive(ImportFinished)
def compute_after_import(_event: ImportFinished) -> None:
    request_computation()


@receive(ImportUndone)
def compute_after_undo(_event: ImportUndone) -> None:
    request_computation()


@receive(BackfillFinished)
def compute_after_backfill(_event: BackfillFinished) -> None:
    request_computation()


@receive(BusinessChanged)
def compute_after_business_changed(_event: BusinessChanged) -> None:
    request_computation()


@receive(RunFinished)
def backtest_when_due(_event: RunFinished) -> None:
    now = timezone.now()
    if operations.is_backtest_due(now=now):
        operations.request_backtest(now=now)
