"""Where the console keeps words that people typed: a saved list may be a search for somebody."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote_plus

from django.utils.translation import gettext_lazy as _

from regulars.console.models import SavedView
from regulars.shop.places import Person, SearchPlace, register


def _views(person: Person) -> list[SavedView]:
    return [
        view
        for view in SavedView.objects.all()
        if person.is_named_in(unquote_plus(view.query)) or person.is_named_in(view.name)
    ]


def _read(person: Person) -> Iterable[Mapping[str, Any]]:
    return ({"name": view.name, "query": view.query} for view in _views(person))


def _erase(person: Person) -> int:
    return SavedView.objects.filter(pk__in=[view.pk for view in _views(person)]).delete()[0]


def register_console() -> None:
    """Register saved lists."""
    register(SearchPlace(name="console_savedview", label=_("Saved lists"), read=_read, erase=_erase))
