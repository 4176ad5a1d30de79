"""What each role may do. The one table that pages, API keys and tests read."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """A person's place in the shop."""

    OWNER = "owner", _("Owner")
    MANAGER = "manager", _("Manager")
    MARKETER = "marketer", _("Marketer")
    AGENT = "agent", _("Agent")
    ANALYST = "analyst", _("Analyst")


class Capability(models.TextChoices):
    """One thing that a person or a key may be allowed to do."""

    VIEW_CUSTOMERS = "customers:read", _("See customers and their orders")
    EXPORT_CUSTOMERS = "customers:export", _("Export customers")
    CHANGE_SEGMENTS = "segments:write", _("Make and change segments")
    CHANGE_TEMPLATES = "templates:write", _("Write and publish templates of messages")
    VIEW_OFFERS = "offers:read", _("See offers and what they cost")
    CHANGE_OFFERS = "offers:write", _("Make and change offers, give out codes")
    REDEEM_OFFERS = "offers:redeem", _("Use codes at a checkout")
    VIEW_CONSENTS = "consents:read", _("See what customers allowed")
    CHANGE_CONSENTS = "consents:write", _("Write down what customers allow and take back")
    HANDLE_PRIVACY = "privacy:write", _("Export and erase a person, decide privacy requests")
    VIEW_REPORTS = "reports:read", _("See figures and reports")
    CHANGE_CUSTOMERS = "customers:write", _("Change customers: tags, preferences, who is who")
    SEND_MESSAGES = "messages:write", _("Send messages, pause and cancel them")
    APPROVE_LAUNCHES = "launches:approve", _("Approve campaigns and journeys that others prepared")
    WORK_ACTIONS = "actions:write", _("Assign and finish actions")
    VIEW_IMPORTS = "imports:read", _("See imports")
    RUN_IMPORTS = "imports:write", _("Import data")
    CHANGE_SETTINGS = "settings:write", _("Change business settings and thresholds")
    MANAGE_KEYS = "keys:write", _("Manage API keys")
    MANAGE_TEAM = "team:write", _("Manage the team")
    VIEW_AUDIT = "audit:read", _("See who changed what")


_SEE = {
    Capability.VIEW_CUSTOMERS,
    Capability.VIEW_OFFERS,
    Capability.VIEW_CONSENTS,
    Capability.VIEW_REPORTS,
}
_MARKET = _SEE | {
    Capability.CHANGE_SEGMENTS,
    Capability.CHANGE_TEMPLATES,
    Capability.CHANGE_OFFERS,
    Capability.REDEEM_OFFERS,
    Capability.EXPORT_CUSTOMERS,
    Capability.CHANGE_CUSTOMERS,
    Capability.SEND_MESSAGES,
    Capability.WORK_ACTIONS,
    Capability.CHANGE_CONSENTS,
    Capability.VIEW_IMPORTS,
    Capability.RUN_IMPORTS,
}

# What a program's key may carry. People, keys and the audit log stay with people.
KEY_SCOPES = (
    Capability.VIEW_CUSTOMERS,
    Capability.EXPORT_CUSTOMERS,
    Capability.CHANGE_CUSTOMERS,
    Capability.CHANGE_SEGMENTS,
    Capability.CHANGE_TEMPLATES,
    Capability.VIEW_OFFERS,
    Capability.CHANGE_OFFERS,
    Capability.REDEEM_OFFERS,
    Capability.VIEW_CONSENTS,
    Capability.CHANGE_CONSENTS,
    Capability.VIEW_REPORTS,
    Capability.SEND_MESSAGES,
    Capability.WORK_ACTIONS,
    Capability.VIEW_IMPORTS,
    Capability.RUN_IMPORTS,
)

CAPABILITIES: dict[Role, frozenset[Capability]] = {
    Role.OWNER: frozenset(Capability),
    Role.MANAGER: frozenset(
        _MARKET
        | {
            Capability.APPROVE_LAUNCHES,
            Capability.CHANGE_SETTINGS,
            Capability.HANDLE_PRIVACY,
            Capability.VIEW_AUDIT,
        }
    ),
    Role.MARKETER: frozenset(_MARKET),
    Role.AGENT: frozenset(
        {
            Capability.VIEW_CUSTOMERS,
            Capability.VIEW_OFFERS,
            Capability.CHANGE_CUSTOMERS,
            Capability.VIEW_CONSENTS,
            Capability.CHANGE_CONSENTS,
            Capability.WORK_ACTIONS,
        }
    ),
    Role.ANALYST: frozenset(_SEE | {Capability.EXPORT_CUSTOMERS, Capability.VIEW_IMPORTS}),
}


def may(role: str, capability: Capability) -> bool:
    """Return whether `role` is allowed `capability`. Raises ValueError for a role that does not exist."""
    return capability in CAPABILITIES[Role(role)]
