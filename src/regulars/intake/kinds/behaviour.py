"""The statements by which what people did becomes events of the record, for the kinds that hold such lines."""

from regulars.intake.kinds.kind import Step

# Months get their partitions as lines need them; one that is there already, under whatever name, serves.
_MONTHS = """
DO $$
DECLARE
    month date;
BEGIN
    FOR month IN SELECT DISTINCT date_trunc('month', at AT TIME ZONE 'UTC')::date FROM staged_event LOOP
        BEGIN
            EXECUTE format(
                'CREATE TABLE shop_event_%%s PARTITION OF shop_event FOR VALUES FROM (%%L) TO (%%L)',
                to_char(month, 'YYYY_MM'), month || ' 00:00+00', (month + interval '1 month')::date || ' 00:00+00'
            );
        EXCEPTION WHEN duplicate_table OR invalid_object_definition THEN NULL;
        END;
    END LOOP;
END $$
"""


def event_steps(
    *, moment: str, name: str, properties: dict[str, str], own_id: str = "NULL", url: str = "''"
) -> tuple[Step, ...]:
    """Return the steps that add each line of `stage_row` as an event, once.

    A line with an id of its own is known by it for ever; one without by its content, and equal ones by a count.
    The source of the events is `files-<store>`.

    Args:
        moment: The field that says when.
        name: SQL of the event's name.
        properties: SQL of each property; null ones are left out. Columns that no field takes are properties too.
        own_id: SQL of the line's own id, null where there is none.
        url: SQL of the page's address.
    """
    told = ", ".join(f"'{key}', {value}" for key, value in properties.items())
    content = ", ".join(("t.customer_key", f"t.{moment}_us", name, *properties.values(), "t.rest"))
    return (
        Step(
            sql="""
            INSERT INTO shop_eventsource (code, name, store_id)
            SELECT 'files-' || s.code, s.name, s.id FROM shop_store s WHERE s.id = %(store)s
              AND NOT EXISTS (SELECT FROM shop_eventsource e WHERE e.code = 'files-' || s.code)
            """,
        ),
        Step(
            sql=f"""
            CREATE TEMPORARY TABLE staged_event ON COMMIT DROP AS
            SELECT encode(substr(sha256(convert_to(message || '#' || copy, 'UTF8')), 1, 16), 'hex')::uuid AS key, k.*
            FROM (
                SELECT m.*, row_number() OVER (PARTITION BY message ORDER BY line_number) AS copy
                FROM (
                    SELECT t.line_number, coalesce({own_id}, md5(concat_ws('|', {content}))) AS message,
                           ({own_id}) IS NOT NULL AS is_named, timestamptz 'epoch' + t.{moment}_us * interval '1 microsecond' AS at, t.{moment}_day AS day,
                           c.customer_id, left({name}, 200) AS name, p.id AS product_id,
                           coalesce(t.order_code, '') AS order_code, left(coalesce({url}, ''), 2000) AS url,
                           jsonb_strip_nulls(coalesce(t.rest, '{{}}') || jsonb_build_object({told})) AS properties
                    FROM stage_row t JOIN staged_customer c USING (customer_key)
                    LEFT JOIN shop_product p ON p.store_id = t.store_id AND p.code = t.product_code
                ) m
            ) k
            WHERE copy = 1 OR NOT is_named
            """,
        ),
        Step(sql=_MONTHS),
        Step(
            sql="""
            WITH source AS (
                SELECT e.id FROM shop_eventsource e JOIN shop_store s ON e.code = 'files-' || s.code WHERE s.id = %(store)s
            ), fresh AS (
                INSERT INTO shop_message (source_id, key) SELECT source.id, e.key FROM source CROSS JOIN staged_event e
                ON CONFLICT DO NOTHING RETURNING source_id, key
            ), added AS (
                INSERT INTO shop_event (at, day, source_id, customer_id, is_named, name, product_id, order_code, url, properties)
                SELECT e.at, e.day, f.source_id, e.customer_id, true, e.name, e.product_id, e.order_code, e.url,
                       e.properties || jsonb_build_object('key', e.key)
                FROM fresh f JOIN staged_event e USING (key) ORDER BY e.at
                RETURNING id, source_id, customer_id, day
            ), touched AS (
                INSERT INTO shop_touchedcustomer (customer_id) SELECT DISTINCT customer_id FROM added
            ), marked AS (
                INSERT INTO shop_changedmonth (month, version, events_version)
                SELECT DISTINCT date_trunc('month', date '1970-01-01' + day)::date, 0, 1 FROM added
                ON CONFLICT (month) DO UPDATE SET events_version = shop_changedmonth.events_version + 1
            ), span AS (
                SELECT min(source_id) AS source_id, min(id) AS first, max(id) AS last, count(*) AS events FROM added
            ), kept AS (
                UPDATE shop_changeset c
                SET added = c.added || jsonb_build_object('shop_event', jsonb_build_array(source_id, first, last))
                FROM span WHERE c.id = nullif(current_setting('regulars.change_set', true), '')::bigint AND events > 0
            )
            SELECT events FROM span
            """,
            counts="rows_added",
        ),
        Step(sql="DROP TABLE staged_event"),
    )  # fmt: skip
