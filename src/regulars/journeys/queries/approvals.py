"""What pages read of launches that wait for approval."""

from django.db.models import QuerySet

from regulars.journeys.models import Approval


def waiting_approvals() -> "QuerySet[Approval]":
    """Return what waits for an answer, the oldest first."""
    rows = Approval.objects.filter(state=Approval.State.WAITING).select_related(
        "campaign", "journey", "asked_by"
    )
    return rows.order_by("asked_at")


def waiting_approval(*, campaign_id: int | None = None, journey_id: int | None = None) -> Approval | None:
    """Return what was asked for of a campaign or a journey and waits for an answer; None where nothing does."""
    return waiting_approvals().filter(campaign=campaign_id, journey=journey_id).first()
