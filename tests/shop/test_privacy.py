"""What people may ask of their own data: erasure, a copy, consents that stay taken back."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

import pgtrigger
import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction
from django.utils import timezone, translation

from regulars.shop import operations, places, privacy_log, queries
from regulars.shop.models import (
    Consent,
    Customer,
    ErasedKey,
    Order,
    PrivacyAct,
    PrivacyLogPlace,
    PrivacyRequest,
)
from regulars.shop.operations import (
    AlreadyErasedError,
    InvalidConsentError,
    InvalidPrivacyRequestError,
    InvalidWordingError,
    Person,
    RequestNotOpenError,
    Statement,
)
from tests.shop.factories import make_business, make_customer, make_line, make_order, make_refund, make_store

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
LONG_AGO = datetime(2026, 3, 1, tzinfo=UTC)


def anna(*, email: str = "anna@example.com", at: datetime = LONG_AGO) -> int:
    person = Person(
        store_id=make_store().pk, identifiers={"external": "A-1", "email": email}, at=at, name="Anna Bloom"
    )
    with transaction.atomic():
        return operations.recognise([person], now=at)[0]


def say(customer_id: int, state: str, *, key: str, days: int = 0, channel: str = "email") -> None:
    operations.record_consents(
        [
            Statement(
                customer_id=customer_id, channel=channel, purpose="marketing", state=state, source="checkout", key=key,
                at=LONG_AGO + timedelta(days=days), address="anna@example.com",
            )
        ]
    )  # fmt: skip


def test_every_table_with_a_path_to_a_customer_is_registered() -> None:
    personal: set[type[models.Model]] = {Customer}
    found: set[type[models.Model]] = set()
    while True:
        found = {
            model
            for model in apps.get_models()
            for field in model._meta.concrete_fields
            if field.related_model in personal
        }
        if found <= personal:
            break
        personal |= found
    searched = {place.name for place in places.places() if isinstance(place, places.SearchPlace)}
    missing = {
        model._meta.db_table
        for model in personal - places.registered_models()
        if model._meta.db_table not in searched
    }
    # Visitor links are cleared with their visitors.
    assert missing == {"shop_visitorlink"}


def test_the_ledger_is_neither_changed_nor_emptied_by_sql() -> None:
    say(anna(), "granted", key="1")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for sql in (
        "UPDATE shop_consent SET state = 'withdrawn'",
        "DELETE FROM shop_consent",
        "TRUNCATE shop_consent",
    ):
        with (
            pytest.raises(DatabaseError, match=r"never emptied|Cannot update or delete"),
            transaction.atomic(),
        ):
            connection.cursor().execute(sql)
    # What refuses is the trigger: without it the same statement passes.
    with pgtrigger.ignore("shop.Consent:append_only"):
        assert Consent.objects.update(state="withdrawn") == 1


def test_only_a_yes_that_stands_is_a_permission() -> None:
    customers = [make_customer().pk for _ in range(5)]
    for number, states in enumerate(
        (["granted"], ["granted", "withdrawn"], ["pending"], [], ["withdrawn", "granted"])
    ):
        for day, state in enumerate(states):
            say(customers[number], state, key=f"{number}.{day}", days=day)
    assert queries.may_contact(customers, "email", "marketing") == {customers[0], customers[4]}
    assert queries.may_contact(customers, "sms", "marketing") == set()
    operations.erase_customer(customer_id=customers[0], now=timezone.now())
    operations.merge(kept_id=customers[3], absorbed_id=customers[4], evidence="person", now=LONG_AGO)
    assert queries.may_contact(customers, "email", "marketing") == {customers[3]}


def test_an_erased_person_leaves_figures_behind_and_nothing_else() -> None:
    make_business()
    customer = anna()
    order = make_order(customer=Customer.objects.get(pk=customer), code="SO-77001", amount_minor=2_500)
    make_line(order=order)
    make_refund(customer=order.customer, order=order)
    say(customer, "granted", key="anna@example.com/1")
    total = Order.objects.aggregate(total=models.Sum("amount_minor"))
    act = operations.erase_customer(customer_id=customer, now=timezone.now())
    assert Order.objects.aggregate(total=models.Sum("amount_minor")) == total
    assert act.rows["shop_identifier"] == 2
    erased = Customer.objects.get(pk=customer)
    assert (erased.name, erased.code, erased.erased_at is not None) == ("", f"erased-{customer}", True)
    found = [
        table
        for table in connection.introspection.table_names()
        for row in _rows(table)
        if any(word in row.lower() for word in ("anna", "bloom", "so-77001", "a-1"))
    ]
    assert found == []
    assert b"anna" not in privacy_log.log_file().read_bytes()
    with pytest.raises(AlreadyErasedError):
        operations.erase_customer(customer_id=customer, now=timezone.now())
    with pytest.raises(InvalidConsentError, match="erased"):
        say(customer, "granted", key="2")


def _rows(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT to_jsonb(t)::text FROM "{table}" t')  # noqa: S608  our own tables
        return [row for (row,) in cursor.fetchall()]


def test_those_who_became_part_of_a_person_are_erased_with_them() -> None:
    kept, absorbed = make_customer(code="K-1", name="Kim").pk, make_customer(code="K-2", name="Kim").pk
    operations.merge(kept_id=kept, absorbed_id=absorbed, evidence="person", now=LONG_AGO)
    operations.erase_customer(customer_id=absorbed, now=timezone.now())
    assert set(Customer.objects.values_list("code", "name")) == {
        (f"erased-{kept}", ""),
        (f"erased-{absorbed}", ""),
    }


def test_what_was_told_before_an_erasure_does_not_come_back_and_what_is_new_does() -> None:
    operations.erase_customer(customer_id=anna(), now=timezone.now())
    store = make_store().pk
    later = timezone.now() + timedelta(minutes=1)
    people = [
        Person(store_id=store, identifiers={"email": "Anna@Example.com"}, at=LONG_AGO),
        Person(store_id=store, identifiers={"email": "bob@example.com"}, at=LONG_AGO),
        Person(store_id=store, identifiers={"email": "anna@example.com"}, at=later),
    ]
    assert operations.erased_among(people) == {0}


def test_the_digest_of_python_is_that_of_sql() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {privacy_log.sql_digest('%(kind)s', '%(value)s', '%(store)s')}",
            {"kind": "ouid", "value": "张伟", "store": "taobao", **privacy_log.sql_keys()},
        )
        assert cursor.fetchone()[0] == privacy_log.digest("ouid", "张伟", store="taobao")


def test_a_database_that_knows_less_than_the_log_catches_up_once() -> None:
    customer, other = anna(), make_customer(code="B-1").pk
    say(other, "granted", key="b1")
    place = transaction.savepoint()
    say(other, "withdrawn", key="b2", days=1)
    operations.erase_customer(customer_id=customer, now=timezone.now())
    assert not privacy_log.is_behind()
    transaction.savepoint_rollback(place)  # as if an older backup had been restored
    assert privacy_log.is_behind()
    assert queries.may_contact([other], "email", "marketing") == {other}
    done = operations.reapply_privacy_log()
    assert (done.erased, done.withdrawn) == (1, 1)
    assert queries.may_contact([other], "email", "marketing") == set()
    assert Customer.objects.get(pk=customer).name == ""
    assert PrivacyAct.objects.get(customer=customer).reason == PrivacyAct.Reason.RESTORED
    assert not privacy_log.is_behind()
    assert operations.reapply_privacy_log().erased == 0
    # The log of another installation is unknown from its beginning.
    PrivacyLogPlace.objects.update(log_id="another")
    assert privacy_log.is_behind()


def test_who_came_back_under_the_same_address_is_not_erased_again() -> None:
    operations.erase_customer(customer_id=anna(), now=timezone.now())
    again = anna(at=timezone.now() + timedelta(minutes=1))
    PrivacyLogPlace.objects.all().delete()
    assert operations.reapply_privacy_log().erased == 0
    assert Customer.objects.get(pk=again).name == "Anna Bloom"


def test_half_a_line_of_a_killed_process_is_passed_over() -> None:
    say(anna(), "withdrawn", key="1")
    with privacy_log.log_file().open("ab") as file:
        file.write(b'{"what":"erased","at":"2026')
    ErasedKey.objects.all().delete()
    say(make_customer().pk, "withdrawn", key="2")
    PrivacyLogPlace.objects.all().delete()
    assert [entry.what for entry in privacy_log.unknown_entries()] == ["withdrawn", "withdrawn"]


def test_an_export_tells_everything_in_two_forms() -> None:
    make_business()
    customer = anna()
    make_line(order=make_order(customer=Customer.objects.get(pk=customer), code="SO-77001"))
    say(customer, "granted", key="1")
    made = queries.export_person(customer, business="Corner Shop", now=LONG_AGO)
    with zipfile.ZipFile(io.BytesIO(made.content)) as file:
        data = json.loads(file.read("data.json"))
        page = file.read("index.html").decode()
    told = {section["table"]: section["rows"] for section in data["data"]}
    assert {row["value"] for row in told["shop_identifier"]} == {"A-1", "anna@example.com"}
    assert told["shop_order"][0]["code"] == "SO-77001"
    assert told["shop_consent"][0]["state"] == "Allowed"
    assert made.rows["shop_orderline"] == 1
    assert "anna@example.com" in page
    assert "SO-77001" in page


def test_the_page_of_a_copy_is_written_for_a_person() -> None:
    make_business(time_zone="Asia/Shanghai", currency="CNY")
    customer = anna()
    order = make_order(customer=Customer.objects.get(pk=customer), code="SO-1", amount_minor=19_170)
    Order.objects.filter(pk=order.pk).update(placed_at=datetime(2026, 3, 1, 18, 30, tzinfo=UTC))
    with translation.override("zh-hans"):
        made = queries.export_person(customer, business="Corner Shop", now=LONG_AGO)
    with zipfile.ZipFile(io.BytesIO(made.content)) as file:
        page = file.read("index.html").decode()
    for words in (
        "<dt>金额</dt><dd>191.70 CNY</dd>",
        "<dt>下单时间</dt><dd>2026-03-02 02:30</dd>",
        "<dd>是</dd>",
    ):
        assert words in page
    for words in ("_minor", "_at<", "True", "{&#x27;", "a.m."):
        assert words not in page


def test_a_request_is_one_until_it_is_decided() -> None:
    customer = anna()
    first = operations.request_privacy(
        "erasure", customer_id=customer, source="page", is_confirmed=False, now=LONG_AGO
    )
    again = operations.request_privacy(
        "erasure", identifiers={"email": "ANNA@example.com"}, source="shopify", now=LONG_AGO
    )
    assert (first.pk, first.state, again.state) == (again.pk, "unconfirmed", "open")
    decided = operations.decide_request(
        request_id=first.pk, is_granted=False, answer="no", by=None, now=LONG_AGO
    )
    assert decided.state == PrivacyRequest.State.REFUSED
    with pytest.raises(RequestNotOpenError):
        operations.decide_request(request_id=first.pk, is_granted=True, by=None, now=LONG_AGO)
    nobody = operations.request_privacy(
        "access", identifiers={"email": "x@example.com"}, source="shopify", now=LONG_AGO
    )
    assert (nobody.state, nobody.customer_id) == ("done", None)
    with pytest.raises(InvalidPrivacyRequestError):
        operations.request_privacy("portability", customer_id=customer, source="x", now=LONG_AGO)


def test_erasing_settles_the_requests_of_the_person() -> None:
    customer = anna()
    row = operations.request_privacy("erasure", customer_id=customer, source="page", now=LONG_AGO)
    operations.erase_customer(customer_id=customer, now=timezone.now())
    row.refresh_from_db()
    assert row.state == PrivacyRequest.State.DONE


def test_words_that_changed_are_the_next_version() -> None:
    def word(english: str) -> int:
        return operations.word_consent(
            channel="email", purpose="marketing", english=english, chinese="好", by=None, now=LONG_AGO
        ).version

    assert [word("Yes"), word("Yes"), word("Yes, please")] == [1, 1, 2]
    offer = next(one for one in queries.consent_offers() if one.name == "email.marketing")
    assert (offer.english, offer.wording) == ("Yes, please", "email/marketing v2")
    with pytest.raises(InvalidWordingError):
        word("")
    operations.offer_consent(channel="sms", purpose="marketing", is_offered=False)
    assert "sms.marketing" not in {one.name for one in queries.consent_offers(only_offered=True)}
    with pytest.raises(InvalidConsentError):
        operations.offer_consent(channel="sms", purpose="marketing", is_offered=True, is_confirmed=True)
