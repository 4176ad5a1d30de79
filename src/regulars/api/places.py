"""Where the API keeps what it answered about a person."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from regulars.api.models import Reply
from regulars.shop.places import Person, SearchPlace, register


def _replies(person: Person) -> list[Reply]:
    told = re.compile(rf'"(?:customer_id|id)":(?:{"|".join(map(str, person.ids))})[,}}]')
    return [
        reply
        for reply in Reply.objects.filter(body__contains="customer").iterator(chunk_size=1_000)
        if told.search(reply.body) or person.is_named_in(reply.body)
    ]


def _read(person: Person) -> Iterable[Mapping[str, Any]]:
    return ({"at": reply.created_at, "reply": reply.body} for reply in _replies(person))


def _erase(person: Person) -> int:
    """Delete the replies: a program that repeats its request is answered anew."""
    return Reply.objects.filter(pk__in=[reply.pk for reply in _replies(person)]).delete()[0]


def register_api() -> None:
    """Register replies that are kept to be said again."""
    register(SearchPlace(name="api_reply", label=_("Answers to programs"), read=_read, erase=_erase))
