"""What a file does not say, because it is the same for all of it, is told once: the channel of consents, the day of an export."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.test import Client
from typer.testing import CliRunner

from regulars.cli.main import app
from regulars.intake import operations
from regulars.intake.kinds import kind_named
from regulars.intake.mapping import InvalidMappingError, Mapping, propose
from regulars.intake.models import ColumnMap, Import
from regulars.intake.queries import dry_run, preview, proposal
from regulars.shop.models import Consent, Customer
from regulars.staff.rules import Role
from tests.intake.importing import NOW, import_file
from tests.shop.factories import make_business
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

# The header of Shopify's export of customers.
HEADER = (
    "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,Default Address Address1,"
    "Default Address City,Default Address Country Code,Default Address Zip,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Note,"
    "Tax Exempt,Tags"
)  # fmt: skip
ROWS = (
    "'1001,Ann,Lee,ann@example.com,yes,Soft & Co,,London,GB,,'+447700900001,no,10.00,1,,no,\"vip, wholesale\"",
    "'1002,Bob,,bob@example.com,no,,,,GB,,,no,0.00,0,,no,",
    "'1003,小明,陈,,no,,,,CN,,'+8613800138000,yes,0.00,0,,no,",
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    make_business()
    path = tmp_path / "customers_export.csv"
    path.write_text("\n".join((HEADER, *ROWS)), encoding="utf-8")
    return path


def said() -> list[tuple[str, str, str, str, str]]:
    return sorted(
        (one.customer.code, one.channel, one.purpose, one.state, one.address)
        for one in Consent.objects.select_related("customer")
    )


def test_first_and_last_names_are_the_customers_name(file: Path) -> None:
    row = import_file(file, mapping=proposal(file, kind="customers").mapping)
    assert (row.lines_accepted, row.lines_rejected) == (3, 0)
    assert list(Customer.objects.order_by("code").values_list("code", "name", "country")) == [
        ("1001", "Ann Lee", "GB"),
        ("1002", "Bob", "GB"),
        ("1003", "陈小明", "CN"),
    ]
    assert proposal(file, kind="customers").preset == "shopify"


def test_consents_of_shopifys_customers_come_in_with_the_day_of_the_export(file: Path) -> None:
    found = proposal(file, kind="consents")
    assert (found.preset, found.missing) == ("shopify", ("stated_at",))
    assert dict(found.mapping.constants) == {"channel": "email", "purpose": "marketing"}
    mapping = found.mapping.with_constants({"stated_at": "2026-11-20"})
    row = import_file(file, mapping=mapping)
    assert (row.lines_accepted, row.lines_rejected, row.rows_added) == (3, 0, 3)
    sms = proposal(file, kind="consents", match="preset:shopify-sms").mapping
    import_file(file, mapping=sms.with_constants({"stated_at": "2026-11-20"}))
    assert said() == [
        ("1001", "email", "marketing", "granted", "ann@example.com"),
        ("1001", "sms", "marketing", "withdrawn", "+447700900001"),
        ("1002", "email", "marketing", "withdrawn", "bob@example.com"),
        ("1002", "sms", "marketing", "withdrawn", ""),
        ("1003", "email", "marketing", "withdrawn", ""),
        ("1003", "sms", "marketing", "granted", "+8613800138000"),
    ]
    assert {one.at for one in Consent.objects.all()} == {datetime(2026, 11, 20, tzinfo=UTC)}
    assert import_file(file, mapping=mapping).rows_added == 0


def test_yes_and_no_are_understood_in_both_languages(tmp_path: Path) -> None:
    make_business()
    path = tmp_path / "consents.csv"
    words = (
        "yes",
        "NO",
        "是",
        "否",
        "同意",
        "不同意",
        "接受",
        "不接受",
        "允许",
        "不允许",
        "已订阅",
        "未订阅",
        "not_subscribed",
    )
    path.write_text(
        "\n".join(("客户编号,是否同意", *(f"{number:02},{word}" for number, word in enumerate(words))))
    )
    mapping = Mapping(kind="consents", columns={"external": "客户编号", "consent": "是否同意"}, constants={"channel": "sms", "stated_at": "2026-11-20 08:30"})  # fmt: skip
    row = import_file(path, mapping=mapping)
    assert row.lines_rejected == 0
    granted = [
        one.customer.code for one in Consent.objects.filter(state="granted").order_by("customer__code")
    ]
    assert granted == ["00", "02", "04", "06", "08", "10"]
    assert Consent.objects.filter(state="withdrawn").count() == 7
    assert Consent.objects.filter(at=datetime(2026, 11, 20, 8, 30, tzinfo=UTC)).count() == 13


@pytest.mark.parametrize(
    ("kind", "constants"),
    [
        ("consents", {"channel": "pigeon"}),
        ("consents", {"stated_at": "yesterday"}),
        ("consents", {"external": "17"}),
        ("orders", {"status": "paid"}),
        ("consents", {"channel": ""}),
        ("consents", {"wording": "x" * 201}),
    ],
)
def test_only_what_can_be_the_same_for_a_whole_file_is_told_once(
    kind: str, constants: dict[str, str]
) -> None:
    with pytest.raises(InvalidMappingError):
        Mapping.from_json({"kind": kind, "columns": {}, "constants": constants})


def test_a_field_has_a_column_or_one_value() -> None:
    with pytest.raises(InvalidMappingError, match="channel"):
        Mapping(kind="consents", columns={"channel": "Note"}, constants={"channel": "sms"})


def test_a_day_that_has_not_come_is_refused(file: Path) -> None:
    mapping = proposal(file, kind="consents").mapping.with_constants({"stated_at": "2027-05-01"})
    found = dry_run(path=file, mapping=mapping, store_code="main", now=NOW)
    assert (found.lines, found.rejected) == (0, {"future_date": 3})
    assert {(one.column, one.value) for one in found.examples} == {("", "")}


def test_the_preview_shows_what_is_told_once_and_refused_lines_hold_the_files_own_cells(file: Path) -> None:
    mapping = proposal(file, kind="consents").mapping.with_constants({"stated_at": "2026-11-20"})
    file.write_text("\n".join((HEADER, *ROWS, ",,,,yes,,,,,,,,,,,,")))
    found = preview(path=file, mapping=mapping, store_code="main", now=NOW)
    assert {"stated_at", "channel", "purpose"} <= set(found.fields)
    assert dict(zip(found.fields, found.rows[0].says, strict=True))["stated_at"] == "2026-11-20 00:00"
    row = import_file(file, mapping=mapping)
    assert set(row.rejects.get().raw) - {"…"} == set(HEADER.split(","))


def test_a_saved_map_keeps_what_is_told_once_but_the_day_of_another_export(file: Path) -> None:
    mapping = proposal(file, kind="consents").mapping.with_constants(
        {"stated_at": "2026-11-20", "evidence": "shop"}
    )
    row = import_file(file, mapping=mapping)
    operations.save_map_of(import_id=row.pk, name="ours")
    found = proposal(file, kind="consents")
    assert (found.saved_map, found.missing) == ("ours", ("stated_at",))
    assert dict(found.mapping.constants) == {"channel": "email", "purpose": "marketing", "evidence": "shop"}
    told = ColumnMap.objects.get().mapping
    del told["constants"]
    ColumnMap.objects.update(mapping={**told, "columns": {"consent": "A"}})
    assert (
        operations.take_map(name="ours", told={**told, "columns": {"consent": "A"}, "constants": {}}).name
        == "ours"
    )


def test_no_preset_of_consents_fits_a_file_without_them() -> None:
    assert propose(["Customer ID", "Email", "Total Spent"], kind=kind_named("consents")).preset == ""


def test_a_file_may_say_from_which_network_address_it_was_said(tmp_path: Path) -> None:
    make_business()
    path = tmp_path / "consents.csv"
    rows = ("17,yes,203.0.113.7", "18,yes,2001:db8::1", "19,yes,", "20,yes,10.0.0.0/8", "21,yes,the shop")
    path.write_text("\n".join(("Customer ID,Consent,IP address", *rows)))
    found = proposal(path, kind="consents").mapping
    assert found.columns["ip"] == "IP address"
    row = import_file(path, mapping=found.with_constants({"channel": "email", "stated_at": "2026-11-20"}))
    assert dict(row.rejects.values_list("value", "reason")) == {"10.0.0.0/8": "bad_ip", "the shop": "bad_ip"}
    told = Consent.objects.order_by("customer__code").values_list("customer__code", "ip")
    assert list(told) == [("17", "203.0.113.7"), ("18", "2001:db8::1"), ("19", None)]


def test_the_command_takes_what_is_the_same_for_every_line(file: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["import", "consents", str(file), *arguments])
        return result.exit_code, result.output

    code, output = run()
    assert code == 1
    assert "--constant stated_at=" in output
    assert run("--constant", "stated_at=2026-11-20")[0] == 0
    assert (
        run(
            "--map",
            "preset:shopify-sms",
            "--constant",
            "stated_at=2026-11-20",
            "--constant",
            "evidence=export",
        )[0]
        == 0
    )
    assert [one[1] for one in said()].count("sms") == 3
    assert run("--constant", "stated_at")[0] == 1


def test_the_wizard_asks_for_the_day_and_takes_it(file: Path) -> None:
    client = Client()
    client.force_login(make_user(role=Role.MARKETER))
    row = operations.register(path=file, kind="consents", store_code="main", now=NOW)
    url = f"/data/{row.pk}/"
    page = client.get(url).content.decode()
    assert 'type="date" name="constant.stated_at"' in page
    assert '<option value="email" selected>' in page
    chosen = {
        "external": "Customer ID", "email": "Email", "phone": "Phone", "consent": "Accepts Email Marketing",
        "constant.channel": "email", "decimal": "", "encoding": "", "sheet": "",
    }  # fmt: skip
    refused = client.post(f"{url}preview/", chosen).content.decode()
    assert "Still to be matched" in refused
    assert "Date of consent" in refused
    understood = client.post(
        f"{url}preview/", {**chosen, "constant.stated_at": "2026-11-20"}
    ).content.decode()
    assert "2026-11-20 00:00" in understood
    client.post(f"{url}start/", {**chosen, "constant.stated_at": "2026-11-20", "map_name": "ours"})
    row.refresh_from_db()
    assert row.mapping["constants"] == {"channel": "email", "stated_at": "2026-11-20"}


def test_the_api_takes_what_is_the_same_for_every_line(file: Path) -> None:
    from regulars.api.imports import MappingBody  # noqa: PLC0415  the form of a request

    told = {
        "kind": "consents",
        "columns": {"external": "Customer ID", "consent": "Accepts Email Marketing"},
        "constants": {"channel": "email", "stated_at": "2026-11-20"},
    }
    row = import_file(file, mapping=MappingBody.model_validate_json(json.dumps(told)).read())
    assert row.rows_added == 3
    assert Import.objects.get().mapping["constants"] == told["constants"]
