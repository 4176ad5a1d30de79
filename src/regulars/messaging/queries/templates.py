"""What pages and programs read of templates."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery, Sum

from regulars.messaging import composing
from regulars.messaging.composing import NoSuchTemplateError
from regulars.messaging.models import (
    Click,
    Delivery,
    Letterhead,
    Opening,
    ShortLink,
    Template,
    TemplateVersion,
)
from regulars.shop.wording import gettext as _


@dataclass(frozen=True, kw_only=True)
class TemplateFilter:
    """Which templates: by words in name or description, format, language written, and whether archived."""

    text: str = ""
    format: str = ""
    language: str = ""
    archived: bool = False


def filter_of(query: Mapping[str, str]) -> TemplateFilter:
    """Return what a list or its file asks for: `words`, `format`, `language`, and `show` for the archive; what is unknown is left out."""
    asked = {
        name: query.get(name, "").replace("\0", "").strip()[:100] for name in ("words", "format", "language")
    }
    return TemplateFilter(
        text=asked["words"],
        format=asked["format"] if asked["format"] in Template.Format.values else "",
        language=asked["language"] if asked["language"] in dict(settings.LANGUAGES) else "",
        archived=query.get("show") == "archived",
    )


def templates(which: TemplateFilter) -> "QuerySet[Template]":
    """Return templates with the number of their latest version (`latest`, null before the first), by name."""
    latest = TemplateVersion.objects.filter(template=OuterRef("pk")).order_by("-number")
    found = Template.objects.filter(archived_at__isnull=not which.archived).annotate(
        latest=Subquery(latest.values("number")[:1]), published_at=Subquery(latest.values("saved_at")[:1])
    )
    if which.text:
        found = found.filter(Q(name__icontains=which.text) | Q(description__icontains=which.text))
    if which.format:
        found = found.filter(format=which.format)
    if which.language:
        found = found.filter(**{f"draft__{which.language}__body__gt": ""})
    return found.order_by("name")


def template(template_id: int) -> Template:
    """Return a template.

    Raises:
        NoSuchTemplateError: There is none.
    """
    found = Template.objects.filter(pk=template_id).select_related("created_by").first()
    if found is None:
        raise NoSuchTemplateError(_("no template has the id %(id)s") % {"id": template_id})
    return found


def versions(template_id: int) -> "QuerySet[TemplateVersion]":
    """Return a template's versions, the latest first."""
    return TemplateVersion.objects.filter(template=template_id).select_related("saved_by")


def latest_version(template_id: int) -> TemplateVersion | None:
    """Return the version that messages are made of; None before the first."""
    return versions(template_id).first()


def letterhead() -> Letterhead:
    """Return the letterhead."""
    return composing.letterhead()


def has_changes(template: Template) -> bool:
    """Return whether the draft says something else than the latest version."""
    latest = latest_version(template.pk)
    written = {language: template.draft[language] for language in composing.languages_of(template.draft)}
    return latest is None or latest.content != written


def changes(
    before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]
) -> list[tuple[str, str]]:
    """Return what differs between two contents as lines: (`+`, `-`, ` ` or `@`, text); `@` names the language and part."""
    told: list[tuple[str, str]] = []
    for language in sorted({*before, *after}):
        for part in ("subject", "preheader", "body"):
            old = before.get(language, {}).get(part, "").splitlines()
            new = after.get(language, {}).get(part, "").splitlines()
            if old == new:
                continue
            told.append(("@", f"{language} {part}"))
            lines = list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]
            told += [(line[0], line[1:]) for line in lines if not line.startswith("@@")]
    return told


@dataclass(frozen=True, kw_only=True)
class LinkClicks:
    """How a link fares: its number, where it leads, how many deliveries it was followed from, and how often."""

    number: int
    url: str
    deliveries: int
    times: int


def clicks_of(version_id: int) -> list[LinkClicks]:
    """Return the links of a version that were followed, the most first."""
    rows = (
        Click.objects.filter(version=version_id)
        .values("number")
        .annotate(url=Max("url"), deliveries=Count("delivery"), times=Sum("times"))
        .order_by("-deliveries", "number")
    )
    return [LinkClicks(**row) for row in rows]


@dataclass(frozen=True, kw_only=True)
class Engagement:
    """How many deliveries were opened (where openings are counted) and followed by a click."""

    opened: int
    clicked: int


def engagement(deliveries: "QuerySet[Delivery]") -> Engagement:
    """Return how many of some deliveries were opened and clicked."""
    return Engagement(
        opened=Opening.objects.filter(delivery__in=deliveries).count(),
        clicked=Click.objects.filter(delivery__in=deliveries).values("delivery").distinct().count(),
    )


def link_of(version_id: int, *, language: str, number: int) -> str:
    """Return where a fixed link of a version leads; "" where it has none of this number."""
    kept = TemplateVersion.objects.filter(pk=version_id).values_list("links", flat=True).first() or {}
    links: Sequence[str | None] = kept.get(language, [])
    return (links[number] or "") if number < len(links) else ""


def short_link(link_id: int) -> ShortLink | None:
    """Return a short link of texts; None where there is none."""
    return ShortLink.objects.filter(pk=link_id).first()
