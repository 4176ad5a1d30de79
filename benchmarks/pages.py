"""How long the console's pages take at a million customers and ten million orders.

`uv run python -m benchmarks.pages [--customers N] [--orders N] [--requests N] [--home DIR]` fills a private
PostgreSQL in DIR (kept for the next run; about 10 GB at full size), then asks for every page through Django's
own test client, as a manager of the shop, and prints the median, the 95th percentile and the queries of each.
"""

LAST_DAY = 20_000
SEED = 20_240_501
PRODUCTS = 5_000
# One customer who makes every per-customer query work.
HEAVY_ORDERS = 10_000

# Sizes are formatted in, as whole numbers: a utility statement takes no parameters.
FILL = (
    ("shop", "INSERT INTO shop_business VALUES (1, 'Bench', 'UTC', 'USD', 3000) ON CONFLICT DO NOTHING"),
    ("store", "INSERT INTO shop_store (id, code, name) VALUES (1, 'main', 'Main')"),
    (
        "customers",
        """
        INSERT INTO shop_customer (id, code, name, country, recorded_at)
        SELECT i, 'C' || lpad(i::text, 8, '0'),
            CASE WHEN i % 3 = 0 THEN '' ELSE
                (ARRAY['王','李','张','刘','陈','Anna','Ben','Carla','Deniz','Emma','Farid','Grace','Hugo'])
                    [1 + (hashint8(i) & 1023) % 13]
                || ' ' ||
                (ARRAY['小明','伟','芳','娜','秀英','Smith','Jones','Garcia','Khan','Novak','Rossi','Sato'])
                    [1 + (hashint8(i * 7) & 1023) % 12] END,
            (ARRAY['CN','CN','CN','CN','US','US','GB','DE','FR','JP','IS'])[1 + (hashint8(i * 3) & 1023) % 11],
            now()
        FROM generate_series(1, {customers}) AS i
        """,
    ),
    (
        "identifiers",
        """
        INSERT INTO shop_identifier (customer_id, kind, store_id, value)
        SELECT i, 'phone', NULL, '1' || lpad(((i * 7919::bigint * 104729) % 10000000000)::text, 10, '0')
        FROM generate_series(1, {customers}) AS i
        ON CONFLICT DO NOTHING
        """,
    ),
    (
        "products",
        """
        INSERT INTO shop_product (id, store_id, code, name, category, brand, pack_size)
        SELECT i, 1, 'P' || i, 'Product ' || i, 'Category ' || i % 40, '', ''
        FROM generate_series(1, {products}) AS i
        """,
    ),
    (
        "orders",
        """
        INSERT INTO shop_order
            (id, store_id, code, customer_id, status, placed_at, day, amount_minor, discount_minor, refunded_minor)
        SELECT i, 1, 'O' || lpad(i::text, 9, '0'), customer, 'paid',
            to_timestamp(day::bigint * 86400 + i % 86400), day, 500 + (hashint8(i * 13) & 16383), 0,
            CASE WHEN i % 40 = 0 THEN 100 ELSE 0 END
        FROM (
            SELECT i,
                CASE WHEN i <= {heavy} THEN 1
                     ELSE 1 + floor({customers} * power(random(), 1.7))::bigint % {customers} END AS customer,
                {last_day} - floor(1095 * power(random(), 0.8))::int AS day
            FROM generate_series(1, {orders}) AS i
        ) AS drawn
        """,
    ),
    (
        "lines",
        """
        INSERT INTO shop_orderline (order_id, key, product_id, quantity, amount_minor, discount_minor)
        SELECT id, '1', 1 + (hashint8(id * 31) & 1048575) % {products}, 1, amount_minor, 0 FROM shop_order
        """,
    ),
    (
        "refunds",
        """
        INSERT INTO shop_refund
            (store_id, key, code, customer_id, order_id, product_id, quantity, amount_minor, refunded_at, day)
        SELECT 1, id::text, 'R' || id, customer_id, id, NULL, 1, 100, placed_at + interval '3 days', day + 3
        FROM shop_order WHERE refunded_minor > 0
        """,
    ),
    (
        "run",
        """
        INSERT INTO insights_run (id, as_of_day, engine, state, stage, started_at, finished_at, profiles,
            profiles_written, store_cycle, thresholds, error)
        VALUES (1, {last_day} + 1, 'polars', 'done', '', now(), now(), {customers}, {customers},
            '{{}}', '{{}}', '')
        """,
    ),
    (
        "profiles",
        """
        INSERT INTO insights_profile (customer_id, orders, recency_days, frequency, monetary_minor, r, f, m,
            cell, tier, stage, first_day, last_day, cycle_days, due_day, late_day, reasons, as_of_day)
        SELECT id, coalesce(n, 0), {last_day} + 1 - last_day, coalesce(n, 0), coalesce(spent, 0), r, f, m,
            CASE WHEN n IS NULL THEN '' ELSE
                CASE WHEN r > 3 THEN 'R' ELSE 'r' END || CASE WHEN f > 3 THEN 'F' ELSE 'f' END
                || CASE WHEN m > 3 THEN 'M' ELSE 'm' END END,
            CASE WHEN n IS NULL THEN '' WHEN r <= 2 AND m >= 4 THEN 'at_risk' WHEN f = 5 AND m = 5 THEN 'VIP'
                WHEN f >= 4 OR m >= 4 THEN 'potential' ELSE 'general' END,
            CASE WHEN n IS NULL THEN 'prospect' WHEN r = 1 THEN 'lapsed_long' WHEN r = 2 THEN 'lapsed_short'
                WHEN r = 3 THEN 'declining' WHEN n = 1 THEN 'new' WHEN n <= 3 THEN 'growing' ELSE 'mature' END,
            first_day, last_day, 60, last_day + 60, last_day + 90,
            '{{"tier": {{"code": "tier.example", "orders": 12, "days": 34, "amount_minor": 56789}}}}',
            {last_day} + 1
        FROM (
            SELECT customer.id, n, spent, first_day, last_day,
                CASE WHEN n IS NOT NULL THEN ntile(5) OVER (PARTITION BY n IS NULL ORDER BY last_day) END AS r,
                CASE WHEN n IS NOT NULL THEN ntile(5) OVER (PARTITION BY n IS NULL ORDER BY n, spent) END AS f,
                CASE WHEN n IS NOT NULL THEN ntile(5) OVER (PARTITION BY n IS NULL ORDER BY spent) END AS m
            FROM shop_customer AS customer
            LEFT JOIN (
                SELECT customer_id, count(*) AS n, sum(net_minor) AS spent, min(day) AS first_day,
                    max(day) AS last_day
                FROM shop_order WHERE is_valid GROUP BY customer_id
            ) AS bought ON bought.customer_id = customer.id
        ) AS scored
        """,
    ),
    (
        "changes",
        """
        INSERT INTO insights_profilechange (customer_id, label, before, after, as_of_day, run_id)
        SELECT customer_id, 'stage', CASE WHEN stage = 'new' THEN '' ELSE 'mature' END, stage,
            {last_day} - customer_id % 60, 1
        FROM insights_profile WHERE customer_id % 7 = 0
        """,
    ),
    (
        "actions",
        """
        INSERT INTO planner_action (customer_id, playbook, reason, value_minor, as_of_day, state, note)
        SELECT customer_id, CASE tier WHEN 'VIP' THEN 'vip_care' ELSE 'win_back' END,
            '{{"code": "example"}}', monetary_minor, as_of_day, 'open', ''
        FROM insights_profile WHERE tier IN ('VIP', 'at_risk') AND customer_id % 3 = 0
        """,
    ),
)
