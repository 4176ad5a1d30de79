from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Window',
            fields=[
                ('key', models.CharField(db_collation='C', max_length=64, primary_key=True, serialize=False)),
                ('started_at', models.DateTimeField(db_index=True)),
                ('calls', models.IntegerField()),
            ],
        ),
        # Counts of minutes need no write-ahead log: a crash forgives them.
        migrations.RunSQL(
            'ALTER TABLE storefront_window SET UNLOGGED', 'ALTER TABLE storefront_window SET LOGGED'
        ),
    ]
