"""What segments do when something happened below them."""

from regulars.insights.events import RunFinished
from regulars.outbox.delivery import receive
from regulars.segments.tasks import request_all


@receive(RunFinished)
def refresh_after_run(_event: RunFinished) -> None:
    request_all()
