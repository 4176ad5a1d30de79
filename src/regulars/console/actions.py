"""The action list: who to contact now, given to people, done or turned down, and undone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import polars as pl
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from regulars.console.components import Chip
from regulars.console.downloads import choices, download
from regulars.insights import queries as insights
from regulars.insights.models import Profile
from regulars.insights.reasons import explain
from regulars.kernel.days import date_of_day, zone_named
from regulars.kernel.errors import RegularsError
from regulars.planner import operations as planner
from regulars.planner import queries
from regulars.planner.models import Action
from regulars.planner.queries import ActionFilter, ActionPlace, ActionRow, Day, NoSuchActionError
from regulars.planner.rules import BY_CODE, PLAYBOOKS, Playbook
from regulars.shop import queries as shop
from regulars.shop.models import Business, Interaction
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability, Role, may

_PAGE = 20
MINE, NOBODYS = "me", "none"
WAITING = "waiting"
STATES: tuple[str, ...] = (Action.State.OPEN, WAITING, Action.State.DONE, Action.State.DISMISSED)


@dataclass(frozen=True)
class Person:
    """Somebody who can be given actions."""

    id: int
    name: str


@dataclass(frozen=True, kw_only=True)
class Item:
    """One action as the list shows it."""

    row: ActionRow
    playbook: Playbook | None
    why: str


class ActionListForm(forms.Form):
    """Every choice that the list knows, as it stands in the address."""

    playbook = forms.MultipleChoiceField(
        choices=[(playbook.code, playbook.name) for playbook in PLAYBOOKS], required=False
    )
    tier = forms.MultipleChoiceField(choices=Profile.Tier.choices, required=False)
    whose = forms.CharField(required=False)
    # Not a choice of this list: the rest of the page keeps it.
    period = forms.ChoiceField(choices=[(days, days) for days in ("30", "90", "365")], required=False)
    state = forms.ChoiceField(choices=[(state, state) for state in STATES], required=False)
    after = forms.CharField(required=False)


class ActionList:
    """One list: what was asked for, and how to ask for a little more or less."""

    def __init__(self, data: QueryDict, *, user: User) -> None:
        form = ActionListForm(data)
        form.is_valid()
        self.chosen: dict[str, Any] = {
            name: value for name, value in form.cleaned_data.items() if value and name != "after"
        }
        self.after = _place(form.cleaned_data.get("after", ""))
        self.user = user

    @property
    def state(self) -> str:
        return str(self.chosen.get("state", Action.State.OPEN))

    @property
    def whose(self) -> str:
        return str(self.chosen.get("whose", ""))

    @property
    def is_open(self) -> bool:
        """Whether the list is of what is still to do, today or behind."""
        return self.state in (Action.State.OPEN, WAITING)

    def filter(self, day: Day | None) -> ActionFilter:
        """Return the filter in the planner's terms; a list of open actions is one of a day."""
        which = ActionFilter(
            states=(Action.State.OPEN if self.is_open else self.state,),
            day=day if self.is_open else None,
            waiting=self.state == WAITING,
            playbooks=tuple(self.chosen.get("playbook", ())),
            tiers=tuple(self.chosen.get("tier", ())),
        )
        if self.whose == MINE:
            return replace(which, assignee_ids=(self.user.pk,))
        if self.whose == NOBODYS:
            return replace(which, unassigned=True)
        return replace(which, assignee_ids=(int(self.whose),)) if self.whose.isdecimal() else which

    def query(self, **changed: object) -> str:
        """Return the query string of this list with some choices changed; None or empty takes one away."""
        query = QueryDict(mutable=True)
        for name, value in {**self.chosen, **changed}.items():
            if value:
                query.setlist(name, [str(one) for one in (value if isinstance(value, list) else [value])])
        return query.urlencode()

    def chips(self, people: list[Person]) -> list[Chip]:
        """Return a chip for each filter in force but the state, which has tabs."""
        names = {MINE: gettext("Mine"), NOBODYS: gettext("Not assigned")} | {
            str(person.id): person.name for person in people
        }
        words: list[tuple[str, str, object]] = [
            *(("playbook", code, BY_CODE[code].name) for code in self.chosen.get("playbook", ())),
            *(("tier", tier, Profile.Tier(tier).label) for tier in self.chosen.get("tier", ())),
        ]
        if self.whose:
            words.append(("whose", self.whose, names.get(self.whose, self.whose)))
        found = []
        for name, value, label in words:
            rest = [other for other in self.chosen[name] if other != value] if name != "whose" else None
            found.append(
                Chip(
                    label=str(label),
                    remove_url=f"{reverse('console:today')}?{self.query(**{name: rest})}#actions",
                )
            )
        return found


def _place(text: str) -> ActionPlace | None:
    value, _sep, action_id = text.partition(".")
    try:
        return ActionPlace(int(value), int(action_id))
    except ValueError:
        return None


def choices_of_outcome() -> dict[str, SafeString]:
    """Return what a form asks of a call or a visit: what came of it, and why; written once, since a list asks it for each action."""
    option = '<option value="{}">{}</option>'
    return {
        "outcome_options": format_html_join("", option, Interaction.Outcome.choices),
        "reason_options": format_html_join("", option, Interaction.Reason.choices),
    }


def people() -> list[Person]:
    """Return whom actions can be given to: active staff whose role may work them."""
    roles = [role for role in Role if may(role, Capability.WORK_ACTIONS)]
    rows = User.objects.filter(is_active=True, role__in=roles).order_by("name", "email")
    return [Person(user.pk, str(user)) for user in rows]


def context(chosen: ActionList, *, as_of_day: int, business: Business) -> dict[str, object]:
    """Return what the list's template needs; seven queries at most."""
    counts = queries.open_by_playbook(ActionFilter())
    day = queries.day(
        as_of_day=as_of_day, now=timezone.now(), zone=zone_named(business.time_zone), counts=counts
    )
    rows, following = queries.actions(chosen.filter(day), after=chosen.after, limit=_PAGE)
    staff = people()
    return {
        "business": business,
        "day": day,
        "actions": [item_of(row) for row in rows],
        "action_list": chosen,
        "action_query": chosen.query(),
        "waiting_query": chosen.query(state=WAITING),
        "action_chips": chosen.chips(staff),
        "action_next": chosen.query(after=f"{following.value_minor}.{following.id}") if following else "",
        "is_later_page": chosen.after is not None,
        "people": staff,
        **choices_of_outcome(),
        "playbook_counts": [
            (BY_CODE[count.playbook], count) for count in counts if count.playbook in BY_CODE
        ],
        "tiers": Profile.Tier.choices,
        "states": [(state, label) for state, label in _STATE_TABS],
        "may_work": may(chosen.user.role, Capability.WORK_ACTIONS),
        "exports": choices(reverse("console:actions-export"), chosen.query())
        if may(chosen.user.role, Capability.EXPORT_CUSTOMERS)
        else [],
    }


_STATE_TABS: tuple[tuple[str, str | Promise], ...] = (
    (Action.State.OPEN, _("Today")),
    (WAITING, _("Waiting")),
    (Action.State.DONE, _("Done")),
    (Action.State.DISMISSED, _("Dismissed")),
)


def item_of(row: ActionRow) -> Item:
    """Return an action with its playbook and its reason in words."""
    return Item(row=row, playbook=BY_CODE.get(row.playbook), why=explain("action", row.reason))


@access(Needs(Capability.VIEW_CUSTOMERS))
@require_GET
def action_list(request: HttpRequest) -> HttpResponse:
    """Show the list alone, for a page that changes it in place."""
    if not request.headers.get("HX-Request"):
        return redirect(f"{reverse('console:today')}?{request.GET.urlencode()}#actions")
    return _fragment(request, ActionList(request.GET, user=cast("User", request.user)))


@access(Needs(Capability.WORK_ACTIONS))
@require_GET
def script(request: HttpRequest, action_id: int) -> HttpResponse:
    """Show what to say on the telephone, filled in for the customer."""
    try:
        found = queries.script(action_id, language=get_language() or "en", now=timezone.now())
    except NoSuchActionError as error:
        raise Http404 from error
    except RegularsError as error:
        return render(request, "console/today/script.html", {"fault": str(error)})
    return render(request, "console/today/script.html", {"script": found})


def _as_of_day() -> int:
    run = insights.latest_run()
    return run.as_of_day if run else 0


def _fragment(request: HttpRequest, chosen: ActionList, **more: object) -> HttpResponse:
    response = render(
        request,
        "console/today/actions.html",
        {**context(chosen, as_of_day=_as_of_day(), business=shop.business()), **more},
    )
    query = chosen.query()
    response["HX-Push-Url"] = f"{reverse('console:today')}{'?' if query else ''}{query}"
    return response


# What people do


class WorkForm(forms.Form):
    """Which actions something is done to; `list` is the query of the list that the person looks at."""

    action = forms.TypedMultipleChoiceField(coerce=int)
    list = forms.CharField(required=False)
    next = forms.CharField(required=False)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        chosen = [value for value in data.getlist("action") if value.isdecimal()][:_PAGE_OF_WORK]
        cast("forms.TypedMultipleChoiceField", self.fields["action"]).choices = [(one, one) for one in chosen]


_PAGE_OF_WORK = 500


@access(Needs(Capability.WORK_ACTIONS))
@require_POST
def assign(request: HttpRequest) -> HttpResponse:
    """Give actions to somebody, or to nobody."""
    form = WorkForm(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("Choose at least one action."))
        return _answer(request, form)
    whom = request.POST.get("assignee", "")
    try:
        changed = planner.assign(
            action_ids=form.cleaned_data["action"], assignee_id=int(whom) if whom.isdecimal() else None
        )
    except RegularsError as error:
        messages.error(request, str(error))
        return _answer(request, form)
    if changed:
        messages.success(
            request,
            ngettext("%(count)s action was assigned.", "%(count)s actions were assigned.", changed)
            % {"count": changed},
        )
    return _answer(request, form)


@access(Needs(Capability.WORK_ACTIONS))
@require_POST
def close(request: HttpRequest) -> HttpResponse:
    """Note that actions were done or turned down. They can be opened again."""
    form = WorkForm(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("Choose at least one action."))
        return _answer(request, form)
    outcome = Action.State.DISMISSED if request.POST.get("outcome") == "dismissed" else Action.State.DONE
    ids = form.cleaned_data["action"]
    try:
        closed = planner.close(
            action_ids=ids,
            outcome="dismissed" if outcome == Action.State.DISMISSED else "done",
            closed_by_id=cast("User", request.user).pk,
            now=timezone.now(),
            note=request.POST.get("note", "")[:2_000],
            came_of_it=request.POST.get("came_of_it", ""),
            reason=request.POST.get("reason", ""),
        )
    except RegularsError as error:
        messages.error(request, str(error))
        return _answer(request, form)
    return _answer(request, form, undo=Undo(ids=ids, count=closed, outcome=outcome) if closed else None)


@access(Needs(Capability.WORK_ACTIONS))
@require_POST
def reopen(request: HttpRequest) -> HttpResponse:
    """Undo: actions that were done or turned down are to do again."""
    form = WorkForm(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("Choose at least one action."))
        return _answer(request, form)
    try:
        opened = planner.reopen(action_ids=form.cleaned_data["action"])
    except RegularsError:
        messages.error(
            request, gettext("This customer has another open action by now. Close that one first.")
        )
    else:
        messages.success(
            request,
            ngettext("%(count)s action is to do again.", "%(count)s actions are to do again.", opened)
            % {"count": opened},
        )
    return _answer(request, form)


@dataclass(frozen=True, kw_only=True)
class Undo:
    """What was just closed, to offer the way back."""

    ids: list[int]
    count: int
    outcome: str

    @property
    def words(self) -> str:
        if self.outcome == Action.State.DISMISSED:
            text = ngettext("%(count)s action dismissed.", "%(count)s actions dismissed.", self.count)
        else:
            text = ngettext("%(count)s action done.", "%(count)s actions done.", self.count)
        return text % {"count": self.count}


def _answer(request: HttpRequest, form: WorkForm, *, undo: Undo | None = None) -> HttpResponse:
    """Show the list again where it was: in place, or on the page that the person came from."""
    query = str(form.data.get("list", ""))
    customer_id = str(form.data.get("next", ""))
    if request.headers.get("HX-Request"):
        return _fragment(request, ActionList(QueryDict(query), user=cast("User", request.user)), undo=undo)
    if undo is not None:
        messages.success(request, undo.words)
    if customer_id.isdecimal():
        return redirect("console:customer", customer_id=int(customer_id))
    return redirect(f"{reverse('console:today')}?{query}#actions")


# File

EXPORT_SCHEMA: dict[str, type[pl.DataType]] = {
    "action_id": pl.Int64,
    "customer_id": pl.String,
    "name": pl.String,
    "country": pl.String,
    "tier": pl.String,
    "stage": pl.String,
    "playbook": pl.String,
    "why": pl.String,
    "at_stake_minor": pl.Int64,
    "currency": pl.String,
    "state": pl.String,
    "assignee": pl.String,
    "note": pl.String,
    "as_of_day": pl.Date,
}


@access(Needs(Capability.EXPORT_CUSTOMERS))
@require_GET
def export_actions(request: HttpRequest) -> HttpResponseBase:
    """Send the filtered list as a file."""
    business = shop.business()
    chosen = ActionList(request.GET, user=cast("User", request.user))
    zone = zone_named(business.time_zone)
    day = queries.day(as_of_day=_as_of_day(), now=timezone.now(), zone=zone) if chosen.is_open else None
    rows = _export_rows(chosen.filter(day), currency=business.currency)
    return download("actions", EXPORT_SCHEMA, rows, form=request.GET.get("format", ""))


def _export_rows(which: ActionFilter, *, currency: str) -> Iterator[tuple[object, ...]]:
    for row in queries.every_action(which):
        item = item_of(row)
        yield (
            row.id, row.code, row.name, row.country, row.tier, row.stage,
            str(item.playbook.name) if item.playbook else row.playbook, str(item.why), row.value_minor, currency,
            row.state, row.assignee_name, row.note, date_of_day(row.as_of_day),
        )  # fmt: skip
