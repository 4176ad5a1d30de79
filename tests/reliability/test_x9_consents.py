"""X9 (consents) and L3: permission is what was said at that moment, the ledger stands, and each change by staff is one audit row."""

import os
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.test import Client

from regulars.shop import queries
from regulars.shop.models import Consent
from regulars.shop.operations import Statement, record_consents
from regulars.staff.rules import Role
from tests.shop.factories import make_customer
from tests.staff.factories import make_user

pytestmark = [pytest.mark.reliability, pytest.mark.integration, pytest.mark.django_db]

CUSTOMERS = 20_000 if os.environ.get("REGULARS_LONG") else 400
MOMENTS = 5
SEED = int(os.environ.get("REGULARS_SEED", "20260301"))
AT = datetime(2026, 3, 1, tzinfo=UTC)
RANK = {"withdrawn": 0, "pending": 1, "granted": 2}


def expected(said: list[Statement]) -> bool:
    """Say in plain words what a permission is: of the latest statements, none but a yes."""
    if not said:
        return False
    last = max(one.at for one in said)
    return min((RANK[one.state] for one in said if one.at == last), default=0) == RANK["granted"]


def test_every_send_is_proven_by_the_consent_of_its_moment(capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(SEED)  # noqa: S311  a test's dice
    customers = [make_customer(code=f"X9-{number}").pk for number in range(CUSTOMERS)]
    said: dict[int, list[Statement]] = {one: [] for one in customers}
    sends = wrong = planted = 0
    for moment in range(MOMENTS):
        told = [
            Statement(
                customer_id=one, channel="email", purpose="marketing", state=rng.choice(list(RANK)), source="test",
                key=f"{one}:{moment}", at=AT + timedelta(hours=rng.randrange(4)),
            )
            for one in customers if rng.random() < 0.6
        ]  # fmt: skip
        record_consents(told)
        for one in told:
            said[one.customer_id].append(one)
        allowed = queries.may_contact(customers, "email", "marketing")
        sends += len(customers)
        wrong += sum((one in allowed) != expected(said[one]) for one in customers)
        # A rule that takes whatever arrived last for what holds is found out.
        planted += sum(
            bool(said[one]) and (said[one][-1].state == "granted") != expected(said[one]) for one in customers
        )
    with capsys.disabled():
        print(
            f"\nX9: seed {SEED}, N = {sends} decisions, {wrong} against the consent of the moment (below {3 / sends:.5f} with 95 % "
            f"confidence); taking the last to arrive would be wrong {planted} times"
        )
    assert wrong == 0
    assert planted > 0


def test_each_change_by_staff_is_exactly_one_row_of_the_audit_log_and_the_ledger_refuses_raw_sql(
    capsys: pytest.CaptureFixture[str],
) -> None:
    client, events = Client(), apps.get_model("shop", "ConsentEvent")
    client.force_login(make_user(role=Role.AGENT))
    customers = [make_customer().pk for _ in range(20)]
    for one in customers:
        told = {"pair": "sms.marketing", "state": "withdrawn", "reason": "by phone"}
        assert client.post(f"/customers/{one}/privacy/consent/", told).status_code == 302
    # What customers say themselves is the ledger's alone.
    record_consents([
        Statement(customer_id=customers[0], channel="email", purpose="marketing", state="granted", source="web", key="w", at=AT)
    ])  # fmt: skip
    rows = Counter(events.objects.values_list("customer_id", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    refused = 0
    attacks = (
        "UPDATE shop_consent SET at = now()",
        "DELETE FROM shop_consent WHERE id > 0",
        "TRUNCATE shop_consent CASCADE",
    )
    for sql in attacks:
        with pytest.raises(DatabaseError), transaction.atomic():
            connection.cursor().execute(sql)
        refused += 1
    with capsys.disabled():
        print(
            f"\nX9: {len(customers)} changes by staff, {sum(rows.values())} audit rows; L3: {refused} of {len(attacks)} raw changes refused"
        )
    assert rows == Counter(customers)
    assert Consent.objects.count() == len(customers) + 1
