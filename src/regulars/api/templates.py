"""Templates: what messages say, written, published and previewed by programs too."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import Field

from regulars.api.contract import terms
from regulars.api.keys import key_of
from regulars.api.paging import PageParameters, page_of
from regulars.api.parameters import VISIBLE, Id
from regulars.api.problems import NotFoundError
from regulars.api.replays import once
from regulars.messaging import composing
from regulars.messaging.checking import check
from regulars.messaging.models import Template
from regulars.messaging.operations import templates as operations
from regulars.messaging.queries import templates as queries
from regulars.shop.models import Customer
from regulars.shop.wording import gettext as _
from regulars.staff.rules import Capability

router = Router()

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=VISIBLE)]
Words = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]
Line = Annotated[str, Field(max_length=1_000, pattern=r"^[^\x00]*$")]
Language = Literal["en", "zh-hans"]


class Variant(Schema):
    """What is written in one language."""

    subject: Line = ""
    preheader: Line = ""
    body: Annotated[str, Field(max_length=60_000, pattern=r"^[^\x00]*$")] = ""


class TemplateView(Schema):
    """A template with its draft."""

    id: int
    name: str
    description: str
    format: Literal["email", "text", "task"]
    language: Language = Field(description="Whoever speaks no other language of it has it in this one.")
    draft: dict[Language, Variant]
    version: int | None = Field(description="The version that messages are made of; null before the first.")
    version_id: int | None = Field(description="Its id.")
    has_changes: bool = Field(description="The draft says something else than the version.")
    archived_at: datetime | None


class TemplatePage(Schema):
    """One page of templates."""

    items: list[TemplateView]
    next: str | None = Field(description="The address of the next page; null on the last.")


class NewTemplate(Schema):
    """A template to make."""

    name: Name
    description: Words = ""
    format: Literal["email", "text", "task"]
    language: Language = "en"
    draft: dict[Language, Variant] = Field(default_factory=dict)


class TemplateChange(Schema):
    """What to change of a template; what is left out stays, languages too."""

    name: Name | None = None
    description: Words | None = None
    language: Language | None = None
    draft: dict[Language, Variant] | None = None


class VersionView(Schema):
    """A version of a template, never changed."""

    id: int
    number: int
    content: dict[Language, Variant]
    saved_at: datetime


class PreviewWanted(Schema):
    """Which message to show."""

    customer_code: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")] = Field(
        "", description="As whom; empty for somebody unknown."
    )
    language: Language = "en"


class FaultView(Schema):
    """Why it cannot be used as it is written."""

    part: str
    line: int = Field(description="0 where no line can be named.")
    text: str


class HintView(Schema):
    """Something to mend or to know."""

    code: str
    level: Literal["warning", "info"]
    text: str


class PreviewView(Schema):
    """The draft as one customer would have it. With faults there is no message."""

    subject: str
    html: str
    text: str
    faults: list[FaultView]
    hints: list[HintView]
    missing: list[str] = Field(description="Values that the message shows and this customer has not.")


@router.get("/templates", response=TemplatePage, **terms("Templates", Capability.VIEW_CUSTOMERS))
def list_templates(request: HttpRequest, parameters: Query[PageParameters]) -> TemplatePage:
    """List the templates that are not archived, the oldest first."""
    rows = Template.objects.filter(archived_at=None)
    found, following = page_of(rows, order=("id",), request=request, parameters=parameters)
    return TemplatePage(items=[_view(row) for row in found], next=following)


@router.post(
    "/templates",
    response={HTTPStatus.CREATED: TemplateView},
    **terms("Templates", Capability.CHANGE_TEMPLATES, replayable=True),
)
@once(HTTPStatus.CREATED)
def create_template(request: HttpRequest, body: NewTemplate) -> TemplateView:
    """Make a template. Its draft is not sent before it is published."""
    made = operations.create_template(
        name=body.name,
        description=body.description,
        format=body.format,
        language=body.language,
        content={language: written.model_dump() for language, written in body.draft.items()},
        by=key_of(request).created_by,
        now=timezone.now(),
    )
    return _view(made)


@router.get(
    "/templates/{template_id}",
    response=TemplateView,
    **terms("Templates", Capability.VIEW_CUSTOMERS, HTTPStatus.NOT_FOUND),
)
def get_template(request: HttpRequest, template_id: Path[Id]) -> TemplateView:
    """Read one template."""
    return _view(_found(template_id))


@router.patch(
    "/templates/{template_id}",
    response=TemplateView,
    **terms("Templates", Capability.CHANGE_TEMPLATES, HTTPStatus.NOT_FOUND),
)
def change_template(request: HttpRequest, template_id: Path[Id], body: TemplateChange) -> TemplateView:
    """Change a template's name, description, language or draft."""
    found = _found(template_id)
    if body.name is not None or body.description is not None or body.language is not None:
        operations.describe(
            template_id,
            name=found.name if body.name is None else body.name,
            description=found.description if body.description is None else body.description,
            language=body.language or found.language,
        )
    if body.draft is not None:
        operations.save_draft(
            template_id,
            content={language: written.model_dump() for language, written in body.draft.items()},
            now=timezone.now(),
        )
    return _view(_found(template_id))


@router.post(
    "/templates/{template_id}/versions",
    response={HTTPStatus.CREATED: VersionView},
    **terms("Templates", Capability.CHANGE_TEMPLATES, HTTPStatus.NOT_FOUND, replayable=True, in_words=True),
)
@once(HTTPStatus.CREATED)
def publish_template(request: HttpRequest, template_id: Path[Id]) -> VersionView:
    """Publish the draft. One that says what the last version says makes no other, and that one is returned."""
    _found(template_id)
    made = operations.publish(template_id, by=key_of(request).created_by, now=timezone.now())
    return VersionView(id=made.pk, number=made.number, content=made.content, saved_at=made.saved_at)


@router.post(
    "/templates/{template_id}/preview",
    response=PreviewView,
    **terms("Templates", Capability.VIEW_CUSTOMERS, HTTPStatus.NOT_FOUND, in_words=True),
)
def preview_template(request: HttpRequest, template_id: Path[Id], body: PreviewWanted) -> PreviewView:
    """Show the draft as a customer would have it, with what to mend."""
    found = _found(template_id)
    customer = None
    if body.customer_code:
        customer = Customer.objects.filter(code=body.customer_code, erased_at=None).first()
        if customer is None:
            raise NotFoundError(
                _("there is no customer %(customer_code)s") % {"customer_code": repr(body.customer_code)}
            )
    checked = check(
        found.draft.get(body.language, {}),
        format=composing.format_of(found),
        language=body.language,
        customer_id=customer.pk if customer else 0,
        now=timezone.now(),
    )
    filled = checked.preview.filled if checked.preview else None
    return PreviewView(
        subject=filled.subject if filled else "",
        html=filled.html if filled else "",
        text=filled.text if filled else "",
        faults=[FaultView(part=one.part, line=one.line, text=one.text) for one in checked.faults],
        hints=[HintView(code=one.code, level=one.level, text=one.text) for one in checked.hints],
        missing=list(checked.preview.missing) if checked.preview else [],
    )


def _found(template_id: int) -> Template:
    try:
        return queries.template(template_id)
    except composing.NoSuchTemplateError as error:
        raise NotFoundError(_("there is no template %(id)s") % {"id": template_id}) from error


def _view(row: Template) -> TemplateView:
    latest = queries.latest_version(row.pk)
    return TemplateView(
        id=row.pk,
        name=row.name,
        description=row.description,
        format=row.format,  # type: ignore[arg-type]  # one of them, by constraint
        language=row.language,  # type: ignore[arg-type]  # as above
        draft=row.draft,
        version=latest.number if latest else None,
        version_id=latest.pk if latest else None,
        has_changes=queries.has_changes(row),
        archived_at=row.archived_at,
    )
