"""Calls of the track API for tests, and the record they leave as plain rows."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from regulars.intake import operations
from regulars.intake.models import Call, WriteKey
from regulars.shop.models import Customer, Event, Identifier, Order, OrderLine, Refund, VisitorLink
from tests.shop.factories import make_business

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def make_source(*, name: str = "Web shop", store_code: str = "main") -> WriteKey:
    make_business(currency="GBP")
    return operations.add_source(name=name, store_code=store_code, by=None, now=NOW)


def send(key: WriteKey, *events: dict[str, Any], now: datetime = NOW, work: bool = True) -> None:
    body = json.dumps({"batch": list(events)}).encode()
    operations.take_call(write_key=key.key, kind="batch", body=body, now=now)
    if work:
        work_all(now=now)


def work_all(*, now: datetime = NOW) -> None:
    while operations.work(now=now).calls:
        pass


def event(type_: str, message_id: str, **told: Any) -> dict[str, Any]:  # noqa: ANN401  any of JSON
    at = told.pop("at", NOW - timedelta(hours=1))
    return {"type": type_, "messageId": message_id, "timestamp": at.isoformat(), **told}


def last_call() -> Call:
    return Call.objects.latest("id")


def record() -> dict[str, list[tuple[Any, ...]]]:
    """The record without the numbers that only tell what came first."""
    return {
        "customers": sorted(
            Customer.objects.values_list("code", "name", "country", "merged_into__code"), key=repr
        ),
        "identifiers": sorted(
            Identifier.objects.values_list("customer__code", "kind", "store__code", "value"), key=repr
        ),
        "links": sorted(
            VisitorLink.objects.values_list("visitor__anonymous_id", "customer__code", "since_at")
        ),
        "events": sorted(
            Event.objects.values_list(
                "at",
                "name",
                "customer__code",
                "visitor__anonymous_id",
                "is_named",
                "product__code",
                "order_code",
            ),
            key=repr,
        ),
        "orders": sorted(
            Order.objects.values_list(
                "code",
                "customer__code",
                "status",
                "placed_at",
                "amount_minor",
                "refunded_minor",
                "net_minor",
                "coupons",
            ),
            key=repr,
        ),
        "lines": sorted(
            OrderLine.objects.values_list(
                "order__code", "product__code", "quantity", "amount_minor", "discount_minor"
            )
        ),
        "refunds": sorted(
            Refund.objects.values_list("order__code", "customer__code", "amount_minor", "refunded_at")
        ),
    }
