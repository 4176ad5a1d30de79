"""The library of playbooks: looked through by group, read with its messages in both languages, turned on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.console import labels
from regulars.console.components import Chip
from regulars.console.message_templates import framed, in_frame, somebody, with_frame
from regulars.insights import formats
from regulars.journeys.operations.playbooks import (
    Thing,
    add_playbook,
    preview_playbook,
    remove_playbook,
    turn_on_playbook,
    turn_on_starter_set,
)
from regulars.journeys.playbooks import InvalidPlaybookError, Message, NoSuchPlaybookError, Playbook
from regulars.journeys.playbooks.choosing import Value, chosen, defaults
from regulars.journeys.playbooks.needs import Need
from regulars.journeys.playbooks.own import find
from regulars.journeys.playbooks.words import in_words
from regulars.journeys.queries import playbooks as queries
from regulars.journeys.queries.approvals import waiting_approval
from regulars.journeys.queries.playbooks import PlaybookRow
from regulars.journeys.rehearsing import MONTH_DAYS, rehearse_playbook
from regulars.kernel.errors import RegularsError
from regulars.kernel.money import from_minor, minor_unit_exponent, to_minor
from regulars.messaging.checking import check
from regulars.messaging.models import Template
from regulars.messaging.starters import Said
from regulars.shop import queries as shop
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability, may

_SEES = access(Needs(Capability.VIEW_REPORTS))
_STARTS = access(Needs(Capability.SEND_MESSAGES))
GROUPS: Mapping[str, str | Promise] = {
    "stage": _("By stage"),
    "tier": _("By tier"),
    "cycle": _("By purchase cycle"),
    "behaviour": _("By behaviour"),
    "date": _("By date"),
}
STATES: Mapping[str, tuple[str | Promise, str]] = {
    "running": (pgettext_lazy("playbook", "On"), "success"),
    "paused": (pgettext_lazy("playbook", "Paused"), "warning"),
    "draft": (pgettext_lazy("playbook", "Draft"), ""),
    "ready": (pgettext_lazy("playbook", "Ready"), ""),
    "waits": (pgettext_lazy("playbook", "Waits for data"), "warning"),
    "hindered": (pgettext_lazy("playbook", "Not possible yet"), "warning"),
}
"""What each state is called, and how it looks."""
_TURNED_ON = ("running", "paused", "draft")
_MOST_BYTES = 500_000
_LANGUAGES = (("en", "English"), ("zh-hans", "简体中文"))
_KINDS: Mapping[str, tuple[str | Promise, str]] = {
    "messages": (_("Template"), "console:template"),
    "offers": (_("Offer"), "console:offer"),
    "segments": (_("Segment"), "console:segment"),
}


@dataclass(frozen=True, kw_only=True)
class Card:
    """A playbook in the library."""

    row: PlaybookRow
    of: str

    @property
    def state(self) -> tuple[str | Promise, str]:
        """What its state is called, and how it looks."""
        return STATES[self.row.state]

    @property
    def is_grey(self) -> bool:
        """Whether something is missing."""
        return self.row.state in ("waits", "hindered")


@_SEES
@require_GET
@never_cache
def playbooks(request: HttpRequest) -> HttpResponse:
    """Show the library in its groups."""
    asked = queries.filter_of(request.GET)
    rows = queries.rows()
    found = [_card(row) for row in rows if queries.fits(row, asked)]
    groups = [
        (label, [card for card in found if card.row.book.group == group]) for group, label in GROUPS.items()
    ]
    names: Mapping[str, Mapping[str, str | Promise]] = {
        "group": GROUPS,
        "state": {state: label for state, (label, _level) in STATES.items()},
    }
    return render(
        request,
        "console/playbooks/list.html",
        {
            "groups": [(label, cards) for label, cards in groups if cards],
            "asked": asked,
            "group_choices": list(GROUPS.items()),
            "state_choices": list(names["state"].items()),
            "chips": [
                Chip(
                    label=names[name][value] if name in names else value,
                    remove_url=f"?{urlencode({other: one for other, one in asked.items() if one and other != name})}",
                )
                for name, value in asked.items()
                if value
            ],
            "on": sum(row.state == "running" for row in rows),
            "total": len(rows),
        },
    )


def _card(row: PlaybookRow) -> Card:
    book = row.book
    of = (
        labels.tier(book.of)
        if book.group == "tier"
        else labels.stage(book.of)
        if book.group == "stage"
        else ""
    )
    return Card(row=row, of=str(of))


# One playbook


class SettingsForm(forms.Form):
    """The settings of a playbook; amounts in whole units of the currency."""

    def __init__(self, book: Playbook, *, currency: str, told: object = None) -> None:
        super().__init__(told)  # type: ignore[arg-type]  # what was posted
        self.book, self.currency = book, currency
        places = minor_unit_exponent(currency)
        for name, value in defaults(book).items():
            one = book.settings[name]
            label = f"{one.label} ({currency})" if one.type == "money" else str(one.label)
            if one.type == "text":
                self.fields[name] = forms.CharField(label=label, max_length=200, initial=value)
            elif one.type == "money":
                self.fields[name] = forms.DecimalField(
                    label=label,
                    min_value=from_minor(one.least, currency),
                    max_value=from_minor(10**13, currency),
                    decimal_places=places,
                    initial=from_minor(int(value), currency),
                )
            else:
                self.fields[name] = forms.IntegerField(
                    label=label, min_value=one.least, max_value=one.most, initial=value
                )

    def settings(self) -> dict[str, Value]:
        """Return what was chosen, amounts in minor units."""
        return {
            name: to_minor(value, self.currency) if self.book.settings[name].type == "money" else value
            for name, value in self.cleaned_data.items()
        }


@with_frame
@_SEES
@require_GET
@never_cache
def page(request: HttpRequest, code: str) -> HttpResponse:
    """Show what a playbook does, says, needs and gives."""
    return _page(request, _found(code))


def _page(request: HttpRequest, book: Playbook, form: SettingsForm | None = None) -> HttpResponse:
    row, currency = queries.row(book), shop.business().currency
    told = row.journey is not None
    form = form or SettingsForm(book, currency=currency)
    return render(
        request,
        "console/playbooks/page.html",
        {
            "book": book,
            "card": _card(row),
            "lines": in_words(
                book, chosen(book, form.settings()) if form.is_bound and form.is_valid() else defaults(book)
            ),
            "said": [(message, _format(message)) for message in book.messages.values()],
            "languages": _LANGUAGES,
            "needs": [(need, _cure(need, cast("User", request.user))) for need in row.needs],
            "evidence": [(Said(en=one.en, zh=one.zh), one) for one in book.evidence],
            "form": form,
            "things": [_thing(one) for one in queries.things(book)] if told else [],
            "journey": row.journey,
        },
    )


def _format(message: Message) -> str:
    return str(Template.Format(message.format).label)


def _cure(need: Need, user: User) -> str:
    """Return where this person can bring about what is missing; "" where nowhere."""
    if need.is_met or need.kind == "room":
        return ""
    if need.kind == "channel" or need.code.startswith("consent."):
        name = "settings-channels" if need.kind == "channel" else "settings-consents"
        return reverse(f"console:{name}") if may(user.role, Capability.CHANGE_SETTINGS) else ""
    return reverse("console:data") if may(user.role, Capability.VIEW_IMPORTS) else ""


def _thing(thing: Thing) -> tuple[str, str, str]:
    label, url_name = _KINDS[thing.kind]
    return str(label), thing.name, reverse(url_name, args=[thing.id])


@in_frame
@_SEES
@require_GET
def message(request: HttpRequest, code: str, name: str) -> HttpResponse:
    """Show a message of a playbook as it would look."""
    book = _found(code)
    if name not in book.messages:
        raise Http404
    asked = request.GET.get("language", "en")
    language = asked if asked in dict(_LANGUAGES) else "en"
    said = book.messages[name]
    return framed(
        request,
        check(
            said.content[language],
            format=said.format,  # type: ignore[arg-type]  # a format, as tested
            language=language,
            customer_id=somebody(),
            now=timezone.now(),
        ),
    )


@_STARTS
@require_POST
def turning_on(request: HttpRequest, code: str) -> HttpResponse:
    """Make what a playbook tells of, and start it or leave it as a draft."""
    book = _found(code)
    form = SettingsForm(book, currency=shop.business().currency, told=request.POST)
    if not form.is_valid():
        return _page(request, book, form)
    try:
        made = turn_on_playbook(
            code,
            settings=form.settings(),
            start="draft" not in request.POST,
            by=cast("User", request.user),
            now=timezone.now(),
        )
    except RegularsError as error:
        messages.error(request, str(error))
        return redirect("console:playbook", code)
    if waiting_approval(journey_id=made.journey.pk) is not None:
        text = gettext("“%(name)s” waits until the owner or a manager approves it.")
    elif made.journey.state == "draft":
        text = gettext("“%(name)s” is there as a draft. Nobody gets anything before you publish it.")
    elif made.is_new:
        text = gettext("“%(name)s” is on.")
    else:
        text = gettext("“%(name)s” was on already.")
    messages.success(request, text % {"name": made.journey.name})
    return redirect("console:playbook", code)


@_SEES
@require_GET
@never_cache
def volume(request: HttpRequest, code: str) -> HttpResponse:
    """Show what a playbook would have done in the last month of the record; asked for, because it takes its time."""
    book, now = _found(code), timezone.now()
    try:
        found = rehearse_playbook(code, now=now)
    except RegularsError as error:
        return render(request, "console/playbooks/volume.html", {"book": book, "trouble": str(error)})
    told = {
        "book": book,
        "found": found,
        "sent": sum(found.sends.values()),
        "held_back": sum(found.held_back.values()),
        "codes": sum(one.codes for one in found.codes),
        "until_day": found.until_day - 1,
        "days": MONTH_DAYS,
    }
    return render(request, "console/playbooks/volume.html", told)


# The starter set


@_SEES
@require_GET
@never_cache
def starter(request: HttpRequest) -> HttpResponse:
    """Show what a shop begins with, and what of it is on."""
    rows = sorted(
        (row for row in queries.rows() if row.book.starter_set), key=lambda row: row.book.starter_set
    )
    cards = [_card(row) for row in rows]
    return render(
        request,
        "console/playbooks/starter.html",
        {
            "cards": cards,
            "left": [card for card in cards if card.row.state not in ("running", "paused", "hindered")],
            "hindered": [card for card in cards if card.row.state == "hindered"],
        },
    )


@_STARTS
@require_POST
def starter_turning_on(request: HttpRequest) -> HttpResponse:
    """Turn the starter set on."""
    made = turn_on_starter_set(
        start="draft" not in request.POST, by=cast("User", request.user), now=timezone.now()
    )
    new = sum(one.is_new for one in made.on)
    messages.success(
        request,
        ngettext("%(new)s playbook was made, %(on)s are there now.", "%(new)s playbooks were made, %(on)s are there now.", new)
        % {"new": new, "on": len(made.on)},
    )  # fmt: skip
    for book, needs in made.hindered:
        messages.warning(request, formats.labelled(book.name, formats.listed(one.words for one in needs)))
    return redirect("console:playbook-starter")


# Files of the shop's own


class FileForm(forms.Form):
    """A file of a playbook, or its text with the code that it goes by."""

    file = forms.FileField(
        label=_("File (TOML)"), required=False, widget=forms.FileInput(attrs={"accept": ".toml"})
    )
    code = forms.CharField(label=_("Code"), max_length=60, required=False, widget=forms.HiddenInput)
    text = forms.CharField(max_length=200_000, required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        told: dict[str, Any] = super().clean() or {}
        upload = told.get("file")
        if upload is not None:
            try:
                told |= {"code": Path(upload.name).stem, "text": upload.read(_MOST_BYTES).decode("utf-8-sig")}
            except UnicodeDecodeError as error:
                raise forms.ValidationError(gettext("The file is not text in UTF-8.")) from error
        if not (told.get("code") and told.get("text")):
            raise forms.ValidationError(gettext("Choose a file."))
        return told


@_STARTS
@require_http_methods(["GET", "POST"])
@never_cache
def adding(request: HttpRequest) -> HttpResponse:
    """Show what a file would become, and keep it beside the library once somebody has seen that."""
    if request.method == "GET":
        return render(request, "console/playbooks/adding.html", {"form": FileForm()})
    form, by, now = FileForm(request.POST, request.FILES), cast("User", request.user), timezone.now()
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        code, text = form.cleaned_data["code"], form.cleaned_data["text"]
        try:
            if "keep" in request.POST:
                book = add_playbook(code, text, by=by, now=now)
                messages.success(request, gettext("“%(name)s” is in the library.") % {"name": book.name})
                return redirect("console:playbook", code)
            seen = preview_playbook(code, text, by=by, now=now)
        except RegularsError as error:
            form.add_error(None, str(error))
        else:
            context |= {
                "seen": seen,
                "code": code,
                "text": text,
                "lines": in_words(seen.book, defaults(seen.book)),
                "may_keep": not any(one.severity == "error" for one in seen.faults),
            }
    return render(request, "console/playbooks/adding.html", context, status=422 if form.errors else 200)


@_SEES
@require_GET
def file(request: HttpRequest, code: str) -> HttpResponse:  # noqa: ARG001  Django's
    """Hand a playbook's file over, to be changed and added under another name."""
    book = _found(code)
    return HttpResponse(
        queries.file_of(book.code),
        content_type="application/toml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{book.code}.toml"'},
    )


@_STARTS
@require_POST
def removing(request: HttpRequest, code: str) -> HttpResponse:
    """Take a file of the shop's own away."""
    book = _found(code)
    try:
        remove_playbook(code)
    except RegularsError as error:
        messages.error(request, str(error))
        return redirect("console:playbook", code)
    messages.success(request, gettext("“%(name)s” is no longer in the library.") % {"name": book.name})
    return redirect("console:playbooks")


def _found(code: str) -> Playbook:
    try:
        return find(code)
    except (NoSuchPlaybookError, InvalidPlaybookError) as error:
        raise Http404(str(error)) from error
