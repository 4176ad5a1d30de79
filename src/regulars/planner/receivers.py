"""What the planner does when something happened below it."""

from django.utils import timezone

from regulars.insights.events import RunFinished
from regulars.outbox.delivery import receive
from regulars.planner.operations import refresh_actions


@receive(RunFinished)
def refresh_after_run(_event: RunFinished) -> None:
    refresh_actions(now=timezone.now())
