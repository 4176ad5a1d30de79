"""Imports: send a file, follow it, read what could not be taken in, take it back."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, BinaryIO, Literal, Self, cast

from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from ninja import File, Form, Path, Query, Router, Schema
from ninja.files import UploadedFile
from pydantic import ConfigDict, Field, Json, model_validator

from regulars.api.contract import PREFIX, terms
from regulars.api.keys import key_of
from regulars.api.paging import PageParameters, page_of
from regulars.api.parameters import Id, NoOtherKeys, Text
from regulars.api.problems import NotFoundError
from regulars.api.replays import once
from regulars.intake.kinds import KINDS
from regulars.intake.mapping import Mapping
from regulars.intake.models import Import, Reject
from regulars.intake.operations import cancel, start, undo, upload
from regulars.intake.queries import reject_file, saved_map
from regulars.shop.wording import gettext as _
from regulars.staff.rules import Capability

router = Router()

State = Literal["uploaded", "queued", "running", "done", "failed", "cancelled", "undoing", "undone"]
_FIELDS = sorted({name for kind in KINDS.values() for name in kind.names()})
KindName = Annotated[str, Field(pattern=f"^({'|'.join(KINDS)})$")]
RecordField = Annotated[str, Field(pattern=f"^({'|'.join(_FIELDS)})$")]
Loose = Annotated[str, Field(max_length=320, pattern=r"^[^\x00]*$")]


class MappingBody(Schema):
    """Which column of the file fills which field of the record. What is left out is found in the file."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "columns": {
                        "order_code": "InvoiceNo",
                        "placed_at": "InvoiceDate",
                        "external": "CustomerID",
                        "product_code": "StockCode",
                        "quantity": "Quantity",
                        "unit_price": "UnitPrice",
                    },
                    "refund_prefix": "C",
                }
            ]
        },
    )

    kind: KindName = Field("orders", description="What the file holds.")
    columns: Annotated[dict[RecordField, Text], NoOtherKeys()] = Field(
        description="Column by field of the kind."
    )
    attributes: Annotated[dict[Text, Text], NoOtherKeys()] = Field(
        {}, description="Column by attribute of your own, in a file of customers."
    )
    constants: Annotated[dict[RecordField, Text], NoOtherKeys()] = Field(
        {},
        description="By field that has no column, what holds for every line of the file, in a file of consents: "
        "`channel`, `purpose`, `wording`, `evidence`, and `stated_at` as a day or moment.",
    )
    words: Annotated[dict[RecordField, Annotated[dict[Text, Text], NoOtherKeys()]], NoOtherKeys()] = Field(
        {}, description="By field of a few words, what the file's words mean."
    )
    discounts: list[Text] = Field([], description="Columns that add up to a line's discount.")
    status_values: Annotated[dict[Text, Literal["paid", "pending", "cancelled"]], NoOtherKeys()] = Field(
        {}, description="What the words of the status column mean."
    )
    refund_prefix: Loose = Field("", description="Order numbers that begin with it are refunds.")
    date_formats: list[Text] = Field(
        [],
        description="strptime formats, or `excel`, `epoch`, `epoch_ms`, `epoch_us`; for dates that could be read in two ways.",
    )
    decimal: Literal["", ".", ","] = Field("", description="Decimal mark.")
    encoding: Loose = Field("", description="Encoding of a text file.")
    sheet: Loose = Field("", description="Sheet of a workbook, or the file of a zip.")
    currency: Annotated[str, Field(pattern="^([A-Z]{3})?$")] = Field(
        "", description="The file's currency; it must be the base currency."
    )

    def read(self) -> Mapping:
        """Return the mapping as intake knows it."""
        return Mapping.from_json(self.model_dump())


class Upload(Schema):
    """What comes with a file. With a mapping or a saved map it starts at once; without, it waits for one."""

    kind: KindName = Field("orders", description="What the file holds.")
    store: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]+$")] = Field(
        description="Code of the store the orders come from; a new code makes a new store."
    )
    map: Text | None = Field(None, description="Name of a saved map.")
    mapping: Json[MappingBody] | None = Field(None, description="A mapping, as JSON text.")

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if self.map is not None and self.mapping is not None:
            message = _("send map or mapping, not both")
            raise ValueError(message)
        return self


class SavedMap(Schema):
    """Start with a saved map."""

    model_config = ConfigDict(extra="forbid")

    map: Text = Field(description="Its name.", examples=["Back office, 30 days"])


class OwnMapping(Schema):
    """Start with a mapping."""

    model_config = ConfigDict(extra="forbid")

    mapping: MappingBody


class Progress(Schema):
    """How far a running import is."""

    stage: str
    done: int
    total: int | None = Field(description="Null while unknown.")


class Failure(Schema):
    """Why an import failed; nothing of it is in the record."""

    code: str
    detail: str


class ImportView(Schema):
    """One file on its way into the record. When done, lines_read is the sum of what became of the lines."""

    id: int
    kind: str = Field(description="What the file holds.")
    store: str = Field(description="Code of the store.")
    file_name: str
    file_bytes: int
    file_sha256: str
    state: State = Field(
        description="`uploaded` waits for a mapping; `done`, `failed`, `cancelled` are final."
    )
    progress: Progress | None = Field(description="Null unless running.")
    mapping: dict[str, Any] | None = Field(description="As it was applied; null before the start.")
    lines_read: int
    lines_accepted: int
    lines_rejected: int = Field(description="See the import's rejects.")
    refunds_matched: int
    refunds_unmatched: int
    orders_added: int
    customers_added: int
    products_added: int
    rows_added: int = Field(description="New rows of the kind, such as order lines, refunds or products.")
    rows_changed: int
    failure: Failure | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    undone_at: datetime | None


class ImportPage(Schema):
    """One page of imports."""

    items: list[ImportView]
    next: str | None = Field(description="The address of the next page; null on the last.")


class RejectView(Schema):
    """A line that could not be taken in."""

    line_number: int = Field(description="As a spreadsheet shows it; the header is line 1.")
    column: str
    value: str
    reason: str = Field(description="Code of the reason; stable.")
    line: Any = Field(description="The whole line as it was read.")


class RejectPage(Schema):
    """One page of rejected lines."""

    items: list[RejectView]
    next: str | None = Field(description="The address of the next page; null on the last.")


class ImportParameters(PageParameters):
    """Filters."""

    state: list[State] = Field([], description="May be repeated: any of them.")


@router.post(
    "/imports",
    response={201: ImportView},
    **terms(
        "Imports",
        Capability.RUN_IMPORTS,
        HTTPStatus.NOT_FOUND,
        replayable=True,
        example={"file": "@orders.csv", "store": "taobao", "map": '"Back office, 30 days"'},
    ),
)
@once(HTTPStatus.CREATED, lambda made: f"{PREFIX}imports/{made.id}")
def create_import(request: HttpRequest, file: File[UploadedFile], body: Form[Upload]) -> ImportView:
    """Upload a file: CSV, TSV, Excel, Parquet or JSON lines, also packed. Importing a file twice changes nothing."""
    mapping = saved_map(body.map) if body.map is not None else body.mapping.read() if body.mapping else None
    made = upload(
        file=cast(BinaryIO, file),
        file_name=file.name or "",
        kind=mapping.kind if mapping is not None else body.kind,
        store_code=body.store,
        created_by=key_of(request).created_by,
        now=timezone.now(),
    )
    if mapping is not None:
        start(import_id=made.pk, mapping=mapping)
    return _view(_import(made.pk))


@router.get("/imports", response=ImportPage, **terms("Imports", Capability.VIEW_IMPORTS))
def list_imports(request: HttpRequest, parameters: Query[ImportParameters]) -> ImportPage:
    """List imports, newest first."""
    rows = Import.objects.select_related("store")
    if parameters.state:
        rows = rows.filter(state__in=parameters.state)
    found, following = page_of(rows, order=("-id",), request=request, parameters=parameters)
    return ImportPage(items=[_view(row) for row in found], next=following)


@router.get(
    "/imports/{import_id}",
    response=ImportView,
    **terms("Imports", Capability.VIEW_IMPORTS, HTTPStatus.NOT_FOUND),
)
def get_import(request: HttpRequest, import_id: Path[Id]) -> ImportView:
    """Read one import with its progress and counters."""
    return _view(_import(import_id))


@router.post(
    "/imports/{import_id}/start",
    response=ImportView,
    **terms(
        "Imports",
        Capability.RUN_IMPORTS,
        HTTPStatus.NOT_FOUND,
        replayable=True,
        example={"map": "Back office, 30 days"},
    ),
)
@once(HTTPStatus.OK)
def start_import(request: HttpRequest, import_id: Path[Id], body: SavedMap | OwnMapping) -> ImportView:
    """Start an import that waits, or failed, with a saved map or a mapping."""
    _import(import_id)
    start(
        import_id=import_id,
        mapping=saved_map(body.map) if isinstance(body, SavedMap) else body.mapping.read(),
    )
    return _view(_import(import_id))


@router.post(
    "/imports/{import_id}/cancel",
    response=ImportView,
    **terms("Imports", Capability.RUN_IMPORTS, HTTPStatus.NOT_FOUND, replayable=True),
)
@once(HTTPStatus.OK)
def cancel_import(request: HttpRequest, import_id: Path[Id]) -> ImportView:
    """End an import that is not over. Nothing of it stays in the record."""
    _import(import_id)
    cancel(import_id=import_id, now=timezone.now())
    return _view(_import(import_id))


@router.post(
    "/imports/{import_id}/undo",
    response=ImportView,
    **terms("Imports", Capability.RUN_IMPORTS, HTTPStatus.NOT_FOUND, replayable=True),
)
@once(HTTPStatus.OK)
def undo_import(request: HttpRequest, import_id: Path[Id]) -> ImportView:
    """Take a whole import back, in the background; refused where later data speaks of the same rows."""
    _import(import_id)
    undo(import_id=import_id, now=timezone.now())
    return _view(_import(import_id))


@router.get(
    "/imports/{import_id}/rejects",
    response=RejectPage,
    **terms("Imports", Capability.VIEW_IMPORTS, HTTPStatus.NOT_FOUND),
)
def list_rejects(request: HttpRequest, import_id: Path[Id], parameters: Query[PageParameters]) -> RejectPage:
    """List the lines of an import that could not be taken in, in the order of the file."""
    rows = Reject.objects.filter(imported=_import(import_id))
    found, following = page_of(rows, order=("line_number",), request=request, parameters=parameters)
    items = [
        RejectView(
            line_number=row.line_number, column=row.column, value=row.value, reason=row.reason, line=row.raw
        )
        for row in found
    ]
    return RejectPage(items=items, next=following)


@router.get(
    "/imports/{import_id}/rejects.csv",
    **terms("Imports", Capability.VIEW_IMPORTS, HTTPStatus.NOT_FOUND, file_kind="text/csv"),
)
def download_rejects(request: HttpRequest, import_id: Path[Id]) -> StreamingHttpResponse:
    """Download those lines as a file that can be corrected and imported again with the same map."""
    row = _import(import_id)
    response = StreamingHttpResponse(reject_file(row.pk), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="rejects-{row.pk}.csv"'
    return response


def _import(import_id: int) -> Import:
    found = Import.objects.select_related("store").filter(pk=import_id).first()
    if found is None:
        message = _("there is no import %(id)s") % {"id": import_id}
        raise NotFoundError(message)
    return found


def _view(row: Import) -> ImportView:
    return ImportView.model_validate(
        {
            "id": row.pk,
            "store": row.store.code,
            "progress": {"stage": row.stage, "done": row.stage_done, "total": row.stage_total}
            if row.state == Import.State.RUNNING
            else None,
            "mapping": row.mapping or None,
            "failure": {"code": row.error_code, "detail": row.error} if row.error_code else None,
            **{name: getattr(row, name) for name in _SAME},
        }
    )


_SAME = (
    "file_name", "file_bytes", "file_sha256", "state", "lines_read", "lines_accepted", "lines_rejected",
    "refunds_matched", "refunds_unmatched", "orders_added", "customers_added", "products_added", "created_at",
    "started_at", "finished_at", "kind", "rows_added", "rows_changed", "undone_at",
)  # fmt: skip
