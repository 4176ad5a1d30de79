"""Google Analytics 4: its event export of BigQuery, as JSON lines or Parquet.

Who browses is a visitor until they say who they are, so the events go the way of the track API: each line becomes an event of
a call, kept by its content for ever, and is worked through with the others.

References:
    https://support.google.com/analytics/answer/7029846 (schema of the export)
"""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.intake.kinds.fields import shared, when
from regulars.intake.kinds.kind import Field, Kind, Step

# What Google calls them, in the words of Segment's e-commerce events. Purchases stay behaviour: orders come from the shop, and
# would count twice.
_NAMES = {
    "page_view": "Page Viewed", "screen_view": "Screen Viewed", "view_item": "Product Viewed",
    "select_item": "Product Clicked", "view_item_list": "Product List Viewed", "add_to_cart": "Product Added",
    "remove_from_cart": "Product Removed", "view_cart": "Cart Viewed", "add_to_wishlist": "Product Added to Wishlist",
    "begin_checkout": "Checkout Started", "add_shipping_info": "Checkout Step Completed",
    "add_payment_info": "Payment Info Entered", "purchase": "Purchase", "refund": "Refund",
    "search": "Products Searched", "view_search_results": "Products Searched", "share": "Product Shared",
    "view_promotion": "Promotion Viewed", "select_promotion": "Promotion Clicked", "sign_up": "Signed Up",
    "login": "Signed In",
}  # fmt: skip
_EVENTS_A_CALL = 500
_NAMED = " ".join(f"WHEN '{theirs}' THEN '{ours}'" for theirs, ours in _NAMES.items())
# A parameter has its value in the one of four places that its type says.
_PLACES = ", ".join(
    f"nullif(p #> '{{value,{place}}}', 'null')" for place in ("string_value", "int_value", "double_value", "float_value")
)  # fmt: skip
_PARAMETERS = f"""
    SELECT jsonb_object_agg(p ->> 'key', coalesce({_PLACES}))
    FROM jsonb_array_elements(CASE jsonb_typeof(t.parameters) WHEN 'array' THEN t.parameters ELSE '[]' END) p
    WHERE p ->> 'key' IS NOT NULL
"""
_PRODUCTS = """
    SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
        'product_id', nullif(i ->> 'item_id', '(not set)'), 'name', nullif(i ->> 'item_name', '(not set)'),
        'brand', nullif(i ->> 'item_brand', '(not set)'), 'category', nullif(i ->> 'item_category', '(not set)'),
        'price', i -> 'price', 'quantity', i -> 'quantity'
    ))) FROM jsonb_array_elements(CASE jsonb_typeof(t.items) WHEN 'array' THEN t.items ELSE '[]' END) i
"""
# The line's content tells it apart for ever, and equal lines of one file a count. Values count as texts: JSON lines write whole
# numbers with quotes, Parquet without.
_MESSAGE = """'ga4:' || md5(concat_ws('|', visitor, person, event_name, happened_at_us,
    (SELECT string_agg(key || '=' || value, '|' ORDER BY key) FROM jsonb_each_text(parameters)),
    (SELECT string_agg(concat_ws('*', p ->> 'product_id', p ->> 'quantity'), '|') FROM jsonb_array_elements(products) p)
))"""

ANALYTICS = Kind(
    name="ga4",
    label=pgettext_lazy("kind of file", "Google Analytics 4"),
    thing=_("event"),
    note=_(
        "The event export of Google Analytics 4 in BigQuery, as JSON lines or Parquet. Visitors stay visitors until they say who they are."
    ),
    fields=(
        Field(name="event_name", form="text", words=("event_name",), label=_("What they did")),
        when("happened_at", _("When"), "event_timestamp"),
        Field(
            name="visitor",
            form="code",
            words=("user_pseudo_id",),
            label=_("Visitor"),
            note=_("The browser's or device's own id."),
        ),
        Field(
            name="person",
            form="code",
            words=("user_id",),
            label=_("Customer id"),
            note=_("Your own id of a customer who logged in: it joins the visitor with them."),
        ),
        Field(
            name="parameters",
            form="json",
            words=("event_params",),
            label=_("Parameters"),
            longest=100_000,
        ),
        Field(name="items", form="json", words=("items",), label=_("Products"), longest=1_000_000),
        *shared("store"),
    ),
    main=("event_name", "happened_at", "visitor", "person", "parameters", "items"),
    needs=(("event_name",), ("happened_at",), ("visitor", "person")),
    fills=("event_name", "happened_at"),
    moment="happened_at",
    can_undo=False,
    merge=(
        Step(
            sql="DELETE FROM stage_row t WHERE t.visitor IS NULL AND t.person IS NULL RETURNING line_number",
            refuses="of_nobody",
        ),
        Step(
            sql="""
            INSERT INTO shop_eventsource (code, name, store_id)
            SELECT 'ga4-' || s.code, 'Google Analytics ' || s.name, s.id FROM shop_store s
            WHERE s.id IN (SELECT store_id FROM stage_row)
              AND NOT EXISTS (SELECT FROM shop_eventsource e WHERE e.code = 'ga4-' || s.code)
            """,
        ),
        Step(
            sql=f"""
            CREATE TEMPORARY TABLE staged_item ON COMMIT DROP AS
            SELECT k.*, CASE WHEN copy = 1 THEN digest ELSE digest || '#' || copy END AS message
            FROM (
                SELECT d.*, row_number() OVER (PARTITION BY source_id, digest ORDER BY line_number) AS copy
                FROM (
                    SELECT r.*, {_MESSAGE} AS digest
                    FROM (
                        SELECT e.id AS source_id, t.line_number, t.visitor, t.person, t.event_name, t.happened_at_us,
                               ({_PARAMETERS}) AS parameters, ({_PRODUCTS}) AS products
                        FROM stage_row t JOIN shop_store s ON s.id = t.store_id
                        JOIN shop_eventsource e ON e.code = 'ga4-' || s.code
                    ) r
                ) d
            ) k
            """,
        ),
        Step(
            sql=f"""
            WITH item AS (
                SELECT source_id, line_number, jsonb_strip_nulls(jsonb_build_object(
                    'type', CASE event_name WHEN 'page_view' THEN 'page' WHEN 'screen_view' THEN 'screen' ELSE 'track' END,
                    'messageId', message, 'anonymousId', visitor, 'userId', person,
                    'timestamp', to_char(
                        (timestamptz 'epoch' + happened_at_us * interval '1 microsecond') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
                    ),
                    'event', CASE event_name {_NAMED} ELSE event_name END,
                    'name', parameters ->> 'page_title',
                    'context', jsonb_build_object('page', jsonb_build_object('url', parameters ->> 'page_location')),
                    'properties', coalesce(parameters, '{{}}')
                        || CASE WHEN jsonb_array_length(products) = 1 THEN products -> 0 ELSE '{{}}' END
                        || CASE WHEN products IS NULL THEN '{{}}' ELSE jsonb_build_object('products', products) END
                )) AS told
                FROM staged_item i
                WHERE NOT EXISTS (
                    SELECT FROM shop_message m WHERE m.source_id = i.source_id
                      AND m.key = encode(substr(sha256(convert_to(message, 'UTF8')), 1, 16), 'hex')::uuid
                )
            ), numbered AS (
                SELECT *, (row_number() OVER (PARTITION BY source_id ORDER BY line_number) - 1) / {_EVENTS_A_CALL} AS part FROM item
            ), calls AS (
                INSERT INTO intake_call (source_id, kind, body, events, received_at, outcomes, notes)
                SELECT source_id, 'batch', convert_to(jsonb_build_object('batch', jsonb_agg(told ORDER BY line_number))::text, 'UTF8'),
                       count(*), %(now)s, '', '[]'
                FROM numbered GROUP BY source_id, part ORDER BY source_id, part
                RETURNING events
            )
            SELECT coalesce(sum(events), 0) FROM calls
            """,
            counts="rows_added",
        ),
        Step(sql="DROP TABLE staged_item"),
    ),
    reasons={"of_nobody": _("neither a visitor nor a customer"), "not_json": _("not written as JSON")},
)
