"""Campaigns and journeys, and everybody's way through them."""

from regulars.journeys.models.campaigns import Campaign, CampaignChannel
from regulars.journeys.models.journeys import Enrollment, Gate, Journey, JourneyVersion, Passage

__all__ = ["Campaign", "CampaignChannel", "Enrollment", "Gate", "Journey", "JourneyVersion", "Passage"]
