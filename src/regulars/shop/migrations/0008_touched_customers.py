from django.db import migrations, models


# One insert a statement, whatever the rows. A trigger with transition tables is for one kind of statement each.
FUNCTION = """
CREATE FUNCTION shop_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        EXECUTE format(
            'INSERT INTO shop_touchedcustomer (customer_id) SELECT %1$I FROM old_rows UNION SELECT %1$I FROM new_rows',
            TG_ARGV[0]
        );
    ELSE
        EXECUTE format('INSERT INTO shop_touchedcustomer (customer_id) SELECT DISTINCT %I FROM some_rows', TG_ARGV[0]);
    END IF;
    RETURN NULL;
END $$;
"""
ROWS = {
    "INSERT": "NEW TABLE AS some_rows",
    "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "OLD TABLE AS some_rows",
}
TABLES = {
    "shop_customer": "id",
    "shop_order": "customer_id",
    "shop_identifier": "customer_id",
    "shop_tagging": "customer_id",
    "shop_attributevalue": "customer_id",
    "shop_contact": "customer_id",
    "shop_consent": "customer_id",
}
TRIGGERS = FUNCTION + "".join(
    f"""
CREATE TRIGGER shop_touch_{kind.lower()} AFTER {kind} ON {table} REFERENCING {rows}
FOR EACH STATEMENT EXECUTE FUNCTION shop_touch('{column}');
"""
    for table, column in TABLES.items()
    for kind, rows in ROWS.items()
)
NO_TRIGGERS = "DROP FUNCTION shop_touch CASCADE"


class Migration(migrations.Migration):

    dependencies = [
        ('shop', '0007_changes_of_what_was_there'),
    ]

    operations = [
        migrations.CreateModel(
            name='TouchedCustomer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('customer_id', models.BigIntegerField()),
                ('touched_at', models.DateTimeField(db_default=models.functions.Now())),
            ],
        ),
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
    ]
