"""Shopify: webhooks of the Admin API, and its REST resources with cursors.

References:
    https://shopify.dev/docs/api/webhooks, https://shopify.dev/docs/api/admin-rest
"""

from django.utils.translation import gettext_lazy as _

from regulars.intake.connectors.connector import Announced, Asked, Connector, Headers
from regulars.intake.connectors.reading import is_signed
from regulars.intake.connectors.shopify import listing, messages


def _is_from(headers: Headers, address: str) -> bool:
    told = headers.get("X-Shopify-Shop-Domain", "").lower()
    return not told or address.partition("://")[2].lower() == told


SHOPIFY = Connector(
    name="shopify",
    label="Shopify",
    note=_(
        "Orders, customers, products and refunds as they happen, and all there have been. Make an app for your own shop: "
        "Settings, Apps and sales channels, Develop apps. It needs to read orders, customers and products; for orders older "
        "than 60 days also all orders."
    ),
    address=Asked(
        name="address",
        label=_("Address of the shop"),
        note=_("The one that ends in .myshopify.com, also if customers see another: Settings, Domains."),
    ),
    secret=Asked(
        name="secret",
        label=_("Webhook secret"),
        note=_(
            "Settings, Notifications, Webhooks shows at its foot what they are signed with. For webhooks made by an app it is the "
            "app's client secret."
        ),
        is_secret=True,
    ),
    access=(
        Asked(
            name="token",
            label=_("Admin API access token"),
            note=_("Begins with shpat_. Your app shows it once, when it is installed."),
            is_secret=True,
        ),
    ),
    is_signed=lambda headers, body, secrets: is_signed(
        headers.get("X-Shopify-Hmac-Sha256", ""), body, secrets
    ),
    announced=lambda headers: Announced(
        delivery_id=headers.get("X-Shopify-Webhook-Id", ""), topic=headers.get("X-Shopify-Topic", "")
    ),
    is_from=_is_from,
    topics={
        "orders/create": "order",
        "orders/updated": "order",
        "orders/edited": "edit",
        "orders/paid": "order",
        "orders/partially_fulfilled": "order",
        "orders/fulfilled": "order",
        "orders/cancelled": "order",
        "orders/delete": "order_deleted",
        "refunds/create": "refund",
        "customers/create": "customer",
        "customers/update": "customer",
        "customers/enable": "customer",
        "customers/disable": "customer",
        "customers/delete": "customer_deleted",
        "products/create": "product",
        "products/update": "product",
        "products/delete": "product_deleted",
        "customers/data_request": "data_request",
        "customers/redact": "redact_customer",
        "shop/redact": "redact_shop",
    },
    readers={
        "order": messages.order,
        "edit": messages.edit,
        "order_deleted": messages.order_deleted,
        "refund": messages.refund_alone,
        "customer": messages.customer,
        "customer_deleted": messages.customer_deleted,
        "product": messages.product,
        "product_deleted": messages.product_deleted,
        "data_request": messages.data_request,
        "redact_customer": messages.redact_customer,
        "redact_shop": messages.redact_shop,
    },
    resources={"products": "product", "customers": "customer", "orders": "order"},
    since=frozenset({"products", "customers", "orders"}),
    fetch=listing.fetch,
    headers=lambda access: {"X-Shopify-Access-Token": access["token"]},
)
