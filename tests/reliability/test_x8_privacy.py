"""X8: who was exported is whole, who was erased is gone from the whole home folder, and no backup brings anybody back."""

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import psycopg
import pytest
from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone

from regulars.api.models import Reply
from regulars.console.models import SavedView
from regulars.insights.models import Profile
from regulars.insights.operations import export_facts
from regulars.intake.mapping import Mapping
from regulars.intake.models import Call, Import, Reject
from regulars.intake.operations import run_import, set_mapping, upload
from regulars.planner.models import Action
from regulars.runtime import postgres
from regulars.shop import operations as shop
from regulars.shop import places, queries
from regulars.shop.models import Customer, EventSource, Order, Refund
from regulars.staff.models import ApiKey
from tests.shop.factories import make_business, make_line, make_order, make_refund, make_store
from tests.staff.factories import make_user

pytestmark = [pytest.mark.reliability, pytest.mark.integration, pytest.mark.django_db(transaction=True)]

PEOPLE = 100 if os.environ.get("REGULARS_LONG") else 3
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MARK = re.compile(rb"zq\d{3}f\d{2}q")
ATTRIBUTES = 12
PROPERTIES = 14


@dataclass
class Marks:
    """Hands out values that stand nowhere else: field after field of one person."""

    person: int
    given: int = 0

    def next(self) -> str:
        self.given += 1
        return f"zq{self.person:03}f{self.given:02}q"


def plant(number: int) -> tuple[int, int]:
    """Make a person whose every field is marked; return the customer and how many fields there are."""
    marks, store = Marks(number), make_store()
    kinds = {kind: marks.next() for kind in ("external", "omid", "ouid", "openid")}
    kinds["email"] = f"{marks.next()}@example.com"
    with transaction.atomic():
        told = shop.Person(
            store_id=store.pk, identifiers=kinds, at=NOW, name=marks.next(), country=marks.next()
        )
        (customer_id,) = shop.recognise([told], now=NOW)
        twin = shop.Person(store_id=store.pk, identifiers={"ouid": marks.next()}, at=NOW, name=marks.next())
        (twin_id,) = shop.recognise([twin], now=NOW)
    shop.merge(kept_id=customer_id, absorbed_id=twin_id, evidence="person", detail=marks.next(), now=NOW)
    customer = Customer.objects.get(pk=customer_id)
    for _ in range(2):
        order = make_order(customer=customer, code=marks.next(), amount_minor=1_000 * (number + 1), coupons={marks.next(): None})  # fmt: skip
        line = make_line(order=order)
        type(line).objects.filter(pk=line.pk).update(key=marks.next())
    refund = make_refund(customer=customer, order=order)
    Refund.objects.filter(pk=refund.pk).update(key=marks.next(), code=marks.next())
    for place in range(ATTRIBUTES):
        shop.define_attribute(name=f"a{place}", label=f"A{place}", type="text")
        value = shop.Told(
            customer_id=customer_id, name=f"a{place}", value=marks.next(), at=NOW, source=marks.next()
        )
        shop.set_attributes([value])
    shop.tag_customers(
        tag_id=shop.ensure_tag(name="regular").pk, customer_ids=[customer_id], source=marks.next(), now=NOW
    )
    shop.add_contacts(
        account_id=shop.ensure_account(code="acme").pk, contacts=[(customer_id, marks.next())], now=NOW
    )
    shop.record_consents([
        shop.Statement(
            customer_id=customer_id, channel="email", purpose="marketing", state="granted", at=NOW, source=marks.next(),
            key=marks.next(), address=marks.next(), wording=marks.next(), by_id=make_user().pk, reason=marks.next(),
        )
    ])  # fmt: skip
    browse(customer_id, marks)
    leave_traces(customer_id, kinds, marks)
    return customer_id, marks.given


def browse(customer_id: int, marks: Marks) -> None:
    shop.prepare_months([NOW.date()])
    source = EventSource.objects.get_or_create(code="web", defaults={"name": "Web", "store": make_store()})[0]
    browser = marks.next()
    visitor = shop.see_visitors({(source.store_id, browser)})[source.store_id, browser]
    shop.link_visitors([(visitor, customer_id, NOW)])
    shop.write_events([
        shop.NewEvent(
            source_id=source.pk, at=NOW, name=marks.next(), visitor_id=visitor, customer_id=customer_id, product_id=None,
            order_code=marks.next(), url=f"https://example.com/{marks.next()}",
            properties={marks.next(): marks.next() for _ in range(PROPERTIES // 2)},
        )
    ])  # fmt: skip
    # Kept for a week as it came: one message of this person and one of somebody else.
    body = {
        "batch": [
            {"type": "track", "userId": told_id(customer_id), "event": marks.next()},
            {"type": "page", "userId": "other"},
        ]
    }
    Call.objects.create(
        source=source, kind="batch", body=json.dumps(body).encode(), events=2, received_at=NOW, worked_at=NOW
    )


def told_id(customer_id: int) -> str:
    return (
        Customer.objects.get(pk=customer_id)
        .identifiers.filter(kind="external")
        .values_list("value", flat=True)[0]
    )


def leave_traces(customer_id: int, kinds: dict[str, str], marks: Marks) -> None:
    """What lies beside the record: an action with a note, a reply, a saved list, a refused line, an export."""
    Profile.objects.create(customer_id=customer_id, orders=2, stage="growing")
    action = Action.objects.create(
        customer_id=customer_id,
        playbook="call",
        reason={"code": marks.next()},
        value_minor=1,
        as_of_day=20_000,
    )
    action.note = marks.next()
    action.save()
    user = make_user()
    key = ApiKey.objects.create(name="K", prefix=f"k{customer_id}", key_hash="x", scopes=[], created_by=user)
    Reply.objects.create(
        api_key=key, idempotency_key="1", request_sha256="x", status=200, created_at=NOW,
        body=json.dumps({"customer_id": customer_id, "customer_name": marks.next()}, separators=(",", ":")),
    )  # fmt: skip
    SavedView.objects.create(owner=user, name="Mine", query=f"q={kinds['email'].replace('@', '%40')}")
    row = Import.objects.create(
        store=make_store(),
        file_name="x.csv",
        file_path="/nowhere",
        created_at=NOW,
        mapping={"columns": {"email": "mail"}},
    )
    Reject.objects.create(
        imported=row, line_number=customer_id, column="mail", value=marks.next(), reason="bad_date",
        raw={"mail": kinds["email"], "remark": marks.next()},
    )  # fmt: skip


def import_orders(people: list[int]) -> Path:
    """Bring everybody in again by a file whose copy stays in the home folder."""
    codes = [told_id(one) for one in people]
    text = "order,date,customer,sku,qty,price\n" + "".join(
        f"F{code},2026-02-01,{code},S1,1,5\n" for code in codes
    )
    columns = {
        "order_code": "order", "placed_at": "date", "external": "customer", "product_code": "sku", "quantity": "qty",
        "unit_price": "price",
    }  # fmt: skip
    row = upload(
        file=io.BytesIO(text.encode()), file_name="orders.csv", store_code="main", created_by=None, now=NOW
    )
    set_mapping(import_id=row.pk, mapping=Mapping(columns=columns))
    run_import(import_id=row.pk, now=timezone.now())
    row.refresh_from_db()
    assert row.state == "done"
    return Path(row.file_path)


def in_tables() -> set[bytes]:
    """Return every mark that any table holds, by asking it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
        )
        found: set[bytes] = set()
        for (table,) in cursor.fetchall():
            # A call is bytes, which JSON would write as hexadecimal digits.
            told = "convert_from(body, 'UTF8') || notes" if table == "intake_call" else "to_jsonb(t)::text"
            cursor.execute(f'SELECT {told} FROM "{table}" t')  # noqa: S608  names of our own tables
            for (row,) in cursor.fetchall():
                found |= set(MARK.findall(row.encode()))
    return found


def in_files(*, wal: bool) -> set[bytes]:
    """Return every mark in the bytes of the home folder's files; Parquet is read, for it is compressed."""
    found: set[bytes] = set()
    for path in Path(settings.HOME.root).rglob("*"):
        if not path.is_file() or ("pg_wal" in path.parts) != wal:
            continue
        found |= set(MARK.findall(path.read_bytes()))
        if path.suffix == ".parquet":
            found |= set(MARK.findall(pl.read_parquet(path, hive_partitioning=False).write_json().encode()))
    return found


def shop_totals() -> dict[str, object]:
    return Order.objects.aggregate(
        orders=models.Count("id"), amount=models.Sum("amount_minor"), refunded=models.Sum("refunded_minor"),
        valid=models.Count("id", filter=models.Q(is_valid=True)), customers=models.Count("customer", distinct=True),
    )  # fmt: skip


def database_url(name: str = "", *, user: str = "") -> str:
    known = connection.settings_dict
    return f"postgresql:///{name or known['NAME']}?host={known['HOST']}&user={user or known['USER']}"


def checkpoint() -> None:
    with psycopg.connect(database_url(user="postgres"), autocommit=True) as owner:
        owner.execute("CHECKPOINT")


def forget_samples() -> None:
    with psycopg.connect(database_url(user="postgres"), autocommit=True) as owner:
        owner.execute("DELETE FROM pg_statistic")
        owner.execute("VACUUM FULL pg_statistic")


def tool(name: str, *arguments: str) -> None:
    subprocess.run([postgres.binaries() / name, *arguments], check=True, capture_output=True)


@pytest.fixture
def people() -> list[int]:
    make_business()
    return [plant(number)[0] for number in range(PEOPLE)]


def test_everything_is_exported_everything_is_erased_and_no_backup_undoes_it(
    people: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = import_orders(people)
    export_facts()
    totals = shop_totals()
    planted = in_tables()
    fields = len(planted) // PEOPLE
    assert fields >= 60
    with connection.cursor() as cursor:
        cursor.execute(
            "ANALYZE"
        )  # samples of columns go into the planner's statistics, as they do of themselves in time
    checkpoint()
    assert planted <= in_files(wal=False)  # the search finds what is there

    exported = set[bytes]()
    for person in people:
        made = queries.export_person(person, business="Corner Shop", now=NOW)
        with zipfile.ZipFile(io.BytesIO(made.content)) as file:
            told = set(MARK.findall(file.read("data.json")))
            assert set(MARK.findall(file.read("index.html"))) == told
        exported |= told
    # What tells the person nothing: a statement's key, and those by which lines of an order are told apart.
    missing = sorted(planted - exported)

    staying = make_staying()
    tool("pg_dump", "-Fc", "-f", str(tmp_path / "older.dump"), database_url())
    withdraw(staying)
    for person in people:
        shop.erase_customer(customer_id=person, now=timezone.now())
    places.finish(people)
    assert not copy.exists()
    left = in_tables()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (FULL, ANALYZE)")
    checkpoint()  # removes the files of tables that were written anew
    sampled = len(in_files(wal=False))
    forget_samples()
    checkpoint()
    left |= in_files(wal=False)
    in_log = len(in_files(wal=True))
    assert shop_totals() == totals

    again = import_orders_of_erased(planted)
    came_back = Customer.objects.filter(erased_at=None).exclude(pk__in=staying).count()

    planted_bug, (resurrected, undone) = restored(tmp_path / "older.dump", people, staying)
    with capsys.disabled():
        print(
            f"\nX8: N = {PEOPLE} people x {fields} fields, {len(planted) - len(missing)} of {len(planted)} exported, {len(left)} left in "
            f"tables and files after VACUUM FULL ({sampled} in the planner's samples before those were cleared), {in_log} still in the write-ahead log (not promised); the same file again: "
            f"{again} of {PEOPLE} lines refused, {came_back} came back; older backup restored: {resurrected} resurrected, {undone} of "
            f"{len(staying)} opt-outs undone (without the log outside: {planted_bug[0]} and {planted_bug[1]}); no randomness (no seed)"
        )
    assert len(missing) == PEOPLE * 3, missing[:10]
    assert left == set()
    assert (again, came_back) == (PEOPLE, 0)
    assert (resurrected, undone) == (0, 0)
    assert planted_bug == (PEOPLE, len(staying))


def make_staying() -> list[int]:
    """Make people who allow something before the backup, and take it back after it."""
    people = [
        shop.Person(store_id=make_store().pk, identifiers={"email": f"stays{number}@example.com"}, at=NOW)
        for number in range(PEOPLE)
    ]
    with transaction.atomic():
        ids = shop.recognise(people, now=NOW)
    say(ids, "granted", NOW)
    return ids


def withdraw(ids: list[int]) -> None:
    say(ids, "withdrawn", NOW + timedelta(days=1))


def say(ids: list[int], state: str, at: datetime) -> None:
    shop.record_consents([
        shop.Statement(
            customer_id=one, channel="email", purpose="marketing", state=state, at=at, source="test", key=f"{one}:{state}"
        )
        for one in ids
    ])  # fmt: skip


def import_orders_of_erased(planted: set[bytes]) -> int:
    """Import the file again that once brought everybody in; return how many lines were refused because of the erasure."""
    codes = sorted(mark.decode() for mark in planted if mark.endswith(b"f01q"))
    text = "order,date,customer,sku,qty,price\n" + "".join(
        f"F{code},2026-02-01,{code},S1,1,5\n" for code in codes
    )
    row = upload(
        file=io.BytesIO(text.encode()), file_name="orders.csv", store_code="main", created_by=None, now=NOW
    )
    columns = {
        "order_code": "order", "placed_at": "date", "external": "customer", "product_code": "sku", "quantity": "qty",
        "unit_price": "price",
    }  # fmt: skip
    set_mapping(import_id=row.pk, mapping=Mapping(columns=columns))
    run_import(import_id=row.pk, now=timezone.now())
    rejects = Reject.objects.filter(imported=row)
    assert not any(reject.raw or reject.value for reject in rejects)
    assert not Path(row.file_path).exists()
    return rejects.filter(reason="erased_person").count()


def restored(dump: Path, people: list[int], staying: list[int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Restore a dump into a database of its own and open the installation on it.

    Returns who of the erased is there, and how many opt-outs are not: as restored, which is what the log outside the
    database is against, and after the start.
    """
    known = connection.settings_dict
    name = "x8_restored"
    place = ("-h", known["HOST"], "-U", known["USER"])
    tool("createdb", *place, name)
    try:
        tool("pg_restore", "--no-owner", "-d", database_url(name), str(dump))
        without_log = undone_in(name, people, staying)
        environment = {**os.environ, "DATABASE_URL": database_url(name)}
        command = [
            sys.executable,
            "-m",
            "regulars",
            "people",
            "export",
            "nobody",
            "--out",
            str(dump.with_name("x.zip")),
        ]
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        assert "older than the privacy log" in done.stderr, done.stderr
        return without_log, undone_in(name, people, staying)
    finally:
        tool("dropdb", *place, "--force", name)


def undone_in(name: str, people: list[int], staying: list[int]) -> tuple[int, int]:
    with psycopg.connect(database_url(name)) as other:
        back = other.execute(
            "SELECT count(*) FROM shop_customer WHERE id = ANY(%s) AND erased_at IS NULL", [people]
        ).fetchone()
        undone = other.execute(
            """
            SELECT count(*) FROM (
                SELECT DISTINCT ON (customer_id) state FROM shop_consent WHERE customer_id = ANY(%s)
                ORDER BY customer_id, at DESC
            ) latest WHERE state <> 'withdrawn'""",
            [staying],
        ).fetchone()
    assert back is not None
    assert undone is not None
    return back[0], undone[0]
