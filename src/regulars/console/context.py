"""What every page of the console knows: the person, their language and theme, the shop."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from regulars.console.navigation import links_for
from regulars.console.preferences import theme_of
from regulars.insights.formats import locale_name
from regulars.shop.models import Business
from regulars.staff.models import User
from regulars.staff.rules import CAPABILITIES, Role


def _business() -> Business:
    return Business.objects.filter(pk=1).first() or Business(name="")


def shell(request: HttpRequest) -> dict[str, object]:
    """Return what the base templates need. Costs one query, when a page asks for the business."""
    user = request.user if isinstance(request.user, User) else None
    return {
        "business": SimpleLazyObject(_business),
        "capabilities": CAPABILITIES[Role(user.role)] if user else frozenset(),
        "html_lang": "zh-Hans" if get_language() == "zh-hans" else "en",
        "links": links_for(user, path=request.path) if user else [],
        "locale": locale_name().replace("_", "-"),
        "search_url": reverse("console:customers"),
        "theme": theme_of(request),
    }
