"""The words for a customer's labels, as a merchant says them."""

from django.utils.functional import Promise

from regulars.insights.models import Policy, Profile
from regulars.shop.models import Interaction

# How many of five bars are lit: the life cycle rises to mature and sinks again.
_STEPS = {
    "prospect": 0,
    "new": 1,
    "growing": 3,
    "mature": 5,
    "declining": 3,
    "lapsed_short": 2,
    "lapsed_long": 1,
}


def tier(value: str) -> str | Promise:
    """Return the word for a tier."""
    return Profile.Tier(value).label if value else ""


def stage(value: str) -> str | Promise:
    """Return the word for a stage of the life cycle."""
    return Profile.Stage(value).label if value else ""


def cell(value: str) -> str | Promise:
    """Return the name of an RFM cell."""
    return Profile.Cell(value).label if value else ""


def interaction(outcome: str | None, reason: str | None) -> list[str]:
    """Return what came of getting in touch, and why, in words; nothing where nobody did."""
    words = [str(Interaction.Outcome(outcome).label)] if outcome else []
    return [*words, str(Interaction.Reason(reason).label)] if reason else words


def stage_steps(value: str) -> list[bool]:
    """Return which of the five bars beside a stage are lit."""
    lit = _STEPS.get(value, 0)
    return [step < lit for step in range(5)]


def fixed_as_of_day() -> int | None:
    """Return the day that figures are computed for when it is not simply today."""
    return Policy.objects.filter(pk=1).values_list("as_of_day", flat=True).first()
