from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("staff", "0001_initial")]

    operations = [
        # What `CACHES` names: who tried to log in how often. Not written to the log of the database, since after a crash
        # everybody may try anew.
        migrations.RunSQL(
            sql="""
                CREATE UNLOGGED TABLE staff_tries (
                    cache_key varchar(255) PRIMARY KEY, value text NOT NULL, expires timestamptz NOT NULL
                );
                CREATE INDEX staff_tries_expires ON staff_tries (expires);
            """,
            reverse_sql="DROP TABLE staff_tries",
        ),
    ]
