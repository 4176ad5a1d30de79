"""Data: bring files in, match their columns, watch them being imported, mend what was refused."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

import polars as pl
import structlog
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh

from regulars.console.components import Chip, Pager
from regulars.console.downloads import choices, download
from regulars.console.exports import record_menus
from regulars.intake import operations as intake
from regulars.intake import queries
from regulars.intake.encodings import ENCODINGS, EncodingUnclearError
from regulars.intake.files import WhichPartError
from regulars.intake.kinds import KINDS, kind_named
from regulars.intake.kinds.kind import Field, Kind
from regulars.intake.kinds.orders import ORDERS
from regulars.intake.labels import (
    CONTRADICTORY_DATES,
    FIELD_NOTES,
    MISSING_LABELS,
    QUESTION_LABELS,
    STAGE_LABELS,
    UNREADABLE_DATES,
)
from regulars.intake.mapping import SURE, IncompleteMappingError, Mapping, Proposal
from regulars.intake.models import ColumnMap, Import
from regulars.intake.presets import presets_of
from regulars.intake.reasons import REASONS
from regulars.intake.understanding import NeedsAnswerError, Question
from regulars.kernel.errors import RegularsError
from regulars.shop.models import Consent, Store
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import CAPABILITIES, Capability, Role, may

_log = structlog.get_logger()
_PAGE = 50
# What a page is waited for; the import itself judges all of them.
_MOST_CHECKED = 300_000
_LARGEST_MAP = 1 << 20
_MATCHABLE = (Import.State.UPLOADED, Import.State.FAILED)
_AT_WORK = (Import.State.QUEUED, Import.State.RUNNING, Import.State.UNDOING)
_SEES, _RUNS = access(Needs(Capability.VIEW_IMPORTS)), access(Needs(Capability.RUN_IMPORTS))


class UploadForm(forms.Form):
    file = forms.FileField(label=_("File"), allow_empty_file=False)
    kind = forms.ChoiceField(
        label=_("What the file holds"),
        choices=[(kind.name, kind.label) for kind in KINDS.values()],
        initial=ORDERS.name,
        required=False,
    )
    store = forms.SlugField(
        label=_("Store"),
        max_length=64,
        initial="main",
        allow_unicode=True,
        help_text=_("Where the file comes from, in a short word. Buyers and products belong to their store."),
        widget=forms.TextInput(attrs={"list": "stores", "autocomplete": "off"}),
    )


class MappingForm(forms.Form):
    """The columns of one file, matched to the fields of the record."""

    def __init__(
        self,
        kind: Kind,
        header: Sequence[str],
        proposal: Proposal | None,
        data: QueryDict | None = None,
    ) -> None:
        super().__init__(data, initial=_initial(proposal.mapping) if proposal else None)
        self.kind = kind
        columns = [("", "–"), *((name, name) for name in header)]
        for one in kind.fields:
            self.fields[one.name] = forms.ChoiceField(
                label=str(one.label),
                choices=columns,
                required=(one.name,) in kind.needs and not one.is_tellable,
                help_text=str(one.note),
            )
            if one.is_tellable:
                self.fields[_constant_of(one.name)] = _constant_field(one)
        if kind is ORDERS:
            self._add_discounts(columns[1:])
        self.attributes = queries.attributes() if kind.takes_attributes else []
        for attribute in self.attributes:
            self.fields[_field_of(attribute.name)] = forms.ChoiceField(
                label=attribute.shown_label, choices=columns, required=False
            )
        self.fields["decimal"] = forms.ChoiceField(
            label=_("Decimal mark"),
            choices=[("", _("Find out")), (".", "1,234.50"), (",", "1.234,50")],
            required=False,
        )
        self.fields["encoding"] = forms.ChoiceField(
            label=_("Encoding"),
            choices=[("", _("Find out")), *((name, name) for name in ENCODINGS)],
            required=False,
            help_text=_("Only if letters look wrong."),
        )
        self.fields["sheet"] = forms.CharField(widget=forms.HiddenInput, required=False, max_length=300)
        self.fields["map_name"] = forms.CharField(
            label=_("Keep this map as"),
            max_length=100,
            required=False,
            help_text=_("Files with the same columns will be matched at once."),
        )
        self.doubts = {
            name for name, sure in (proposal.confidence.items() if proposal else ()) if sure < SURE
        }

    def _add_discounts(self, columns: list[tuple[str, str]]) -> None:
        self.fields["discounts"] = forms.MultipleChoiceField(
            label=_("Discounts"),
            choices=columns,
            required=False,
            help_text=FIELD_NOTES["discount"],
            widget=forms.CheckboxSelectMultiple,
        )
        self.fields["refund_prefix"] = forms.CharField(
            label=_("Refunds begin with"),
            max_length=20,
            required=False,
            help_text=_("Order numbers that begin so are refunds, beside negative quantities and amounts."),
        )

    def main(self) -> list[tuple[forms.BoundField, forms.BoundField | None]]:
        """Return the fields that most files have, each with where it is told once for the whole file."""
        return [self._with_constant(name) for name in self.kind.main]

    def more(self) -> list[tuple[forms.BoundField, forms.BoundField | None]]:
        """Return the other fields of a line, likewise."""
        return [self._with_constant(name) for name in self.kind.names() if name not in self.kind.main]

    def _with_constant(self, name: str) -> tuple[forms.BoundField, forms.BoundField | None]:
        constant = _constant_of(name)
        return self[name], self[constant] if constant in self.fields else None

    def own(self) -> list[forms.BoundField]:
        """Return the attributes that the merchant defined."""
        return [self[_field_of(one.name)] for one in self.attributes]

    def reading(self) -> list[forms.BoundField]:
        """Return how the file is to be read."""
        parts = ("discounts", "refund_prefix", "decimal", "encoding")
        return [self[name] for name in parts if name in self.fields]

    def mapping(self) -> Mapping:
        """Return the mapping that the form describes. Raises InvalidMappingError."""
        chosen = self.cleaned_data
        columns = {name: chosen[name] for name in self.kind.names() if chosen.get(name)}
        mapping = Mapping(
            kind=self.kind.name,
            columns=columns,
            attributes={
                one.name: chosen[_field_of(one.name)]
                for one in self.attributes
                if chosen.get(_field_of(one.name))
            },
            constants={
                name: chosen[_constant_of(name)]
                for name in self.kind.names()
                if name not in columns and chosen.get(_constant_of(name))
            },
            discounts=tuple(chosen.get("discounts", ())),
            refund_prefix=chosen.get("refund_prefix", ""),
            decimal=chosen["decimal"],
            encoding=chosen["encoding"],
            sheet=chosen["sheet"],
        )
        return _answered(mapping, self.data.getlist("answer") if isinstance(self.data, QueryDict) else [])


def _field_of(attribute: str) -> str:
    return f"attribute.{attribute}"


def _words_of(choice: str) -> str:
    """Return what pages call one of the few words of a field."""
    known = {
        "paid": gettext("paid"),
        "pending": gettext("waiting for payment"),
        "cancelled": gettext("cancelled"),
    }
    for words in (Consent.Channel, Consent.Purpose, Consent.State):
        known = {value: str(label) for value, label in words.choices} | known
    return known.get(choice, choice)


def _constant_of(name: str) -> str:
    return f"constant.{name}"


def _constant_field(told: Field) -> forms.CharField | forms.ChoiceField:
    label = gettext("%(field)s, the same for every line") % {"field": told.label}
    if told.choices:
        choices = [("", "–"), *((one, _words_of(one)) for one in told.choices)]
        return forms.ChoiceField(label=label, choices=choices, required=False)
    is_day = told.form == "moment"
    return forms.CharField(
        label=label,
        required=False,
        max_length=told.longest,
        help_text=_("The day of the export, if no column says when.") if is_day else "",
        widget=forms.TextInput(attrs={"type": "date"}) if is_day else forms.TextInput,
    )


def _initial(mapping: Mapping) -> dict[str, object]:
    parts = ("refund_prefix", "decimal", "encoding", "sheet")
    return {
        **mapping.columns,
        **{_field_of(name): column for name, column in mapping.attributes.items()},
        **{_constant_of(name): value for name, value in mapping.constants.items()},
        "discounts": list(mapping.discounts),
        **{name: getattr(mapping, name) for name in parts},
    }


def _answered(mapping: Mapping, answers: Sequence[str]) -> Mapping:
    """Put answers into a mapping; one to a column that is no longer matched is passed over."""
    statuses: dict[str, str] = {}
    words: dict[str, dict[str, str]] = {}
    for answer in answers:
        try:
            part, column, value = json.loads(answer)
        except ValueError:
            continue
        if column not in mapping.columns.values():
            continue
        if part == "date_formats" and column == mapping.columns.get(mapping.the_kind.moment):
            mapping = mapping.with_answers(date_formats=tuple(value))
        elif part == "decimal" and not mapping.decimal:
            mapping = mapping.with_answers(decimal=value)
        elif part == "status_values":
            statuses |= value
        elif part == "words":
            for field, meanings in value.items():
                words.setdefault(field, {}).update(meanings)
    return mapping.with_answers(status_values=statuses, words=words) if statuses or words else mapping


@_SEES
@require_GET
def data(request: HttpRequest) -> HttpResponse:
    """List the imports, and take a file."""
    before = request.GET.get("before", "")
    rows = queries.history()
    if before.isdecimal():
        rows = rows.filter(pk__lt=int(before))
    found = list(rows[: _PAGE + 1])
    pager = Pager(next_url=f"?{urlencode({'before': found[_PAGE - 1].pk})}" if len(found) > _PAGE else "")
    return render(
        request,
        "console/data/index.html",
        {
            "form": UploadForm(
                initial={"kind": kind} if (kind := request.GET.get("kind", "")) in KINDS else None
            ),
            "imports": [(row, _level(row)) for row in found[:_PAGE]],
            "maps": ColumnMap.objects.order_by("name"),
            "pager": pager,
            "stores": Store.objects.order_by("code"),
            "records": record_menus(CAPABILITIES[Role(cast("User", request.user).role)]),
        },
    )


def _level(row: Import) -> str:
    levels = {
        "done": "success",
        "failed": "error",
        "queued": "busy",
        "running": "busy",
        "uploaded": "warning",
        "undoing": "busy",
    }
    return levels.get(row.state, "")


@_RUNS
@require_POST
def uploads(request: HttpRequest) -> HttpResponse:
    """Keep an uploaded file and go on to its columns."""
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        context = {"form": form, "stores": Store.objects.order_by("code")}
        return render(request, "console/data/upload.html", context, status=422)
    row = intake.upload(
        file=form.cleaned_data["file"].file,
        file_name=form.cleaned_data["file"].name,
        kind=form.cleaned_data["kind"] or ORDERS.name,
        store_code=form.cleaned_data["store"],
        created_by=cast("User", request.user),
        now=timezone.now(),
    )
    target = reverse("console:data-import", args=[row.pk])
    return HttpResponseClientRedirect(target) if request.headers.get("HX-Request") else redirect(target)


@_SEES
@require_GET
def one_import(request: HttpRequest, import_id: int) -> HttpResponse:
    """Show an import: its columns to be matched, how far it has come, or what became of it."""
    row = get_object_or_404(queries.history(), pk=import_id)
    if row.state in _MATCHABLE and may(cast("User", request.user).role, Capability.RUN_IMPORTS):
        return _matching(request, row)
    context = {
        "row": row,
        "kind": KINDS.get(row.kind, ORDERS),
        "is_orders": row.kind == ORDERS.name,
        "level": _level(row),
        "is_at_work": row.state in _AT_WORK,
        "reasons": [
            (REASONS.get(reason, reason), reason, lines) for reason, lines in queries.reject_reasons(row.pk)
        ],
        "undo_hindrance": queries.why_not_undone(row, now=timezone.now())
        if row.state == Import.State.DONE
        else "",
        **_progress(row),
    }
    return render(request, "console/data/import.html", context)


def _matching(request: HttpRequest, row: Import) -> HttpResponse:
    encoding, sheet = request.GET.get("encoding", ""), request.GET.get("sheet", "")
    kind = kind_named(row.kind)
    try:
        proposal = queries.proposal(
            Path(row.file_path),
            file_name=row.file_name,
            kind=kind.name,
            encoding=encoding,
            sheet=sheet,
            match=request.GET.get("match", ""),
        )
    except (RegularsError, OSError) as error:
        return render(request, "console/data/unreadable.html", _unreadable(row, error))
    form = MappingForm(kind, proposal.header, proposal)
    context = {
        "row": row,
        "kind": kind,
        "form": form,
        "proposal": proposal,
        "matches": _matches(kind, proposal),
        "encoding": encoding,
    }
    return render(request, "console/data/matching.html", context)


def _matches(kind: Kind, proposal: Proposal) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """Return the ways to match the columns in groups, each with whether it is the one in use."""
    maps = ColumnMap.objects.filter(kind=kind.name).order_by("name")
    presets = presets_of(kind.name)
    is_by_names = not proposal.preset and not proposal.saved_map
    groups = [
        ("", [(queries.NAMES, gettext("What the columns are called"), is_by_names)]),
        (
            gettext("Export of"),
            [(f"preset:{one.name}", str(one.label), one.name == proposal.preset) for one in presets],
        ),
        (
            gettext("Saved maps"),
            [(f"map:{one.pk}", one.name, one.name == proposal.saved_map) for one in maps],
        ),
    ]
    return [(label, ways) for label, ways in groups if ways]


def _told(error: Exception) -> str:
    """Return what is wrong with a file in words; what the machine says of a missing one is for the log."""
    if isinstance(error, OSError):
        _log.warning("file cannot be read", problem=str(error))
        return gettext("The file is no longer on this machine, or cannot be read there. Upload it again.")
    return str(error)


def _unreadable(row: Import, error: Exception) -> dict[str, object]:
    """Return what a page asks where a file cannot be read yet: which of its tables, or in which encoding."""
    readings = error.readings if isinstance(error, EncodingUnclearError) else ()
    return {
        "row": row,
        "error": _told(error),
        "parts": error.parts if isinstance(error, WhichPartError) else (),
        "readings": readings,
        "encodings": [name for name in ENCODINGS if name not in {one.encoding for one in readings}],
    }


@_RUNS
@require_POST
def preview(request: HttpRequest, import_id: int) -> HttpResponse:
    """Show the first lines as the columns now chosen would make them."""
    row = get_object_or_404(Import, pk=import_id, state__in=_MATCHABLE)
    form, context, _status = _understood(request, row)
    return render(request, "console/data/preview.html", {"row": row, "form": form, **context})


@_RUNS
@require_POST
def check(request: HttpRequest, import_id: int) -> HttpResponse:
    """Show what the import would do, line by line judged, with nothing written."""
    row = get_object_or_404(Import, pk=import_id, state__in=_MATCHABLE)
    _form, context, _status = _understood(request, row)
    if "preview" not in context:
        return render(request, "console/data/checked.html", context)
    found = queries.dry_run(
        path=Path(row.file_path),
        mapping=cast("Mapping", context["mapping"]),
        store_code=row.store.code,
        now=timezone.now(),
        most_lines=_MOST_CHECKED,
    )
    context |= {
        "row": row,
        "found": found,
        "refused": sum(found.rejected.values()),
        "reasons": [(REASONS.get(name, name), lines) for name, lines in found.rejected.items()],
        "examples": [(one, REASONS.get(one.reason, one.reason)) for one in found.examples],
    }
    return render(request, "console/data/checked.html", context)


def _understood(request: HttpRequest, row: Import) -> tuple[MappingForm, dict[str, object], int]:
    """Return the form, what a page shows of the file under it, and the status: 422 when something is missing."""
    path, answers = Path(row.file_path), [answer for answer in request.POST.getlist("answer") if answer]
    kind = kind_named(row.kind)
    try:
        proposal = queries.proposal(
            path,
            file_name=row.file_name,
            kind=kind.name,
            encoding=request.POST.get("encoding", ""),
            sheet=request.POST.get("sheet", ""),
        )
    except (RegularsError, OSError) as error:
        return MappingForm(kind, [], None, request.POST), {"problem": _told(error)}, 422
    form = MappingForm(kind, proposal.header, proposal, request.POST)
    form.full_clean()
    if any(error.code != "required" for errors in form.errors.as_data().values() for error in errors):
        return form, {"problem": gettext("A chosen column is not in the file.")}, 422
    try:
        mapping = form.mapping()
        found = queries.preview(
            path=path, file_name=row.file_name, mapping=mapping, store_code=row.store.code, now=timezone.now()
        )
    except NeedsAnswerError as error:
        asked = [(_asked(one), _choices(one)) for one in error.questions]
        return form, {"questions": asked, "answers": answers}, 422
    except IncompleteMappingError:
        missing = [_missing(kind, name) for name in mapping.missing()]
        return form, {"problem": gettext("Still to be matched:"), "missing": missing}, 422
    except RegularsError as error:
        return form, {"problem": str(error)}, 422
    lines = [(line, REASONS.get(line.reason, "")) for line in (found.lines or found.rows)]
    own = {one.name: one.shown_label for one in form.attributes}
    labels = [
        own[name] if name in own and name not in kind.names() else kind.field(name).label
        for name in found.fields
    ]
    shown = {"preview": found, "lines": lines, "labels": labels, "kind": kind, "is_orders": kind is ORDERS}
    return form, {**shown, "answers": answers, "mapping": mapping}, 200


def _missing(kind: Kind, needed: str) -> str:
    """Return in words what still needs a column; `needed` is a field, or several with `or` between them."""
    if needed in MISSING_LABELS:
        return str(MISSING_LABELS[needed])
    return gettext(" or ").join(str(kind.field(name).label) for name in needed.split(" or "))


def _asked(question: Question) -> str:
    words = QUESTION_LABELS[question.part] if question.choices else UNREADABLE_DATES
    if question.is_contradictory:
        words = CONTRADICTORY_DATES
    return words % {"column": question.column, "word": question.word}


def _choices(question: Question) -> list[tuple[str, str]]:
    return [
        (
            json.dumps([question.part, question.column, choice.value], ensure_ascii=False),
            _words_of(choice.example),
        )
        for choice in question.choices
    ]


@_RUNS
@require_POST
def start(request: HttpRequest, import_id: int) -> HttpResponse:
    """Queue the import with the columns chosen."""
    row = get_object_or_404(Import, pk=import_id, state__in=_MATCHABLE)
    form, context, status = _understood(request, row)
    mapping = context.get("mapping")
    if not isinstance(mapping, Mapping):
        context = {"row": row, "form": form, **context}
        return render(request, "console/data/matching.html", context, status=status)
    intake.start(import_id=row.pk, mapping=mapping)
    if form.cleaned_data["map_name"]:
        intake.save_map_of(import_id=row.pk, name=form.cleaned_data["map_name"])
    return redirect("console:data-import", row.pk)


@_SEES
@require_GET
def progress(request: HttpRequest, import_id: int) -> HttpResponse:
    """Show how far an import has come; when it is over, the page is loaded again."""
    row = get_object_or_404(Import, pk=import_id)
    if row.state not in _AT_WORK:
        return HttpResponseClientRefresh()
    return render(request, "console/data/progress.html", {"row": row, **_progress(row)})


def _progress(row: Import) -> dict[str, object]:
    is_queued = row.state == Import.State.QUEUED
    title = gettext("Undoing") if row.state == Import.State.UNDOING else gettext("Importing")
    return {
        "title": gettext("Waiting for its turn") if is_queued else title,
        "stage": "" if is_queued or row.state == Import.State.UNDOING else STAGE_LABELS.get(row.stage, ""),
    }


@_RUNS
@require_POST
def cancellation(request: HttpRequest, import_id: int) -> HttpResponse:
    """End an import; nothing of it stays."""
    row = get_object_or_404(Import, pk=import_id)
    try:
        intake.cancel(import_id=row.pk, now=timezone.now())
    except intake.ImportOverError:
        messages.warning(request, gettext("The import had already ended."))
    else:
        messages.success(request, gettext("The import is cancelled. Nothing of it was kept."))
    return redirect("console:data-import", row.pk)


@_RUNS
@require_POST
def undoing(request: HttpRequest, import_id: int) -> HttpResponse:
    """Take a whole import back."""
    row = get_object_or_404(Import, pk=import_id)
    try:
        intake.undo(import_id=row.pk, now=timezone.now())
    except RegularsError as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, gettext("The import is being undone."))
    return redirect("console:data-import", row.pk)


@_SEES
@require_GET
def rejects(request: HttpRequest, import_id: int) -> HttpResponse:
    """List the lines that were refused, with where and why."""
    row = get_object_or_404(queries.history(), pk=import_id)
    reason = request.GET.get("reason", "")
    after = request.GET.get("after", "")
    found = row.rejects.order_by("line_number")
    chips = []
    if reason in REASONS:
        found = found.filter(reason=reason)
        chips.append(Chip(label=REASONS[reason], remove_url=request.path))
    if after.isdecimal():
        found = found.filter(line_number__gt=int(after))
    listed = list(found[: _PAGE + 1])
    query = {"reason": reason} if chips else {}
    following = (
        f"?{urlencode({**query, 'after': listed[_PAGE - 1].line_number})}" if len(listed) > _PAGE else ""
    )
    context = {
        "row": row,
        "rejects": [(one, REASONS.get(one.reason, one.reason)) for one in listed[:_PAGE]],
        "reasons": [(REASONS[name], name, lines) for name, lines in queries.reject_reasons(row.pk)],
        "chips": chips,
        "exports": choices(reverse("console:data-reject-file", args=[row.pk])),
        "pager": Pager(next_url=following),
    }
    return render(request, "console/data/rejects.html", context)


@_SEES
@require_GET
def reject_file(request: HttpRequest, import_id: int) -> HttpResponseBase:
    """Download the refused lines, to be corrected and brought in again."""
    row = get_object_or_404(Import, pk=import_id)
    rows = queries.reject_rows(row.pk)
    schema = dict.fromkeys(next(rows), pl.String)
    return download(
        f"{Path(row.file_name).stem}-refused", schema, rows, form=request.GET.get("format", "excel")
    )


@_SEES
@require_GET
def map_file(request: HttpRequest, map_id: int) -> HttpResponse:  # noqa: ARG001  given to every view
    """Download a saved map, to be used in another shop or given to the command line."""
    saved = get_object_or_404(ColumnMap, pk=map_id)
    text = json.dumps(saved.mapping, ensure_ascii=False, indent=2)
    response = HttpResponse(text, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(
        as_attachment=True, filename=f"{saved.name}.json"
    )
    return response


@_RUNS
@require_POST
def map_upload(request: HttpRequest) -> HttpResponse:
    """Keep a map that somebody shares, under the name of its file."""
    file = request.FILES.get("map")
    if file is None or (file.size or 0) > _LARGEST_MAP:
        messages.error(request, gettext("Choose the file of a map, as it is downloaded here."))
        return redirect("console:data")
    try:
        saved = intake.take_map(name=Path(file.name or "").stem, told=json.loads(file.read()))
    except (ValueError, RecursionError):
        messages.error(request, gettext("Choose the file of a map, as it is downloaded here."))
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("The map “%(name)s” is kept.") % {"name": saved.name})
    return redirect("console:data")


@_RUNS
@require_POST
def map_removal(request: HttpRequest, map_id: int) -> HttpResponse:
    """Forget a saved map."""
    saved = get_object_or_404(ColumnMap, pk=map_id)
    intake.forget_map(map_id=saved.pk)
    messages.success(request, gettext("The map “%(name)s” is forgotten.") % {"name": saved.name})
    return redirect("console:data")
