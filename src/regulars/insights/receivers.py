"""What insights do when something happened below them."""

from regulars.insights.tasks import request_computation
from regulars.intake.events import ImportFinished
from regulars.outbox.delivery import receive


@receive(ImportFinished)
def compute_after_import(_event: ImportFinished) -> None:
    request_computation()
