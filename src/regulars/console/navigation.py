"""The rail: the rooms a person can go to, in the order of the loop."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.staff.models import User
from regulars.staff.rules import Capability, may


@dataclass(frozen=True)
class Place:
    """One entry of the rail."""

    url_name: str
    icon: str
    label: str | Promise
    capability: Capability | None = None


@dataclass(frozen=True)
class Link:
    """A place as this person sees it from this page."""

    url: str
    icon: str
    label: str | Promise
    is_current: bool


PLACES = (
    Place("console:today", "today", _("Today"), Capability.VIEW_CUSTOMERS),
    Place("console:customers", "customers", pgettext_lazy("place", "Customers"), Capability.VIEW_CUSTOMERS),
    Place("console:segments", "segments", pgettext_lazy("place", "Segments"), Capability.VIEW_CUSTOMERS),
    Place("console:offers", "gift", pgettext_lazy("place", "Offers"), Capability.VIEW_OFFERS),
    Place("console:templates", "edit", pgettext_lazy("place", "Templates"), Capability.VIEW_CUSTOMERS),
    Place("console:journeys", "git-branch", pgettext_lazy("place", "Journeys"), Capability.VIEW_REPORTS),
    Place("console:campaigns", "flow", pgettext_lazy("place", "Campaigns"), Capability.VIEW_REPORTS),
    Place("console:experiments", "chart", pgettext_lazy("place", "Experiments"), Capability.VIEW_REPORTS),
    Place("console:sends", "mail", pgettext_lazy("place", "Sends"), Capability.VIEW_REPORTS),
    Place("console:review", "reports", _("Review"), Capability.VIEW_REPORTS),
    Place("console:trust", "target", _("Trust"), Capability.VIEW_REPORTS),
    Place("console:data", "data", _("Data"), Capability.VIEW_IMPORTS),
    Place("console:settings", "settings", _("Settings"), Capability.CHANGE_SETTINGS),
)


def links_for(user: User, *, path: str) -> list[Link]:
    """Return the rail for one person on one page."""
    links = []
    for place in PLACES:
        if place.capability is not None and not may(user.role, place.capability):
            continue
        url = reverse(place.url_name)
        is_current = path == url if url == "/" else path.startswith(url)
        links.append(Link(url, place.icon, place.label, is_current))
    return links
