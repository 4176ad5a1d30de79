"""Campaigns and journeys, and everybody's way through them."""

from regulars.journeys.models.approvals import Approval, ApprovalRule
from regulars.journeys.models.campaigns import Campaign, CampaignChannel
from regulars.journeys.models.journeys import Enrollment, Gate, Journey, JourneyVersion, Passage
from regulars.journeys.models.playbooks import AdoptedPlaybook, OwnPlaybook
from regulars.journeys.models.rehearsals import Rehearsal

__all__ = [
    "AdoptedPlaybook",
    "Approval",
    "ApprovalRule",
    "Campaign",
    "CampaignChannel",
    "Enrollment",
    "Gate",
    "Journey",
    "JourneyVersion",
    "OwnPlaybook",
    "Passage",
    "Rehearsal",
]
