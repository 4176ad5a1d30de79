"""Shops for tests: what Shopify and WooCommerce send, built as their documents say, and a local server that answers as they do."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from regulars.intake import operations
from regulars.intake.models import Connection, Delivery
from tests.shop.factories import make_business

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SECRET = "shpss_0123456789abcdef"  # noqa: S105  of nobody
HOURS = [NOW - timedelta(days=3) + timedelta(hours=hour) for hour in range(24)]
Said = dict[str, Any]


def connect_shop(
    connector: str = "shopify",
    *,
    address: str = "https://corner.myshopify.com",
    secret: str = SECRET,
    access: Mapping[str, str] | None = None,
) -> Connection:
    make_business(currency="GBP")
    return operations.connect(
        connector=connector,
        name=f"Corner Shop at {connector}",
        store_code="main",
        address=address,
        secret=secret,
        access=access or {},
        by=None,
        now=NOW,
    )


def signature(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def headers_of(
    connector: str, topic: str, body: bytes, *, id_: str = "", secret: str = SECRET
) -> dict[str, str]:
    signed = signature(body, secret)
    if connector == "shopify":
        return {
            "X-Shopify-Topic": topic,
            "X-Shopify-Hmac-Sha256": signed,
            "X-Shopify-Webhook-Id": id_ or hashlib.sha256(topic.encode() + body).hexdigest()[:32],
            "X-Shopify-Shop-Domain": "corner.myshopify.com",
            "X-Shopify-API-Version": "2026-07",
        }
    return {
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Signature": signed,
        "X-WC-Webhook-Delivery-ID": id_ or hashlib.sha256(body).hexdigest()[:32],
        "X-WC-Webhook-ID": "3",
        "X-WC-Webhook-Source": "https://corner.example/",
    }


def deliver(row: Connection, topic: str, said: Said, *, id_: str = "", work: bool = True) -> bool:
    body = json.dumps(said).encode()
    headers = headers_of(row.connector, topic, body, id_=id_)
    if row.connector == "shopify":
        headers["X-Shopify-Shop-Domain"] = urlsplit(row.address).netloc
    is_new = operations.take_delivery(
        connector=row.connector,
        key=row.key,
        headers=headers,
        body=body,
        now=NOW,
    )
    if work:
        work_all()
    return is_new


def work_all() -> None:
    while operations.work_deliveries(now=NOW):
        pass


def last_delivery() -> Delivery:
    return Delivery.objects.latest("id")


# --- Shopify -----------------------------------------------------------------------------------------------


def shopify_line(number: int, *, sku: str, price: str, quantity: int = 1, off: str = "0.00") -> Said:
    return {
        "id": 866550311766439020 + number,
        "product_id": 632910392 + number,
        "variant_id": 808950810 + number,
        "sku": sku,
        "title": f"Wipes {sku}",
        "variant_title": None,
        "vendor": "Soft & Co",
        "quantity": quantity,
        "price": price,
        "total_discount": "0.00",
        "discount_allocations": [{"amount": off, "discount_application_index": 0}] if off != "0.00" else [],
    }


def shopify_customer(number: int = 1, **more: Any) -> Said:  # noqa: ANN401  any of JSON
    return {
        "id": 207119550 + number,
        "email": f"buyer{number}@example.com",
        "phone": None,
        "first_name": "Bob",
        "last_name": f"Norman {number}",
        "updated_at": HOURS[0].isoformat(),
        "default_address": {"country": "United Kingdom", "country_code": "GB"},
        **more,
    }


def shopify_order(number: int = 1001, *, at: datetime = HOURS[0], **more: Any) -> Said:  # noqa: ANN401  any of JSON
    lines = more.pop("line_items", None) or [
        shopify_line(1, sku="W80", price="3.50", quantity=2, off="0.70"),
        shopify_line(2, sku="T1", price="2.00"),
    ]
    return {
        "id": 450789000 + number,
        "admin_graphql_api_id": f"gid://shopify/Order/{450789000 + number}",
        "name": f"#{number}",
        "email": "buyer1@example.com",
        "created_at": HOURS[0].isoformat(),
        "processed_at": HOURS[0].isoformat(),
        "updated_at": at.isoformat(),
        "cancelled_at": None,
        "test": False,
        "currency": "GBP",
        "presentment_currency": "EUR",
        "financial_status": "paid",
        "fulfillment_status": None,
        "taxes_included": True,
        "subtotal_price": "8.30",
        "total_price": "12.30",
        "customer": shopify_customer(),
        "line_items": lines,
        "shipping_lines": [{"price": "4.00", "title": "Post"}],
        "refunds": [],
        **more,
    }


def shopify_refund(number: int = 1, *, order: int = 1001, at: datetime, **more: Any) -> Said:  # noqa: ANN401  any of JSON
    """One piece of the first line given back."""
    return {
        "id": 929361462 + number,
        "order_id": 450789000 + order,
        "created_at": at.isoformat(),
        "processed_at": at.isoformat(),
        "refund_line_items": [
            {
                "id": 1,
                "line_item_id": 866550311766439021,
                "quantity": 1,
                "subtotal": "3.15",
                "total_tax": "0.53",
                "line_item": shopify_line(1, sku="W80", price="3.50", quantity=2, off="0.70"),
            }
        ],
        "order_adjustments": [],
        "transactions": [{"kind": "refund", "status": "success", "amount": "3.15", "currency": "GBP"}],
        **more,
    }


def shopify_story() -> list[tuple[str, Said]]:
    """Six webhooks of one order: placed, paid, edited, given back in part, fulfilled, and told whole at the end."""
    first = shopify_refund(1, at=HOURS[4])
    second = shopify_refund(2, at=HOURS[5], refund_line_items=[], order_adjustments=[{"kind": "refund_discrepancy", "amount": "-1.00"}])  # fmt: skip
    fewer = [shopify_line(1, sku="W80", price="3.50", quantity=2, off="0.70")]
    buyer = shopify_customer(1, phone="+447700900001")
    return [
        ("orders/create", shopify_order(at=HOURS[0], financial_status="pending")),
        ("orders/paid", shopify_order(at=HOURS[0])),
        ("orders/updated", shopify_order(at=HOURS[2], line_items=fewer, customer=buyer)),
        ("refunds/create", first),
        ("refunds/create", second),
        ("orders/fulfilled", shopify_order(at=HOURS[4], line_items=fewer, refunds=[first], financial_status="partially_refunded", fulfillment_status="fulfilled")),
    ]  # fmt: skip


# --- WooCommerce -------------------------------------------------------------------------------------------


def woo_order(number: int = 727, *, at: datetime = HOURS[0], **more: Any) -> Said:  # noqa: ANN401  any of JSON
    def gmt(moment: datetime) -> str:
        return f"{moment:%Y-%m-%dT%H:%M:%S}"

    return {
        "id": number,
        "number": str(number),
        "status": "processing",
        "currency": "GBP",
        "prices_include_tax": True,
        "date_created": gmt(HOURS[0] + timedelta(hours=8)),
        "date_created_gmt": gmt(HOURS[0]),
        "date_modified_gmt": gmt(at),
        "date_paid_gmt": gmt(HOURS[0]),
        "total": "13.20",
        "total_tax": "1.20",
        "customer_id": 26,
        "billing": {
            "first_name": "Ann",
            "last_name": "Lee",
            "email": "ann@example.com",
            "phone": "07700 900002",
            "country": "GB",
        },
        "line_items": [
            {
                "id": 315,
                "name": "Wipes",
                "product_id": 93,
                "variation_id": 0,
                "sku": "W80",
                "quantity": 2,
                "subtotal": "8.00",
                "subtotal_tax": "1.60",
                "total": "6.00",
                "total_tax": "1.20",
                "price": 3,
            }
        ],
        "shipping_lines": [{"total": "6.00", "total_tax": "0.00"}],
        "fee_lines": [],
        "refunds": [],
        **more,
    }


def woo_refund(number: int = 726, *, at: datetime = HOURS[5], amount: str = "3.60") -> Said:
    """A refund as the API lists it: one of the two pieces."""
    return {
        "id": number,
        "date_created_gmt": f"{at:%Y-%m-%dT%H:%M:%S}",
        "amount": amount,
        "reason": "",
        "line_items": [
            {
                "name": "Wipes",
                "product_id": 93,
                "variation_id": 0,
                "sku": "W80",
                "quantity": -1,
                "total": "-3.00",
                "total_tax": "-0.60",
            }
        ],
        "shipping_lines": [],
    }


def woo_product(number: int = 93, *, at: datetime = HOURS[1], **more: Any) -> Said:  # noqa: ANN401  any of JSON
    return {
        "id": number,
        "name": "Soft wipes",
        "sku": "W80",
        "type": "simple",
        "date_modified_gmt": f"{at:%Y-%m-%dT%H:%M:%S}",
        "categories": [{"id": 9, "name": "Care", "slug": "care"}],
        **more,
    }


# --- a server ----------------------------------------------------------------------------------------------


@dataclass
class Asked:
    """A request that the server saw."""

    path: str
    query: dict[str, str]
    headers: Mapping[str, str]


@dataclass
class Served:
    """A shop's API on this machine. `answers` are given first, one a request: a status, headers and a body."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    before: Callable[[Asked], None] = lambda _asked: None


Answering = Callable[[Served, Asked], tuple[int, dict[str, str], Any]]


@contextmanager
def served(answering: Answering) -> Iterator[Served]:
    """Serve a shop on loopback until the block ends."""
    shop = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = Asked(path=parts.path, query=dict(parse_qsl(parts.query)), headers=dict(self.headers))
            shop.asked.append(asked)
            shop.before(asked)
            if shop.answers:
                status, headers, body = shop.answers.pop(0)
            else:
                status, headers, said = answering(shop, asked)
                body = json.dumps(said).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    shop.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def shopify_api(things: Mapping[str, Sequence[Said]], *, page: int = 2) -> Answering:
    """Answer as Shopify's REST Admin API: cursors in the Link header, a token, `updated_at_min`, counts."""

    def answer(shop: Served, asked: Asked) -> tuple[int, dict[str, str], Any]:
        if asked.headers.get("X-Shopify-Access-Token") != "shpat_good":
            return 401, {}, {"errors": "[API] Invalid API key or access token"}
        resource = asked.path.split("/")[4].removesuffix(".json")
        cursor = json.loads(base64.urlsafe_b64decode(asked.query.get("page_info", "e30=")))
        since = cursor.get("since", asked.query.get("updated_at_min", ""))
        found = [one for one in things.get(resource, ()) if not since or one["updated_at"] >= since]
        if asked.path.endswith("count.json"):
            return 200, {}, {"count": len(found)}
        start = cursor.get("start", 0)
        headers = {"X-Shopify-Shop-Api-Call-Limit": "2/40"}
        if start + page < len(found):
            info = base64.urlsafe_b64encode(
                json.dumps({"start": start + page, "since": since}).encode()
            ).decode()
            headers["Link"] = f'<{shop.url}{asked.path}?limit={page}&page_info={info}>; rel="next"'
        return 200, headers, {resource: found[start : start + page]}

    return answer


def woo_api(
    things: Mapping[str, Sequence[Said]], refunds: Mapping[int, Sequence[Said]] = {}, *, page: int = 2
) -> Answering:
    """Answer as WooCommerce's REST API: numbered pages, their number in a header, Basic authorisation."""
    good = f"Basic {base64.b64encode(b'ck_good:cs_good').decode()}"

    def answer(_shop: Served, asked: Asked) -> tuple[int, dict[str, str], Any]:
        if asked.headers.get("Authorization") != good:
            return 401, {}, {"code": "woocommerce_rest_cannot_view"}
        rest = asked.path.removeprefix("/wp-json/wc/v3/").split("/")
        if len(rest) == 3:
            return 200, {}, list(refunds.get(int(rest[1]), ()))
        found = sorted(things.get(rest[0], ()), key=lambda one: int(one["id"]))
        if since := asked.query.get("modified_after"):
            found = [one for one in found if one["date_modified_gmt"] > since]
        pages = max(-(-len(found) // page), 1)
        start = (int(asked.query["page"]) - 1) * page
        headers = {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(pages)}
        return 200, headers, found[start : start + page]

    return answer
