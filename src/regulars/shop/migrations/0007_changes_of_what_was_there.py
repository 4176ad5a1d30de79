from django.db import migrations

# Two lists of changed rows have no statistics, and a plan made for a handful is kept for thousands: without nested loops
# each is read once whatever its size.
KEEP_WHAT_WAS_THERE = """
CREATE OR REPLACE FUNCTION shop_keep_change() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
DECLARE
    current bigint := nullif(current_setting('regulars.change_set', true), '')::bigint;
    last_id bigint;
BEGIN
    IF current IS NOT NULL THEN
        last_id := (current_setting('regulars.last_ids')::jsonb ->> TG_TABLE_NAME)::bigint;
        INSERT INTO shop_changedrow (change_set_id, "table", row_id, before, after)
        SELECT current, TG_TABLE_NAME, o.id, to_jsonb(o), to_jsonb(n)
        FROM (SELECT * FROM old_rows WHERE id <= last_id) o JOIN (SELECT * FROM new_rows WHERE id <= last_id) n USING (id)
        ON CONFLICT (change_set_id, "table", row_id) DO UPDATE SET after = excluded.after;
    END IF;
    RETURN NULL;
END $$;
"""
KEEP_EVERYTHING = """
CREATE OR REPLACE FUNCTION shop_keep_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    current bigint := nullif(current_setting('regulars.change_set', true), '')::bigint;
BEGIN
    IF current IS NOT NULL THEN
        INSERT INTO shop_changedrow (change_set_id, "table", row_id, before, after)
        SELECT current, TG_TABLE_NAME, o.id, to_jsonb(o), to_jsonb(n) FROM old_rows o JOIN new_rows n USING (id)
        ON CONFLICT (change_set_id, "table", row_id) DO UPDATE SET after = excluded.after;
    END IF;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("shop", "0006_change_sets")]

    operations = [migrations.RunSQL(KEEP_WHAT_WAS_THERE, KEEP_EVERYTHING)]
