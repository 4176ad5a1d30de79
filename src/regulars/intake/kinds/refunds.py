"""Refunds: money given back, in a file of their own."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.intake.kinds.fields import SHARED, shared, when
from regulars.intake.kinds.kind import Field, Kind, Step

# A refund without a number of its own is known by its content, as order lines are, and equal ones by a count.
_KEY = """
    t.order_code || ':' || coalesce(t.refund_code,
        substr(md5(concat_ws('|', t.product_code, t.quantity_milli, t.amount_minor, t.refunded_at_us)), 1, 16))
"""
_STAGED = f"""
    SELECT store_id, CASE WHEN copy = 1 THEN key ELSE key || '#' || copy END AS key, order_code AS code, customer_id,
           product_id, quantity, amount_minor, refunded_at, day
    FROM (
        SELECT k.*, row_number() OVER (PARTITION BY store_id, key ORDER BY line_number) AS copy
        FROM (
            SELECT t.line_number, t.store_id, {_KEY} AS key, t.order_code, o.customer_id,
                   p.id AS product_id, coalesce(t.quantity_milli, 1000) / 1000.0 AS quantity, abs(t.amount_minor) AS amount_minor,
                   timestamptz 'epoch' + t.refunded_at_us * interval '1 microsecond' AS refunded_at, t.refunded_at_day AS day
            FROM stage_row t
            JOIN shop_order o ON o.store_id = t.store_id AND o.code = t.order_code
            LEFT JOIN shop_product p ON p.store_id = t.store_id AND p.code = t.product_code
        ) k
    ) counted
"""

REFUNDS = Kind(
    name="refunds",
    label=pgettext_lazy("kind of file", "Refunds"),
    thing=_("refund"),
    note=_("One refund a row, each naming its order. The orders must be in the record; bring them in first."),
    fields=(
        Field(
            name="refund_code",
            form="code",
            words=("refund id", "refund number", "refund no", "return id", "credit note", "退款编号", "退款单号", "售后单号", "退款編號"),
            label=_("Refund number"),
            note=_("Tells refunds apart. Without it their content does, and identical ones are counted."),
            longest=90,
        ),
        SHARED["order_code"],
        when("refunded_at", _("Refund date"), "refund date", "refunded at", "refund time", "退款时间", "退款完结时间", "退款日期", "退款時間"),
        *shared("product_code", "quantity"),
        Field(
            name="amount",
            form="money",
            words=("refund amount", "refunded amount", "amount refunded", "refund total", "退款金额", "买家退款金额", "实退金额", "退款金額", *SHARED["amount"].words),
            label=_("Amount refunded"),
        ),
        SHARED["store"],
    ),
    main=("refund_code", "order_code", "refunded_at", "product_code", "quantity", "amount"),
    needs=(("order_code",), ("refunded_at",), ("amount",)),
    fills=("order_code", "refunded_at", "amount"),
    moment="refunded_at",
    merge=(
        Step(
            sql="""
            DELETE FROM stage_row t
            WHERE NOT EXISTS (SELECT FROM shop_order o WHERE o.store_id = t.store_id AND o.code = t.order_code)
            RETURNING line_number
            """,
            refuses="unknown_order",
        ),
        Step(
            sql="DELETE FROM stage_row WHERE amount_minor = 0 OR quantity_milli = 0 RETURNING line_number",
            refuses="nothing_refunded",
        ),
        Step(sql=f"CREATE TEMPORARY TABLE staged_refund ON COMMIT DROP AS {_STAGED}"),
    ),
    matches_refunds=True,
    reasons={
        "unknown_order": _("the store has no such order in the record"),
        "nothing_refunded": _("nothing was refunded"),
    },
)  # fmt: skip
