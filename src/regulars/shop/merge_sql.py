"""The SQL of a merge, in the order in which `operations.merge_stage` runs it.

Names: `stage_*` hold the file as it was copied in; `staged_*` hold the same rows resolved to the record's ids.
Times are microseconds since 1970 (`_us`): `placed_us` in UTC, `wall_us` as the file wrote it. The content key
of a line is made of the wall time, so that it does not change with the business's time zone.
"""

from regulars.shop.privacy_log import sql_digest
from regulars.shop.rules import CODE_BREAK

# Kinds of identifiers, the most telling first: where two disagree, the first decides.
KINDS = ("external", "omid", "ouid", "openid", "email", "phone")
# Kinds that a store gives out: the same value in another store is somebody else.
STORE_KINDS = frozenset({"external", "ouid", "openid"})

STAGE_COLUMNS = {
    "stage_line": (
        "line_number", "store_id", "order_code", "customer_key", "product_code", "line_key",
        "quantity_milli", "amount_minor", "discount_minor", "placed_us", "wall_us", "day", "status", "coupon",
        "order_discount_minor", "order_refunded_minor", "company",
    ),
    "stage_refund": (
        "line_number", "store_id", "order_code", "customer_key", "product_code", "line_key",
        "quantity_milli", "amount_minor", "discount_minor", "placed_us", "wall_us", "day",
    ),
    "stage_customer": ("customer_key", "store_id", *KINDS, "name", "country", "seen_us"),
    "stage_product": ("store_id", "code", "name", "category", "brand", "pack_size", "seen_us"),
}  # fmt: skip

_TEXT = 'text COLLATE "C"'
_TYPES = {
    "line_number": "bigint NOT NULL",
    "store_id": "bigint NOT NULL",
    "quantity_milli": "bigint NOT NULL",
    "amount_minor": "bigint NOT NULL",
    "discount_minor": "bigint NOT NULL",
    "order_discount_minor": "bigint NOT NULL",
    "order_refunded_minor": "bigint NOT NULL",
    "placed_us": "bigint NOT NULL",
    "wall_us": "bigint NOT NULL",
    "day": "integer NOT NULL",
    "seen_us": "bigint",
}


def _stage(table: str) -> str:
    columns = ", ".join(f"{name} {_TYPES.get(name, _TEXT)}" for name in STAGE_COLUMNS[table])
    return f"DROP TABLE IF EXISTS pg_temp.{table}; CREATE TEMPORARY TABLE {table} ({columns}) ON COMMIT DROP;"


OPEN_STAGE = "".join(_stage(table) for table in STAGE_COLUMNS)

# One writer at a time; people go on reading.
LOCK_RECORD = """
LOCK TABLE shop_customer, shop_identifier, shop_product, shop_order, shop_orderline, shop_refund
    IN SHARE ROW EXCLUSIVE MODE;
"""

BEGIN = f"""
SET LOCAL work_mem = '128MB';
{LOCK_RECORD}
ANALYZE stage_line, stage_refund, stage_customer, stage_product;
CREATE TEMPORARY TABLE changed_order (order_id bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE changed_day (day integer) ON COMMIT DROP;
"""


def _latest(column: str) -> str:
    """Return the value seen last, and when; of several at one time the greatest, so that order is no matter."""
    order = f"ORDER BY seen_us DESC NULLS LAST, {column} DESC"
    told = f"FILTER (WHERE {column} IS NOT NULL)"
    return (
        f"(array_agg({column} {order}) {told})[1] AS {column}, "
        f"coalesce(max(seen_us) {told}, 0) AS {column}_us"
    )


def _newer(column: str) -> str:
    """Return whether a staged value `s` replaces the record's `r`, which was last seen at `known_us`."""
    return (
        f"coalesce(s.{column} <> r.{column} AND "
        f"(r.{column} = '' OR (s.{column}_us, s.{column}) > (s.known_us, r.{column})), false)"
    )


def _update_where_newer(table: str, columns: tuple[str, ...], source: str) -> str:
    sets = ", ".join(f"{name} = CASE WHEN {_newer(name)} THEN s.{name} ELSE r.{name} END" for name in columns)
    anything = " OR ".join(_newer(name) for name in columns)
    return f"WITH s AS ({source}) UPDATE {table} r SET {sets} FROM s WHERE r.id = s.id AND ({anything})"


def _differs(columns: tuple[str, ...]) -> str:
    return " OR ".join(f"s.{name} <> r.{name}" for name in columns)


# --- customers -----------------------------------------------------------------------------------------

_KIND_COLUMNS = ", ".join(f"min({kind}) AS {kind}" for kind in KINDS)
_KIND_ROWS = ", ".join(
    f"({rank}, '{kind}', {'c.store_id' if kind in STORE_KINDS else 'NULL'}, c.{kind})"
    for rank, kind in enumerate(KINDS)
)

STAGE_IDENTIFIERS = f"""
CREATE TEMPORARY TABLE staged_customer ON COMMIT DROP AS
SELECT customer_key, min(store_id) AS store_id, {_KIND_COLUMNS},
       NULL::bigint AS customer_id, false AS is_new
FROM stage_customer GROUP BY customer_key;
CREATE TEMPORARY TABLE staged_identifier ON COMMIT DROP AS
SELECT c.customer_key, i.rank, i.kind, i.store_id, i.value
FROM staged_customer c CROSS JOIN LATERAL (VALUES {_KIND_ROWS}) AS i (rank, kind, store_id, value)
WHERE i.value IS NOT NULL;
ANALYZE staged_customer, staged_identifier;
"""

HAS_ERASED = "SELECT count(*) FROM (SELECT FROM shop_erasedkey LIMIT 1) e"
STAGE_ERASED = f"""
CREATE TEMPORARY TABLE staged_erased ON COMMIT DROP AS
SELECT s.customer_key, max(e.erased_at) AS erased_at
FROM staged_identifier s LEFT JOIN shop_store t ON t.id = s.store_id
JOIN shop_erasedkey e ON e.digest = {sql_digest("s.kind", "s.value", "t.code")}
GROUP BY s.customer_key
"""


def take_erased(stage: str, *, moment: str, has_orders: bool) -> str:
    """Return the SQL that takes the lines of erased people from a stage and returns their numbers.

    What a line tells must have happened before the erasure; a line that tells no moment is taken. An order that was a
    person's is known by its number, too.
    """
    told = (
        f"coalesce(timestamptz 'epoch' + l.{moment} * interval '1 microsecond' <= e.erased_at, true)"
        if moment
        else "true"
    )
    by_order = f"""
        OR EXISTS (
            SELECT FROM shop_store t JOIN shop_erasedkey e ON e.digest = {sql_digest("'order'", "l.order_code", "t.code")}
            WHERE t.id = l.store_id AND {told}
        )"""
    return f"""
        DELETE FROM {stage} l
        WHERE EXISTS (SELECT FROM staged_erased e WHERE e.customer_key = l.customer_key AND {told})
        {by_order if has_orders else ""}
        RETURNING l.line_number"""


def forget_customers_without(*stages: str) -> str:
    """Return the SQL that takes customers from the stage of whom no line speaks any more."""
    spoken_of = " AND ".join(
        f"NOT EXISTS (SELECT FROM {stage} l WHERE l.customer_key = c.customer_key)" for stage in stages
    )
    return f"DELETE FROM staged_customer c WHERE {spoken_of}"


# Who is known by one of the identifiers. An address finds nobody whose own ids of the same store differ from those told
# beside it: then two people share it.
RESOLVE_CUSTOMERS = """
UPDATE staged_customer c SET customer_id = known.customer_id
FROM (
    SELECT DISTINCT ON (s.customer_key) s.customer_key, i.customer_id
    FROM staged_customer c
    JOIN staged_identifier s USING (customer_key)
    JOIN shop_identifier i
      ON i.kind = s.kind AND i.value = s.value AND i.store_id IS NOT DISTINCT FROM s.store_id
    WHERE c.customer_id IS NULL AND (s.kind NOT IN ('email', 'phone') OR NOT EXISTS (
        SELECT FROM staged_identifier mine
        JOIN shop_identifier theirs
          ON theirs.customer_id = i.customer_id AND theirs.kind = mine.kind
         AND theirs.store_id IS NOT DISTINCT FROM mine.store_id
        WHERE mine.customer_key = s.customer_key AND mine.kind NOT IN ('email', 'phone')
        GROUP BY mine.kind, mine.store_id HAVING NOT bool_or(theirs.value = mine.value)
    ))
    ORDER BY s.customer_key, s.rank
) known
WHERE c.customer_key = known.customer_key
"""

# Orders that the record knows under somebody else than the file says, or from a sender of their own: a file that tells their lines
# too would count them twice.
TAKE_CONFLICTS = """
WITH staged AS (
    SELECT DISTINCT store_id, order_code, customer_key FROM stage_line
), conflict AS (
    SELECT s.store_id, s.order_code, o.customer_id, o.sender
    FROM staged s JOIN staged_customer c USING (customer_key)
    JOIN shop_order o ON o.store_id = s.store_id AND o.code = s.order_code
    WHERE o.customer_id IS DISTINCT FROM c.customer_id OR o.sender <> ''
), dropped AS (
    DELETE FROM stage_line l USING conflict t
    WHERE l.store_id = t.store_id AND l.order_code = t.order_code
    RETURNING l.line_number, l.order_code, t.customer_id, t.sender
)
SELECT d.line_number, d.order_code, c.code, d.sender FROM dropped d JOIN shop_customer c ON c.id = d.customer_id
ORDER BY d.line_number
"""

NAME_NEW_CUSTOMERS = """
WITH fresh AS (
    SELECT DISTINCT s.store_id, s.value
    FROM staged_identifier s JOIN staged_customer c USING (customer_key)
    WHERE c.customer_id IS NULL AND s.kind = %(kind)s
), numbered AS MATERIALIZED (
    SELECT store_id, value, nextval('shop_customer_id_seq') AS id FROM fresh
)
UPDATE staged_customer c SET customer_id = n.id, is_new = true
FROM staged_identifier s JOIN numbered n ON n.value = s.value AND n.store_id IS NOT DISTINCT FROM s.store_id
WHERE c.customer_key = s.customer_key AND s.kind = %(kind)s AND c.customer_id IS NULL
"""

# The merchant's own id is the code; where two stores give out the same one, the later store's is prefixed.
ADD_CUSTOMERS = f"""
WITH fresh AS (
    SELECT c.customer_id, min(s.value) AS code, min(c.store_id) AS store_id, {_latest("name")}, {_latest("country")}
    FROM stage_customer t
    JOIN staged_customer c USING (customer_key)
    JOIN staged_identifier s USING (customer_key)
    WHERE c.is_new AND s.kind = %(kind)s
      AND NOT EXISTS (SELECT FROM shop_customer r WHERE r.id = c.customer_id)
    GROUP BY c.customer_id
)
INSERT INTO shop_customer (id, code, name, country)
SELECT customer_id,
       CASE WHEN row_number() OVER (PARTITION BY code ORDER BY store_id) = 1
             AND NOT EXISTS (SELECT FROM shop_customer r WHERE r.code = f.code)
            THEN code
            ELSE (SELECT s.code FROM shop_store s WHERE s.id = f.store_id) || ':' || code END,
       coalesce(name, ''), coalesce(country, '')
FROM fresh f
ORDER BY customer_id
"""

ADD_IDENTIFIERS = """
INSERT INTO shop_identifier (customer_id, kind, store_id, value, source, told_at)
SELECT c.customer_id, s.kind, s.store_id, s.value, coalesce(current_setting('regulars.source', true), ''), now()
FROM staged_identifier s JOIN staged_customer c USING (customer_key)
WHERE c.customer_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM shop_identifier i
    WHERE i.kind = s.kind AND i.value = s.value AND i.store_id IS NOT DISTINCT FROM s.store_id
)
ORDER BY s.rank, c.customer_id
ON CONFLICT DO NOTHING
"""

# Lines that name what two customers hold: a file joins nobody by itself, for its undoing could not take that back.
SUGGEST_MERGES = """
INSERT INTO shop_mergesuggestion (first_id, second_id, kind, value, suggested_at)
SELECT DISTINCT ON (first_id, second_id) p.first_id, p.second_id, p.kind, p.value, now()
FROM (
    SELECT least(c.customer_id, i.customer_id) AS first_id, greatest(c.customer_id, i.customer_id) AS second_id,
           s.kind, s.value, s.rank
    FROM staged_identifier s JOIN staged_customer c USING (customer_key)
    JOIN shop_identifier i
      ON i.kind = s.kind AND i.value = s.value AND i.store_id IS NOT DISTINCT FROM s.store_id
    WHERE i.customer_id <> c.customer_id
) p
WHERE NOT EXISTS (
    SELECT FROM shop_merge m
    WHERE m.undone_at IS NOT NULL AND least(m.kept_id, m.absorbed_id) = p.first_id
      AND greatest(m.kept_id, m.absorbed_id) = p.second_id
)
ORDER BY first_id, second_id, p.rank, p.value
ON CONFLICT DO NOTHING
"""

# A customer first known by an e-mail or a phone takes the merchant's id as code once it is told.
UPDATE_CUSTOMER_CODES = """
UPDATE shop_customer r SET code = s.external
FROM (
    SELECT c.customer_id, min(c.external) AS external
    FROM staged_customer c WHERE NOT c.is_new AND c.external IS NOT NULL GROUP BY c.customer_id
) s
WHERE r.id = s.customer_id
  AND NOT EXISTS (SELECT FROM shop_customer o WHERE o.code = s.external)
  AND NOT EXISTS (
      SELECT FROM shop_identifier i WHERE i.customer_id = r.id AND i.kind = 'external' AND i.value <> s.external
  )
"""

UPDATE_CUSTOMERS = _update_where_newer(
    "shop_customer",
    ("name", "country"),
    f"""
    SELECT d.*, coalesce((extract(epoch FROM greatest(r.described_at, (
        SELECT max(o.placed_at) FROM shop_order o WHERE o.customer_id = d.id
    ))) * 1000000)::bigint, 0) AS known_us
    FROM (
        SELECT c.customer_id AS id, {_latest("name")}, {_latest("country")}
        FROM stage_customer t JOIN staged_customer c USING (customer_key) WHERE NOT c.is_new
        GROUP BY c.customer_id
    ) d JOIN shop_customer r USING (id)
    WHERE {_differs(("name", "country")).replace("s.", "d.")}
    """,
)

# --- products ------------------------------------------------------------------------------------------

_PRODUCT_TEXTS = ("name", "category", "brand", "pack_size")

STAGE_PRODUCTS = f"""
CREATE TEMPORARY TABLE staged_product ON COMMIT DROP AS
SELECT store_id, code, {", ".join(_latest(name) for name in _PRODUCT_TEXTS)}
FROM stage_product GROUP BY store_id, code;
ANALYZE staged_product;
"""

ADD_PRODUCTS = f"""
INSERT INTO shop_product (store_id, code, {", ".join(_PRODUCT_TEXTS)})
SELECT s.store_id, s.code, {", ".join(f"coalesce(s.{name}, '')" for name in _PRODUCT_TEXTS)}
FROM staged_product s
WHERE NOT EXISTS (SELECT FROM shop_product r WHERE r.store_id = s.store_id AND r.code = s.code)
ORDER BY s.store_id, s.code
"""

UPDATE_PRODUCTS = _update_where_newer(
    "shop_product",
    _PRODUCT_TEXTS,
    f"""
    SELECT r.id, s.*, coalesce((extract(epoch FROM greatest(r.described_at, (
        SELECT max(o.placed_at)
        FROM shop_orderline l JOIN shop_order o ON o.id = l.order_id WHERE l.product_id = r.id
    ))) * 1000000)::bigint, 0) AS known_us
    FROM staged_product s JOIN shop_product r ON r.store_id = s.store_id AND r.code = s.code
    WHERE {_differs(_PRODUCT_TEXTS)}
    """,
)

# --- companies -----------------------------------------------------------------------------------------


def stage_companies(source: str) -> str:
    """Return the SQL that makes `staged_company`: who buys for which company, since when.

    Args:
        source: A query for `customer_id`, `company` and `at`.
    """
    return f"""
CREATE TEMPORARY TABLE staged_company ON COMMIT DROP AS
SELECT customer_id, lower(company COLLATE "default") AS company, min(company) AS name, min(at) AS at,
       NULL::bigint AS account_id, false AS is_unclear
FROM ({source}) told WHERE company IS NOT NULL
GROUP BY customer_id, lower(company COLLATE "default");
"""


# A company is the account of that id, or else of that name; where several have the name, none of them.
FIND_ACCOUNTS = """
UPDATE staged_company s
SET account_id = CASE WHEN k.is_code OR k.accounts = 1 THEN k.id END, is_unclear = NOT k.is_code AND k.accounts > 1
FROM (
    SELECT company, (array_agg(id ORDER BY is_code DESC, id))[1] AS id, bool_or(is_code) AS is_code, count(*) AS accounts
    FROM (
        SELECT w.company, a.id, lower(a.code COLLATE "default") = w.company AS is_code
        FROM (SELECT DISTINCT company FROM staged_company) w
        JOIN shop_account a ON w.company IN (lower(a.code COLLATE "default"), lower(a.name))
    ) found GROUP BY company
) k
WHERE s.company = k.company
"""

ADD_ACCOUNTS = """
WITH added AS (
    INSERT INTO shop_account (code, name, industry, country)
    SELECT min(name), min(name), '', '' FROM staged_company WHERE account_id IS NULL AND NOT is_unclear
    GROUP BY company ORDER BY 1
    ON CONFLICT (code) DO NOTHING
    RETURNING id
)
SELECT coalesce(array_agg(id), '{}') FROM added
"""

ADD_CONTACTS = """
WITH added AS (
    INSERT INTO shop_contact (account_id, customer_id, role, since_at)
    SELECT account_id, customer_id, '', at FROM staged_company
    WHERE account_id IS NOT NULL ORDER BY at, account_id, customer_id
    ON CONFLICT (account_id, customer_id) DO NOTHING
    RETURNING id
)
SELECT coalesce(array_agg(id), '{}') FROM added
"""

# An order that is some account's already stays that one's.
GIVE_KNOWN_ORDERS = """
UPDATE shop_order r SET account_id = s.account_id
FROM staged_order o JOIN staged_company s ON s.customer_id = o.customer_id AND s.company = lower(o.company COLLATE "default")
WHERE NOT o.is_new AND r.id = o.id AND r.account_id IS NULL AND s.account_id IS NOT NULL
"""

# --- orders and their lines ----------------------------------------------------------------------------

# The discount of a whole order, divided among its lines as `kernel.money.spread` does. What a line is known by stays as the file has it.
SPREAD_DISCOUNTS = """
ALTER TABLE stage_line ADD COLUMN share_minor bigint NOT NULL DEFAULT 0;
UPDATE stage_line l SET share_minor = div(s.off * s.until, s.whole) - div(s.off * (s.until - s.amount_minor), s.whole)
FROM (
    SELECT line_number, amount_minor, whole, until, least(order_discount_minor, whole) AS off
    FROM (
        SELECT line_number, amount_minor, order_discount_minor,
               sum(amount_minor) OVER (PARTITION BY store_id, order_code) AS whole,
               sum(amount_minor) OVER (
                   PARTITION BY store_id, order_code
                   ORDER BY product_code, line_key, quantity_milli, amount_minor, discount_minor, wall_us
                   ROWS UNBOUNDED PRECEDING
               ) AS until
        FROM stage_line WHERE order_discount_minor > 0
    ) running
    WHERE whole > 0
) s
WHERE l.line_number = s.line_number
"""

GROUP_ORDERS = f"""
CREATE TEMPORARY TABLE staged_order ON COMMIT DROP AS
SELECT coalesce(o.id, nextval('shop_order_id_seq')) AS id, o.id IS NULL AS is_new,
       g.store_id, g.order_code, c.customer_id,
       timestamptz 'epoch' + g.placed_us * interval '1 microsecond' AS placed_at, g.day, g.status,
       g.amount_minor, g.discount_minor, g.lines, g.company,
       CASE WHEN g.coupon IS NOT NULL THEN (
           SELECT jsonb_object_agg(code, CASE WHEN codes = 1 AND g.order_discount_minor > 0 THEN g.order_discount_minor END)
           FROM (
               SELECT DISTINCT btrim(code) AS code, dense_rank() OVER (ORDER BY btrim(code))
                      + dense_rank() OVER (ORDER BY btrim(code) DESC) - 1 AS codes
               FROM regexp_split_to_table(g.coupon, '{CODE_BREAK}') code WHERE btrim(code) <> ''
           ) told
       ) END AS coupons
FROM (
    SELECT store_id, order_code, count(*) AS lines, min(customer_key) AS customer_key, min(placed_us) AS placed_us, min(day) AS day,
           min(status) AS status, sum(amount_minor - share_minor) AS amount_minor,
           sum(discount_minor + share_minor) AS discount_minor, max(order_discount_minor) AS order_discount_minor,
           string_agg(coupon, ',') AS coupon, min(company) AS company
    FROM stage_line GROUP BY store_id, order_code
) g
JOIN staged_customer c USING (customer_key)
LEFT JOIN shop_order o ON o.store_id = g.store_id AND o.code = g.order_code
ORDER BY g.placed_us, g.store_id, g.order_code;
ANALYZE staged_order;
"""

ADD_ORDERS = """
INSERT INTO shop_order
    (id, store_id, code, customer_id, account_id, status, placed_at, day, amount_minor, discount_minor, coupons)
SELECT o.id, o.store_id, o.order_code, o.customer_id, CASE WHEN o.company IS NULL THEN c.account_id ELSE s.account_id END,
       coalesce(o.status, 'paid'), o.placed_at, o.day, o.amount_minor, o.discount_minor, coalesce(o.coupons, '{}')
FROM staged_order o
LEFT JOIN staged_company s ON s.customer_id = o.customer_id AND s.company = lower(o.company COLLATE "default")
LEFT JOIN (
    SELECT DISTINCT ON (customer_id) customer_id, account_id FROM shop_contact WHERE brings_orders ORDER BY customer_id, id
) c ON c.customer_id = o.customer_id
WHERE o.is_new
"""

_CONTENT_KEY = "substr(md5(concat_ws('|', l.product_code, l.quantity_milli, l.amount_minor, l.discount_minor, l.wall_us)), 1, 16)"

# Lines without a number are told apart by their content and, where an order holds it twice, a count.
KEY_LINES = f"""
CREATE TEMPORARY TABLE staged_line ON COMMIT DROP AS
SELECT order_id, is_new, CASE WHEN copy = 1 THEN key ELSE key || '#' || copy END AS key,
       product_id, quantity, amount_minor, discount_minor
FROM (
    SELECT order_id, is_new, key, product_id, quantity, amount_minor, discount_minor,
           row_number() OVER (PARTITION BY order_id, key ORDER BY discount_minor, amount_minor) AS copy
    FROM (
        SELECT o.id AS order_id, o.is_new, coalesce(l.line_key, {_CONTENT_KEY}) AS key, p.id AS product_id,
               (l.quantity_milli / 1000.0)::numeric(14,3) AS quantity,
               l.amount_minor - l.share_minor AS amount_minor, l.discount_minor + l.share_minor AS discount_minor
        FROM stage_line l
        JOIN staged_order o ON o.store_id = l.store_id AND o.order_code = l.order_code
        JOIN shop_product p ON p.store_id = l.store_id AND p.code = l.product_code
    ) keyed
) counted;
ANALYZE staged_line;
"""

ADD_LINES_OF_NEW_ORDERS = """
INSERT INTO shop_orderline (order_id, key, product_id, quantity, amount_minor, discount_minor)
SELECT order_id, key, product_id, quantity, amount_minor, discount_minor FROM staged_line WHERE is_new
"""

ADD_LINES_OF_KNOWN_ORDERS = """
WITH added AS (
    INSERT INTO shop_orderline (order_id, key, product_id, quantity, amount_minor, discount_minor)
    SELECT order_id, key, product_id, quantity, amount_minor, discount_minor
    FROM staged_line s
    WHERE NOT is_new
      AND NOT EXISTS (SELECT FROM shop_orderline r WHERE r.order_id = s.order_id AND r.key = s.key)
    RETURNING order_id
), marked AS (
    INSERT INTO changed_order SELECT DISTINCT order_id FROM added
)
SELECT count(*) FROM added
"""

_LINE_DIFFERS = (
    "(r.product_id, r.quantity, r.amount_minor, r.discount_minor) IS DISTINCT FROM "
    "(s.product_id, s.quantity, s.amount_minor, s.discount_minor)"
)

UPDATE_LINES = f"""
WITH changed AS (
    UPDATE shop_orderline r
    SET product_id = s.product_id, quantity = s.quantity, amount_minor = s.amount_minor,
        discount_minor = s.discount_minor
    FROM staged_line s
    WHERE NOT s.is_new AND r.order_id = s.order_id AND r.key = s.key AND {_LINE_DIFFERS}
    RETURNING r.order_id
), marked AS (
    INSERT INTO changed_order SELECT DISTINCT order_id FROM changed
)
SELECT count(*) FROM changed
"""

UPDATE_ORDERS = """
WITH sums AS (
    SELECT l.order_id, sum(l.amount_minor) AS amount_minor, sum(l.discount_minor) AS discount_minor
    FROM shop_orderline l WHERE l.order_id IN (SELECT order_id FROM changed_order) GROUP BY l.order_id
), next AS (
    SELECT o.id, o.day AS old_day, least(o.placed_at, g.placed_at) AS placed_at, least(o.day, g.day) AS day,
           coalesce(g.status, o.status) AS status, coalesce(s.amount_minor, o.amount_minor) AS amount_minor,
           coalesce(s.discount_minor, o.discount_minor) AS discount_minor,
           o.coupons || coalesce(g.coupons, '{}') AS coupons
    FROM staged_order g JOIN shop_order o ON o.id = g.id LEFT JOIN sums s ON s.order_id = o.id
    WHERE NOT g.is_new
), changed AS (
    SELECT n.* FROM next n JOIN shop_order o USING (id)
    WHERE (o.placed_at, o.status, o.amount_minor, o.discount_minor, o.coupons) IS DISTINCT FROM
          (n.placed_at, n.status, n.amount_minor, n.discount_minor, n.coupons)
), days AS (
    INSERT INTO changed_day
    SELECT old_day FROM changed UNION SELECT day FROM changed
    UNION SELECT o.day FROM changed_order c JOIN shop_order o ON o.id = c.order_id
    UNION SELECT day FROM staged_order WHERE is_new
    UNION SELECT r.day FROM shop_refund r JOIN changed c ON c.id = r.order_id
)
UPDATE shop_order o
SET placed_at = c.placed_at, day = c.day, status = c.status, amount_minor = c.amount_minor,
    discount_minor = c.discount_minor, coupons = c.coupons
FROM changed c WHERE o.id = c.id
"""

# --- refunds -------------------------------------------------------------------------------------------

KEY_REFUNDS = f"""
CREATE TEMPORARY TABLE staged_refund ON COMMIT DROP AS
SELECT store_id, CASE WHEN copy = 1 THEN key ELSE key || '#' || copy END AS key, order_code AS code, customer_id,
       product_id, quantity, amount_minor, refunded_at, day
FROM (
    SELECT k.*, row_number() OVER (PARTITION BY store_id, key) AS copy
    FROM (
        SELECT l.store_id, l.order_code || ':' || coalesce(l.line_key, {_CONTENT_KEY}) AS key, l.order_code,
               c.customer_id, p.id AS product_id, (l.quantity_milli / 1000.0)::numeric(14,3) AS quantity,
               l.amount_minor, l.day,
               timestamptz 'epoch' + l.placed_us * interval '1 microsecond' AS refunded_at
        FROM stage_refund l
        JOIN staged_customer c USING (customer_key)
        JOIN shop_product p ON p.store_id = l.store_id AND p.code = l.product_code
    ) k
) counted;
ANALYZE staged_refund;
"""


def add_refunds(stage: str) -> str:
    """Return the SQL that adds the refunds of `staged_refund` or `staged_sum` that are new, and counts them."""
    return f"""
WITH added AS (
    INSERT INTO shop_refund
        (store_id, key, code, customer_id, product_id, quantity, amount_minor, refunded_at, day)
    SELECT store_id, key, code, customer_id, product_id, quantity, amount_minor, refunded_at, day
    FROM {stage} s
    WHERE NOT EXISTS (SELECT FROM shop_refund r WHERE r.store_id = s.store_id AND r.key = s.key)
    ORDER BY refunded_at, store_id, key
    RETURNING day
), marked AS (
    INSERT INTO changed_day SELECT DISTINCT day FROM added
)
SELECT count(*) FROM added
"""


def update_refunds(stage: str) -> str:
    """Return the SQL that brings the record's refunds up to what is staged of them."""
    return f"""
WITH changed AS (
    SELECT r.id, r.day AS old_day, s.*
    FROM {stage} s JOIN shop_refund r ON r.store_id = s.store_id AND r.key = s.key
    WHERE (r.product_id, r.quantity, r.amount_minor, r.refunded_at) IS DISTINCT FROM
          (s.product_id, s.quantity, s.amount_minor, s.refunded_at)
), days AS (
    INSERT INTO changed_day SELECT old_day FROM changed UNION SELECT day FROM changed
)
UPDATE shop_refund r
SET product_id = c.product_id, quantity = c.quantity, amount_minor = c.amount_minor,
    refunded_at = c.refunded_at, day = c.day
FROM changed c WHERE r.id = c.id
"""


# What files tell of the orders' refunds, before and after. A sender's refunds (`woocommerce:1001:726.1`) count beyond that only:
# as much as files tell more, their oldest ones tell less, as `put_order` would have it were the order told anew.
SUM_TOLD_BY_FILES = """
CREATE TEMPORARY TABLE told_by_files ON COMMIT DROP AS
SELECT store_id, code, coalesce(sum(r.amount_minor) FILTER (WHERE starts_with(r.key, r.code || ':')), 0) AS amount_minor
FROM shop_refund r JOIN (SELECT DISTINCT store_id, code FROM staged_refund) s USING (store_id, code)
GROUP BY store_id, code HAVING NOT bool_and(starts_with(r.key, r.code || ':'))
"""

TAKE_FROM_SENDERS = """
WITH more AS (
    SELECT b.store_id, b.code, sum(r.amount_minor) - b.amount_minor AS amount_minor
    FROM told_by_files b JOIN shop_refund r USING (store_id, code) WHERE starts_with(r.key, r.code || ':')
    GROUP BY b.store_id, b.code, b.amount_minor HAVING sum(r.amount_minor) > b.amount_minor
), senders AS (
    SELECT r.id, r.day, r.amount_minor, m.amount_minor + r.amount_minor
           - sum(r.amount_minor) OVER (PARTITION BY r.store_id, r.code ORDER BY r.refunded_at, r.key) AS taken
    FROM more m JOIN shop_refund r USING (store_id, code) WHERE NOT starts_with(r.key, r.code || ':')
), marked AS (
    INSERT INTO changed_day SELECT DISTINCT day FROM senders WHERE taken > 0
), less AS (
    UPDATE shop_refund r SET amount_minor = r.amount_minor - s.taken
    FROM senders s WHERE r.id = s.id AND s.taken > 0 AND s.taken < s.amount_minor RETURNING r.id
), gone AS (
    DELETE FROM shop_refund r USING senders s WHERE r.id = s.id AND s.taken >= s.amount_minor RETURNING r.id
), final AS (
    -- A row that went could not be put back by an undo.
    UPDATE shop_changeset SET is_overtaken = true
    WHERE id = nullif(current_setting('regulars.change_set', true), '')::bigint AND EXISTS (SELECT FROM gone)
)
SELECT (SELECT count(*) FROM less) + (SELECT count(*) FROM gone)
"""

# What orders say was given back of them all told: a refund for what no other refund of the order tells.
STAGE_SUMS = """
CREATE TEMPORARY TABLE staged_sum ON COMMIT DROP AS
SELECT * FROM (
    SELECT o.store_id, 'all of ' || o.code AS key, o.code, o.customer_id, NULL::bigint AS product_id, 1 AS quantity,
           o.placed_at AS refunded_at, o.day,
           least(s.refunded_minor, o.amount_minor) - coalesce((
               SELECT sum(r.amount_minor) FROM shop_refund r
               WHERE r.customer_id = o.customer_id AND r.store_id = o.store_id AND r.code = o.code AND r.key <> 'all of ' || o.code
           ), 0) AS amount_minor
    FROM (
        SELECT store_id, order_code, max(order_refunded_minor) AS refunded_minor
        FROM stage_line WHERE order_refunded_minor > 0 GROUP BY store_id, order_code
    ) s JOIN shop_order o ON o.store_id = s.store_id AND o.code = s.order_code
) told WHERE amount_minor > 0
"""

# For refunds that come without orders.
NO_STAGED_ORDERS = """
CREATE TEMPORARY TABLE staged_order (id bigint, customer_id bigint, is_new boolean) ON COMMIT DROP;
CREATE TEMPORARY TABLE staged_line () ON COMMIT DROP;
"""

FIND_AFFECTED_CUSTOMERS = """
CREATE TEMPORARY TABLE affected ON COMMIT DROP AS
SELECT customer_id FROM staged_order UNION SELECT customer_id FROM staged_refund;
ANALYZE affected;
"""

# The order that the refund names, else the customer's latest order until then that holds the product.
MATCH_REFUNDS = """
CREATE TEMPORARY TABLE refund_match ON COMMIT DROP AS
WITH open_refund AS MATERIALIZED (
    SELECT r.* FROM shop_refund r JOIN affected USING (customer_id)
), latest AS (
    SELECT DISTINCT ON (r.id) r.id AS refund_id, o.id AS order_id
    FROM open_refund r
    JOIN shop_order o ON o.customer_id = r.customer_id AND o.placed_at <= r.refunded_at
    JOIN shop_orderline l ON l.order_id = o.id AND l.product_id = r.product_id
    ORDER BY r.id, o.placed_at DESC, o.code DESC
)
SELECT r.id AS refund_id, coalesce(named.id, latest.order_id) AS order_id
FROM open_refund r
LEFT JOIN shop_order named
  ON named.store_id = r.store_id AND named.code = r.code AND named.customer_id = r.customer_id
LEFT JOIN latest ON latest.refund_id = r.id;
"""

UPDATE_MATCHES = """
WITH changed AS (
    UPDATE shop_refund r SET order_id = m.order_id
    FROM refund_match m WHERE r.id = m.refund_id AND r.order_id IS DISTINCT FROM m.order_id
    RETURNING r.day
), marked AS (
    INSERT INTO changed_day SELECT DISTINCT day FROM changed
)
SELECT count(*) FROM changed
"""

UPDATE_REFUNDED = """
WITH totals AS (
    SELECT r.order_id, sum(r.amount_minor) AS refunded_minor
    FROM shop_refund r JOIN affected USING (customer_id) WHERE r.order_id IS NOT NULL GROUP BY r.order_id
), changed AS (
    SELECT o.id, o.day, coalesce(t.refunded_minor, 0) AS refunded_minor
    FROM shop_order o JOIN affected USING (customer_id) LEFT JOIN totals t ON t.order_id = o.id
    WHERE o.refunded_minor <> coalesce(t.refunded_minor, 0)
), days AS (
    -- Facts carry refunds on their own days, with the order's validity.
    INSERT INTO changed_day
    SELECT day FROM changed UNION SELECT r.day FROM shop_refund r JOIN changed c ON c.id = r.order_id
)
UPDATE shop_order o SET refunded_minor = c.refunded_minor FROM changed c WHERE o.id = c.id
"""

# --- the end -------------------------------------------------------------------------------------------

COUNT_STAGED = """
SELECT (SELECT count(*) FROM staged_line), count(r.order_id), count(*) - count(r.order_id)
FROM staged_refund s JOIN shop_refund r ON r.store_id = s.store_id AND r.key = s.key
"""

MARK_MONTHS = """
INSERT INTO shop_changedmonth (month, version)
SELECT DISTINCT date_trunc('month', date '1970-01-01' + day)::date, 1 FROM changed_day
ON CONFLICT (month) DO UPDATE SET version = shop_changedmonth.version + 1
"""

# What is analysed. Columns are named where indexes hold expressions: their statistics cost more than the rest of the merge.
CUSTOMERS = "shop_customer (id, code, name, country)"
IDENTIFIERS = "shop_identifier (customer_id, kind, store_id, value)"
PRODUCTS = "shop_product"
ORDERS = "shop_order"
LINES = "shop_orderline"
REFUNDS = "shop_refund"

CLOSE_STAGE = """
DROP TABLE IF EXISTS stage_row, stage_line, stage_refund, stage_customer, stage_product, staged_customer,
    staged_identifier, staged_erased, staged_company, staged_product, staged_order, staged_line, staged_refund, staged_sum, told_by_files, affected, refund_match, changed_order,
    changed_day
"""

# How many lines the new orders bring, and about how many the record has.
NEW_AND_KNOWN_LINES = """
SELECT coalesce((SELECT sum(lines) FROM staged_order WHERE is_new), 0),
       (SELECT CASE WHEN reltuples < 0 THEN pg_relation_size(oid) / 100 ELSE reltuples END::bigint
        FROM pg_class WHERE oid = 'shop_orderline'::regclass)
"""

# Foreign keys and indexes: the tables to lock, what takes one off, and what puts it on again, indexes before keys.
FOREIGN_KEYS = """
SELECT array[conrelid::regclass::text, confrelid::regclass::text],
       format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint WHERE contype = 'f' AND conrelid IN ('shop_order'::regclass, 'shop_orderline'::regclass)
ORDER BY conname
"""

_INDEXES = """
SELECT array[i.indrelid::regclass::text],
       CASE WHEN k.oid IS NULL THEN format('DROP INDEX %I', n.relname)
            ELSE format('ALTER TABLE %s DROP CONSTRAINT %I', i.indrelid::regclass, n.relname) END,
       CASE WHEN k.oid IS NULL THEN pg_get_indexdef(i.indexrelid)
            ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s', i.indrelid::regclass, n.relname, pg_get_constraintdef(k.oid)) END
FROM pg_index i
JOIN pg_class n ON n.oid = i.indexrelid
JOIN pg_am a ON a.oid = n.relam
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype = 'u'
"""

# Where there are orders, an index grows cheaper than it is built anew.
INDEXES_OF_EMPTY_TABLES = f"""{_INDEXES}
WHERE i.indrelid IN ('shop_order'::regclass, 'shop_orderline'::regclass) AND NOT i.indisprimary
  AND NOT EXISTS (SELECT FROM shop_order)
ORDER BY n.relname
"""

# What finds customers by pieces of text: the slowest indexes to grow.
SEARCH_INDEXES_OF_NOBODY = f"""{_INDEXES}
WHERE i.indrelid IN ('shop_customer'::regclass, 'shop_identifier'::regclass) AND a.amname = 'gin'
  AND NOT EXISTS (SELECT FROM shop_customer)
ORDER BY n.relname
"""
