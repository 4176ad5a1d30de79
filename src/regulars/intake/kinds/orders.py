"""Order lines: one product of one order a row. Read by `lines`, merged by the record's own `merge_stage`."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.intake.kinds.fields import IDENTIFIERS, shared
from regulars.intake.kinds.kind import Kind

ORDERS = Kind(
    name="orders",
    label=pgettext_lazy("kind of file", "Orders"),
    thing=_("order line"),
    note=_("One order line a row, refunds among them: the order export of your store's back office."),
    fields=shared(
        "order_code", "line_number", "placed_at", "placed_time", *IDENTIFIERS, "customer_name", "country", "company",
        "product_code", "product_name", "category", "brand", "pack_size", "quantity", "unit_price", "amount",
        "coupon_code", "order_discount", "order_subtotal", "order_refunded", "currency", "status", "cancelled_at", "store",
    ),
    main=(
        "order_code", "placed_at", *IDENTIFIERS[:3], "product_code", "product_name", "quantity", "unit_price",
        "amount",
    ),
    needs=(("order_code",), ("placed_at",), IDENTIFIERS, ("amount", "unit_price")),
    moment="placed_at",
    takes_customers=True,
)  # fmt: skip
