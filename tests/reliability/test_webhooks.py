"""I1, I2, I4 for connected shops: webhooks twice, shuffled, late, forged. `REGULARS_LONG=1` makes the long form."""

import base64
import json
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import pgtrigger
import pytest
from django.core.management import call_command
from django.test import Client

from regulars.intake import operations
from regulars.intake.connectors import CONNECTORS, working
from regulars.intake.connectors.shopify import SHOPIFY
from regulars.intake.models import Connection, Delivery
from tests.intake.shops import (
    HOURS,
    SECRET,
    connect_shop,
    deliver,
    headers_of,
    shopify_customer,
    shopify_line,
    shopify_order,
    shopify_refund,
    shopify_story,
    signature,
    woo_order,
    work_all,
)
from tests.intake.tracking import record
from tests.reliability.test_track import ends, shuffles

pytestmark = [pytest.mark.reliability, pytest.mark.integration, pytest.mark.django_db]
LONG = bool(int(os.environ.get("REGULARS_LONG", "0")))
SEED = 20261122
Message = tuple[str, dict[str, Any]]


def shop_messages(rng: random.Random, *, orders: int) -> list[Message]:
    """What a shop sends of some orders: placed, paid, edited, cancelled, deleted, given back in parts."""
    told: list[Message] = []
    for number in range(orders):
        person = shopify_customer(rng.randrange(orders // 3 + 1))
        lines = [
            shopify_line(place, sku=f"S{rng.randrange(9)}", price=f"{rng.randrange(100, 900) / 100}", quantity=rng.randrange(1, 4))
            for place in range(rng.randrange(1, 4))
        ]  # fmt: skip

        def order(
            hour: int,
            number: int = number,
            person: dict[str, Any] = person,
            **more: Any,  # noqa: ANN401  any of JSON
        ) -> dict[str, Any]:
            return shopify_order(number, at=HOURS[hour], customer=person, **more)

        refund = shopify_refund(number, order=number, at=HOURS[5])
        codes = [{"code": f"TEN{rng.randrange(3)}", "amount": "0.70", "type": "fixed_amount"}][
            : rng.randrange(2)
        ]
        told += [
            ("orders/create", order(0, line_items=lines, financial_status="pending")),
            ("orders/paid", order(0, line_items=lines, discount_codes=codes)),
            ("orders/updated", order(3, line_items=lines[:1])),
        ]
        if rng.random() < 0.4:
            told += [
                ("refunds/create", refund),
                ("orders/updated", order(5, line_items=lines[:1], refunds=[refund])),
            ]
        if rng.random() < 0.2:
            told.append(
                ("orders/cancelled", order(7, line_items=lines[:1], cancelled_at=HOURS[7].isoformat()))
            )
        if rng.random() < 0.1:
            told.append(("orders/delete", {"id": 450789000 + number}))
        told.append(("customers/update", {**person, "updated_at": HOURS[rng.randrange(9)].isoformat()}))
    return told


def forget_everything() -> None:
    with pgtrigger.ignore("shop.Consent:no_truncate"):
        call_command("flush", interactive=False, verbosity=0, allow_cascade=True, inhibit_post_migrate=True)


# Each message is a transaction, as in a shop: thousands in one would hold the locks of all their temporary tables.
@pytest.mark.django_db(transaction=True)
def test_i1_webhooks_sent_twice_shuffled_and_again_leave_one_record() -> None:
    rng = random.Random(SEED)  # noqa: S311  draws traffic, no secrets
    told = shop_messages(rng, orders=2_000 if LONG else 7)
    row = connect_shop()
    for topic, said in told:
        deliver(row, topic, said, work=False)
    work_all()
    expected = record()
    forget_everything()
    row = connect_shop()
    shuffled = [*told, *told]
    rng.shuffle(shuffled)
    taken = sum(deliver(row, topic, said, work=False) for topic, said in shuffled)
    work_all()
    assert record() == expected
    again = [deliver(row, topic, said, id_=f"again {n}", work=False) for n, (topic, said) in enumerate(told)]
    work_all()
    assert record() == expected
    assert not Delivery.objects.filter(state="parked").exists()
    assert len(expected["orders"]) == (2_000 if LONG else 7)
    print(
        f"\nI1 (shops): seed {SEED}, {len(told)} webhooks sent twice, shuffled ({len(shuffled) - taken} known by id), and "
        f"{sum(again)} again with new ids: 0 rows differ ({len(expected['orders'])} orders, {len(expected['refunds'])} refunds)"
    )


def test_i2_the_six_webhooks_of_an_order_end_in_one_state_in_every_order() -> None:
    rng = random.Random(SEED)  # noqa: S311  draws orders, no secrets
    story = shopify_story()
    orders = list(permutations(range(6)))
    tried = [
        *map(list, orders if LONG else rng.sample(orders, 8)),
        *shuffles(rng, 10_000 if LONG else 2),
    ]
    row = connect_shop()
    first, *others = ends(tried, lambda number: deliver(row, *story[number]))
    assert len(others) == len(tried) - 1
    assert all(one == first for one in others)
    assert first["orders"] == [("#1001", "207119551", "paid", HOURS[0], 630, 415, 215, {})]
    assert first["identifiers"] == [
        ("207119551", "email", None, "buyer1@example.com"),
        ("207119551", "external", "main", "207119551"),
        ("207119551", "phone", None, "+447700900001"),
    ]
    print(
        f"\nI2 (shops): seed {SEED}, {len(tried)} orders and shuffles of 6 webhooks of an order, some twice: 1 final state"
    )


def test_i1_and_i2_see_a_planted_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the latest arrival believed instead of the latest version, the record would depend on the order."""
    row = connect_shop()
    story = shopify_story()
    monkeypatch.setattr(working._Applying, "_is_newer", lambda *_arguments: True)  # noqa: SLF001  the fault is planted inside
    orders = [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0]]
    one, other = ends(orders, lambda number: deliver(row, *story[number]))
    assert one["orders"] != other["orders"]


def mutated(
    rng: random.Random, body: bytes, headers: dict[str, str], key: str
) -> tuple[bytes, dict[str, str], str]:
    """Return a signed message with something wrong: body, signature, secret, header or address."""
    signed = next(name for name in headers if name.lower().endswith(("sha256", "signature")))
    changed, right = dict(headers), headers[signed]
    kind = rng.randrange(10)
    if kind < 4:
        place = rng.randrange(len(body))
        new = bytes([body[place] ^ (1 << rng.randrange(8))])
        variants = (
            body[:place] + new + body[place + 1 :],
            body[:place] + body[place + 1 :],
            body + b" ",
            body[:place] + new + body[place:],
        )
        return variants[kind], changed, key  # fmt: skip
    if kind == 4:
        del changed[signed]
    elif kind == 5:
        raw = bytearray(base64.b64decode(right))
        raw[rng.randrange(32)] ^= 1 << rng.randrange(8)
        changed[signed] = base64.b64encode(bytes(raw)).decode()
    elif kind == 6:
        changed[signed] = rng.choice(("", "=", right[:-1], right[:10], right.lower(), right.swapcase(), base64.b64decode(right).hex(), "é" * 44))  # fmt: skip
    elif kind == 7:
        changed[signed] = signature(
            body, rng.choice(("", SECRET[:-1], SECRET.upper(), "retired", SECRET + " "))
        )
    elif kind == 8:
        return body, changed, key[:-1] + ("A" if key[-1] != "A" else "B")
    else:
        return body, changed, "other-shop"
    return body, changed, key


def posts(row: Connection, topic: str, said: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    body = json.dumps(said).encode()
    return body, headers_of(row.connector, topic, body)


def post(connector: str, key: str, body: bytes, headers: dict[str, str]) -> int:
    told = {name: value for name, value in headers.items() if value.isascii()}
    path = f"/webhooks/{connector}/{key}"
    return Client().post(path, data=body, content_type="application/json", headers=told).status_code


def test_i4_no_forged_webhook_is_taken_and_a_replay_changes_nothing() -> None:
    rng = random.Random(SEED)  # noqa: S311  draws forgeries, no secrets
    tries = 10_000 if LONG else 200
    rows = [connect_shop(), connect_shop("woocommerce", address="https://corner.example")]
    operations.add_webhook_secret(connection_id=rows[0].pk, secret="retired", now=HOURS[0])
    operations.retire_webhook_secret(credential_id=rows[0].credentials.latest("id").pk)
    good = [(rows[0], *posts(rows[0], "orders/paid", shopify_order())), (rows[1], *posts(rows[1], "order.updated", woo_order()))]  # fmt: skip
    answers = []
    for number in range(tries):
        row, body, headers = good[number % 2]
        forged, changed, key = mutated(rng, body, headers, row.key)
        answers.append(post(row.connector, key, forged, changed))
    assert set(answers) == {401}
    assert not Delivery.objects.exists()
    for row, body, headers in good:
        assert post(row.connector, row.key, body, headers) == 200
    work_all()
    expected = record()
    assert len(expected["orders"]) == 2
    id_headers = ("X-Shopify-Webhook-Id", "X-WC-Webhook-Delivery-ID")
    replays = 0
    for number in range(tries // 10):
        row, body, headers = good[number % 2]
        topic = rng.choice(list(SHOPIFY.topics)) if number % 2 == 0 else "order.deleted"
        told = {name: f"replay {number}" if name in id_headers else value for name, value in headers.items()}
        if number % 3 == 0:
            told = {name: topic if name.endswith("Topic") else value for name, value in told.items()}
        assert post(row.connector, row.key, body, told) == 200
        replays += 1
    work_all()
    assert record() == expected
    print(
        f"\nI4: seed {SEED}, {tries} forged webhooks: 0 taken (below {3 / tries:.0e} with 95 % confidence), all 401; "
        f"{replays} replays with new ids, also under other topics: 0 rows differ"
    )


def test_i4_sees_a_planted_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were only the beginning of a signature compared, forgeries would come in."""
    row = connect_shop()
    body, headers = posts(row, "orders/paid", shopify_order())
    headers["X-Shopify-Hmac-Sha256"] = headers["X-Shopify-Hmac-Sha256"][:10]
    assert post(row.connector, row.key, body, headers) == 401

    def begins(told: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> bool:
        sent = told.get("X-Shopify-Hmac-Sha256", "")
        return any(signature(body, secret).startswith(sent) for secret in secrets)

    monkeypatch.setitem(CONNECTORS, "shopify", replace(SHOPIFY, is_signed=begins))
    assert post(row.connector, row.key, body, headers) == 200


def test_a_ping_is_answered_and_a_body_that_is_too_large_is_not_read() -> None:
    row = connect_shop("woocommerce", address="https://corner.example")
    ping = Client().post(
        f"/webhooks/woocommerce/{row.key}",
        data=b"webhook_id=3",
        content_type="application/x-www-form-urlencoded",
    )
    assert ping.status_code == 200
    assert post("woocommerce", row.key, b"webhook_id=3&x=1", {}) == 401
    assert post("woocommerce", row.key, b"x" * (2 * 1024 * 1024 + 1), {}) == 413
    assert Client().get(f"/webhooks/woocommerce/{row.key}").status_code == 405
    assert not Delivery.objects.exists()
