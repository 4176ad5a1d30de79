"""Saved views: lists of customers that come with Regulars, and those that people keep."""

from dataclasses import dataclass
from typing import ClassVar

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from regulars.console.models import SavedView
from regulars.kernel.errors import RegularsError
from regulars.staff.models import User
from regulars.staff.rules import Capability, may

VIEWS_A_PERSON = 50


class TooManyViewsError(RegularsError):
    """A person keeps as many views as fit above a list."""

    code: ClassVar[str] = "too_many_views"


@dataclass(frozen=True)
class View:
    """A tab above the list. `saved` is None for those that come with Regulars."""

    name: str | Promise
    query: str
    saved: SavedView | None = None
    may_remove: bool = False


BUILT_IN = (
    View(_("All"), ""),
    View(_("VIP"), "tier=VIP"),
    View(_("At risk"), "tier=at_risk"),
    View(_("Due now"), "due=due"),
    View(_("New this month"), "first=this_month&sort=-last"),
)


def views_for(user: User) -> list[View]:
    """Return the tabs that a person sees: those that come with Regulars, their own, and shared ones."""
    kept = SavedView.objects.filter(Q(owner=user) | Q(is_shared=True))
    return [*BUILT_IN, *(View(view.name, view.query, view, _may_remove(user, view)) for view in kept)]


def keep_view(*, owner: User, name: str, query: str, is_shared: bool) -> SavedView:
    """Keep a list under a name; a name that its owner used before now stands for this list.

    Raises:
        TooManyViewsError: The owner keeps `VIEWS_A_PERSON` others.
    """
    mine = SavedView.objects.filter(owner=owner)
    if mine.exclude(name=name).count() >= VIEWS_A_PERSON:
        message = f"{VIEWS_A_PERSON} views are kept already; remove one first"
        raise TooManyViewsError(message, limit=VIEWS_A_PERSON)
    return mine.update_or_create(name=name, owner=owner, defaults={"query": query, "is_shared": is_shared})[0]


def remove_view(*, view_id: int, user: User) -> bool:
    """Remove a view that the person may remove; return whether there was one."""
    view = SavedView.objects.filter(id=view_id).first()
    if view is None or not _may_remove(user, view):
        return False
    view.delete()
    return True


def _may_remove(user: User, view: SavedView) -> bool:
    return view.owner_id == user.pk or (view.is_shared and may(user.role, Capability.CHANGE_SETTINGS))
