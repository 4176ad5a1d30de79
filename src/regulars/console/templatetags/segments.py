"""Words of segments for templates."""

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from regulars.segments.queries import Staleness

register = template.Library()

STALE: dict[Staleness, str | Promise] = {
    "edited": _("Being worked out"),
    "failed": _("Could not be worked out"),
    "old": _("Out of date"),
    "behind": _("New data waits"),
    "archived": _("Archived"),
}


@register.filter
def stale_word(stale: Staleness) -> str | Promise:
    """Say why a segment does not speak of now."""
    return STALE.get(stale, "")
