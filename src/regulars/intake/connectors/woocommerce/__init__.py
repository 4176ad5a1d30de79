"""WooCommerce: its webhooks, and its REST API v3.

References:
    https://developer.woocommerce.com/docs/apis/rest-api/v3/
"""

import base64
import re
import secrets

from django.utils.translation import gettext_lazy as _

from regulars.intake.connectors.connector import Announced, Asked, Connector, Headers
from regulars.intake.connectors.reading import is_signed
from regulars.intake.connectors.woocommerce import listing, messages

# What saving a webhook sends, unsigned, to see whether anybody answers.
_PING = re.compile(rb"webhook_id=\d{1,20}")


def _is_ping(headers: Headers, body: bytes) -> bool:
    return "X-WC-Webhook-Topic" not in headers and _PING.fullmatch(body) is not None


def _basic(key: str, secret: str) -> str:
    return f"Basic {base64.b64encode(f'{key}:{secret}'.encode()).decode()}"


WOOCOMMERCE = Connector(
    name="woocommerce",
    label="WooCommerce",
    note=_(
        "Orders, customers, products and refunds as they happen, and all there have been. Webhooks are made under WooCommerce, "
        "Settings, Advanced, Webhooks; keys for reading beside them, under REST API."
    ),
    address=Asked(
        name="address",
        label=_("Address of the shop"),
        note=_("Where WordPress answers, such as https://shop.example or https://example.org/shop."),
    ),
    secret=Asked(
        name="secret",
        label=_("Webhook secret"),
        note=_("Any long text. Enter the same in every webhook that you make for Regulars."),
        is_secret=True,
        suggest=lambda: secrets.token_urlsafe(24),
    ),
    access=(
        Asked(
            name="key",
            label=_("Consumer key"),
            note=_("Begins with ck_. Read permission is enough."),
            is_secret=True,
        ),
        Asked(name="secret", label=_("Consumer secret"), note=_("Begins with cs_."), is_secret=True),
    ),
    is_signed=lambda headers, body, live: is_signed(headers.get("X-WC-Webhook-Signature", ""), body, live),
    announced=lambda headers: Announced(
        delivery_id=headers.get("X-WC-Webhook-Delivery-ID", ""), topic=headers.get("X-WC-Webhook-Topic", "")
    ),
    is_greeting=_is_ping,
    topics={
        "order.created": "order",
        "order.updated": "order",
        "order.restored": "order_restored",
        "order.deleted": "order_deleted",
        "customer.created": "customer",
        "customer.updated": "customer",
        "customer.deleted": "customer_deleted",
        "product.created": "product",
        "product.updated": "product",
        "product.restored": "product",
        "product.deleted": "product_deleted",
    },
    readers={
        "order": messages.order,
        "order_restored": messages.order_restored,
        "order_deleted": messages.order_deleted,
        "customer": messages.customer,
        "customer_deleted": messages.customer_deleted,
        "product": messages.product,
        "product_deleted": messages.product_deleted,
    },
    resources={"products": "product", "customers": "customer", "orders": "order"},
    # Customers cannot be asked for by when they changed; their orders and webhooks tell of them.
    since=frozenset({"products", "orders"}),
    fetch=listing.fetch,
    headers=lambda access: {"Authorization": _basic(access["key"], access["secret"])},
)
