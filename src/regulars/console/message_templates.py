"""Templates of messages: a library to begin with, the editor with what the message becomes beside it, versions, the letterhead."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from csp.constants import NONE, SELF
from csp.decorators import csp, csp_update
from django import forms
from django.conf import settings
from django.contrib import messages
from django.forms.models import model_to_dict
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.insights import formats
from regulars.kernel.errors import RegularsError
from regulars.messaging import blocks, composing, variables
from regulars.messaging.checking import Checked, check
from regulars.messaging.models import Template
from regulars.messaging.operations import templates as operations
from regulars.messaging.queries import templates as queries
from regulars.messaging.starters import NoSuchStarterError
from regulars.messaging.starters import starter as starter_of
from regulars.messaging.starters import starters as library
from regulars.messaging.templating.faults import TemplateFaultError
from regulars.shop import queries as shop
from regulars.shop.models import Customer
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability

_SEES = access(Needs(Capability.VIEW_CUSTOMERS))
_WRITES = access(Needs(Capability.CHANGE_TEMPLATES))
_NOBODY = 0
_FOUND = 8
_FRAMED = {
    "default-src": [NONE],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [SELF],
    # What a mail shows: pictures from anywhere, styles of its own, and nothing that runs.
    "img-src": ["https:", "http:", "data:"],
    "style-src": ["'unsafe-inline'"],
    "sandbox": ["allow-popups"],
}


_View = Callable[..., HttpResponse]


def in_frame(view: _View) -> Callable[..., HttpResponseBase]:
    """Let a page of ours show this one in a frame, under the policy of a mail."""
    return csp(_FRAMED)(xframe_options_sameorigin(view))


def with_frame(view: _View) -> Callable[..., HttpResponseBase]:
    """Let a page show others of ours in frames."""
    return csp_update({"frame-src": [SELF]})(view)


class NewForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100)
    format = forms.ChoiceField(label=_("For"), choices=Template.Format.choices)


class DescribeForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100)
    description = forms.CharField(
        label=_("What it is for"), max_length=500, required=False, widget=forms.Textarea({"rows": 2})
    )
    language = forms.ChoiceField(
        label=_("Sent in this language to whoever speaks no other of it"), choices=settings.LANGUAGES
    )


class LetterheadForm(forms.Form):
    website = forms.CharField(
        label=_("Address of the website"),
        max_length=300,
        required=False,
        help_text=_("Links may lead here, and to hosts that a template names itself."),
    )
    logo_url = forms.CharField(
        label=_("Address of the logo"),
        max_length=500,
        required=False,
        help_text=_("A picture on the web. Without one the name of the shop is written."),
    )
    accent = forms.CharField(
        label=_("Colour of buttons and links"), max_length=7, widget=forms.TextInput({"type": "color"})
    )
    postal_address = forms.CharField(
        label=_("Postal address"),
        max_length=300,
        required=False,
        help_text=_("Many countries ask for it in advertising mail."),
    )
    product_link = forms.CharField(
        label=_("Address of a product's page"),
        max_length=300,
        required=False,
        help_text=_("With {code} in the place of the product's code: https://shop.example/p/{code}"),
    )
    counts_clicks = forms.BooleanField(
        label=_("Count clicks"),
        required=False,
        help_text=_("Links lead through Regulars, which notes that they were followed."),
    )
    counts_openings = forms.BooleanField(
        label=_("Count openings"),
        required=False,
        help_text=_(
            "An invisible picture notes that a mail was opened. Many programs load it unasked, so the figure says little; some laws want consent for it."
        ),
    )


# The list


@_SEES
@require_GET
@never_cache
def templates(request: HttpRequest) -> HttpResponse:
    """List templates, and the library to begin with."""
    asked = {name: request.GET.get(name, "").strip()[:100] for name in ("words", "format", "language")}
    which = queries.filter_of(request.GET)
    rows = list(queries.templates(which))
    return render(
        request,
        "console/templates/list.html",
        {
            "rows": [(row, composing.languages_of(row.draft), row.get_format_display()) for row in rows],
            "asked": asked,
            "is_filtered": any(asked.values()),
            "is_archive": which.archived,
            "formats": Template.Format.choices,
            "languages": settings.LANGUAGES,
            "library": [(one, Template.Format(one.format).label) for one in library()],
            "new_form": NewForm(prefix="new"),
        },
    )


@_WRITES
@require_POST
def new(request: HttpRequest) -> HttpResponse:
    """Make a template, empty or from the library."""
    by, now = cast("User", request.user), timezone.now()
    try:
        if "starter" in request.POST:
            made = operations.create_from_starter(code=request.POST["starter"], by=by, now=now)
        else:
            form = NewForm(request.POST, prefix="new")
            if not form.is_valid():
                messages.error(request, gettext("Give the template a name."))
                return redirect("console:templates")
            language = "zh-hans" if (get_language() or "").startswith("zh") else "en"
            made = operations.create_template(
                name=form.cleaned_data["name"],
                format=form.cleaned_data["format"],
                language=language,
                by=by,
                now=now,
            )
    except RegularsError as error:
        messages.error(request, str(error))
        return redirect("console:templates")
    return redirect("console:template", made.pk)


@in_frame
@_SEES
@require_GET
def starter(request: HttpRequest, code: str) -> HttpResponse:
    """Show one of the library as its message would look."""
    try:
        found = starter_of(code)
    except NoSuchStarterError as error:
        raise Http404(str(error)) from error
    language = "zh-hans" if (get_language() or "").startswith("zh") else "en"
    checked = check(
        found.content[language],
        format=found.format,  # type: ignore[arg-type]  # a format, as tested
        language=language,
        customer_id=somebody(),
        now=timezone.now(),
    )
    return framed(request, checked)


# The editor


@with_frame
@_SEES
@require_GET
@never_cache
def template(request: HttpRequest, template_id: int) -> HttpResponse:
    """Write a template, with the message that it becomes beside it."""
    found = _found(template_id)
    language = _language(request.GET, found)
    context = {
        **_looked_at(request.GET, found, language=language),
        "describe_form": DescribeForm(
            initial={"name": found.name, "description": found.description, "language": found.language}
        ),
        "written": found.draft.get(language, {}),
        "languages": [
            (code, label, code in composing.languages_of(found.draft)) for code, label in settings.LANGUAGES
        ],
        "groups": _variable_groups(found),
        "blocks": blocks.blocks() if found.format != Template.Format.TASK else [],
        "versions": queries.versions(template_id),
        "clicks": _clicks(template_id),
        "to": cast("User", request.user).email,
    }
    return render(request, "console/templates/edit.html", context)


@with_frame
@_WRITES
@require_POST
def draft(request: HttpRequest, template_id: int) -> HttpResponse:
    """Keep what is being written, and show what it becomes; to a browser without scripts, the whole page."""
    found = _found(template_id)
    language = _language(request.POST, found)
    content = {part: request.POST.get(part, "") for part in ("subject", "preheader", "body")}
    try:
        found = operations.save_draft(template_id, content={language: content}, now=timezone.now())
    except RegularsError as error:
        messages.error(request, str(error))
        return redirect(_editor(template_id, language))
    if request.headers.get("HX-Request") != "true":
        messages.success(request, gettext("Draft saved."))
        return redirect(_editor(template_id, language))
    return render(request, "console/templates/side.html", _looked_at(request.POST, found, language=language))


def _looked_at(told: Mapping[str, str], found: Template, *, language: str) -> dict[str, Any]:
    customer = _chosen(told.get("customer", ""))
    checked = None
    if found.draft.get(language, {}).get("body", "").strip():
        checked = check(
            found.draft[language],
            format=composing.format_of(found),
            language=language,
            customer_id=customer.pk if customer else _NOBODY,
            now=timezone.now(),
        )
    seen = told.get("width", "desktop")
    return {
        "template": found,
        "language": language,
        "checked": checked,
        "customer": customer,
        "customer_words": told.get("customer", ""),
        "is_unfound": bool(told.get("customer", "").strip()) and customer is None,
        "missing": checked.preview.missing if checked and checked.preview else (),
        "width": seen if seen in {"desktop", "phone"} else "desktop",
        "has_changes": queries.has_changes(found),
        "stamp": int(found.draft_at.timestamp() * 1_000),
        "public": settings.PUBLIC_URL,
    }


@in_frame
@_SEES
@require_GET
@never_cache
def preview(request: HttpRequest, template_id: int) -> HttpResponse:
    """Show the draft as a customer would have it, in a frame in which nothing runs."""
    found = _found(template_id)
    language = _language(request.GET, found)
    customer = _chosen(request.GET.get("customer", ""))
    checked = check(
        found.draft.get(language, {}),
        format=composing.format_of(found),
        language=language,
        customer_id=customer.pk if customer else _NOBODY,
        now=timezone.now(),
    )
    return framed(request, checked)


def framed(request: HttpRequest, checked: Checked) -> HttpResponse:
    """Return a message as it stands in a frame."""
    if checked.preview and checked.preview.filled.html:
        # Links open beside the console, not inside the frame.
        html = checked.preview.filled.html.replace("<head>", '<head><base target="_blank">', 1)
        return HttpResponse(html)
    return render(request, "console/templates/plain_frame.html", {"checked": checked})


@_WRITES
@require_POST
def description(request: HttpRequest, template_id: int) -> HttpResponse:
    """Rename a template and say what it is for."""
    form = DescribeForm(request.POST)
    if form.is_valid():
        try:
            operations.describe(template_id, **form.cleaned_data)
        except RegularsError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, gettext("Saved."))
    else:
        messages.error(request, gettext("Give the template a name."))
    return redirect("console:template", template_id)


@_WRITES
@require_POST
def publication(request: HttpRequest, template_id: int) -> HttpResponse:
    """Make a version of the draft."""
    language = request.POST.get("language", "")
    try:
        made = operations.publish(template_id, by=cast("User", request.user), now=timezone.now())
    except TemplateFaultError as error:
        language = str(error.details.get("language", language))
        messages.error(request, formats.labelled(dict(settings.LANGUAGES).get(language, ""), error))
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            gettext("Version %(number)s is published. Messages are made of it from now on.")
            % {"number": made.number},
        )
    return redirect(_editor(template_id, language))


@_WRITES
@require_POST
def test_message(request: HttpRequest, template_id: int) -> HttpResponse:
    """Send the draft to whoever asks, as a customer would have it."""
    found, by = _found(template_id), cast("User", request.user)
    language = _language(request.POST, found)
    customer = _chosen(request.POST.get("customer", ""))
    try:
        operations.send_test(
            template_id,
            language=language,
            customer_id=customer.pk if customer else _NOBODY,
            to=by.email,
            now=timezone.now(),
        )
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("A test is on its way to %(address)s.") % {"address": by.email})
    return redirect(_editor(template_id, language))


@_WRITES
@require_POST
def duplication(request: HttpRequest, template_id: int) -> HttpResponse:
    """Copy a template."""
    _found(template_id)
    made = operations.duplicate(template_id, by=cast("User", request.user), now=timezone.now())
    messages.success(request, gettext("This is the copy."))
    return redirect("console:template", made.pk)


@_WRITES
@require_POST
def archiving(request: HttpRequest, template_id: int) -> HttpResponse:
    """Put a template into the archive; its page offers to take it out again."""
    _found(template_id)
    operations.archive(template_id, now=timezone.now())
    messages.success(request, gettext("It is in the archive. Messages under way with it go on."))
    return redirect("console:template", template_id)


@_WRITES
@require_POST
def unarchiving(request: HttpRequest, template_id: int) -> HttpResponse:
    """Take a template out of the archive."""
    _found(template_id)
    try:
        operations.unarchive(template_id)
    except RegularsError as error:
        messages.error(request, str(error))
    return redirect("console:template", template_id)


# Versions


@_SEES
@require_GET
def version(request: HttpRequest, template_id: int, number: int) -> HttpResponse:
    """Show what a version says, and how the draft differs from it."""
    found = _found(template_id)
    kept = queries.versions(template_id).filter(number=number).first()
    if kept is None:
        raise Http404
    written = {language: found.draft[language] for language in composing.languages_of(found.draft)}
    words = dict(settings.LANGUAGES)
    parts = {"subject": _("Subject"), "preheader": _("Preheader"), "body": pgettext_lazy("message", "Text")}
    lines = [
        (mark, formats.labelled(words[text.split()[0]], parts[text.split()[1]]) if mark == "@" else text)
        for mark, text in queries.changes(kept.content, written)
    ]
    return render(
        request,
        "console/templates/version.html",
        {
            "template": found,
            "version": kept,
            "lines": lines,
            "contents": [(words[key], told) for key, told in kept.content.items()],
        },
    )


@_WRITES
@require_POST
def restoring(request: HttpRequest, template_id: int, number: int) -> HttpResponse:
    """Put a version into the draft again."""
    _found(template_id)
    try:
        operations.restore_version(template_id, number=number, now=timezone.now())
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            gettext("The draft says what version %(number)s says. Publish it to use it.")
            % {"number": number},
        )
    return redirect("console:template", template_id)


# The letterhead


@_WRITES
@require_http_methods(["GET", "POST"])
def letterhead(request: HttpRequest) -> HttpResponse:
    """Show and write what all messages share."""
    row = queries.letterhead()
    form = LetterheadForm(request.POST or None, initial=model_to_dict(row))
    if request.method == "POST" and form.is_valid():
        try:
            operations.set_letterhead(**form.cleaned_data)
        except operations.InvalidLetterheadError as error:
            form.add_error(str(error.details.get("field", "")) or None, str(error))
        else:
            messages.success(request, gettext("Saved. Messages that are built from now on have it."))
            return redirect("console:template-letterhead")
    return render(
        request, "console/templates/letterhead.html", {"form": form}, status=422 if form.errors else 200
    )


# What views share


def _found(template_id: int) -> Template:
    try:
        return queries.template(template_id)
    except composing.NoSuchTemplateError as error:
        raise Http404(str(error)) from error


def _language(told: Mapping[str, str], found: Template) -> str:
    wanted = told.get("language", "")
    return wanted if wanted in dict(settings.LANGUAGES) else found.language


def _editor(template_id: int, language: str) -> str:
    return f"{reverse('console:template', args=[template_id])}?language={language}"


def _chosen(words: str) -> Customer | None:
    """Return the customer of this id or address, or of whose name so much was written; of several one, and anybody for nothing."""
    ids: Sequence[int] = shop.customers_known_as(words[:200]) if words.strip() else (somebody(),)
    if not ids:
        ids = shop.find_customers(words[:200], limit=_FOUND).ids
    return Customer.objects.filter(pk__in=ids, erased_at=None).order_by("sort_name").first()


def somebody() -> int:
    """Return a customer of whom something can be said; 0 in an empty shop."""
    known = Customer.objects.filter(erased_at=None, merged_into=None)
    found = known.exclude(name="").order_by("-id").first() or known.order_by("-id").first()
    return found.pk if found else _NOBODY


def _variable_groups(found: Template) -> list[tuple[str, list[tuple[str, str]]]]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for one in variables.variables().values():
        if "*" in one.name or one.type == "list":
            continue
        stand_in = "" if one.is_always else ' | default: ""'
        groups.setdefault(str(one.group), []).append((str(one.label), f"{{{{ {one.name}{stand_in} }}}}"))
    if found.format == Template.Format.TASK:
        groups.pop(str(variables.LINKS), None)
    return list(groups.items())


def _clicks(template_id: int) -> list[queries.LinkClicks]:
    latest = queries.latest_version(template_id)
    return queries.clicks_of(latest.pk) if latest else []
