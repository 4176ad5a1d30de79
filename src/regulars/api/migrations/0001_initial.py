import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('staff', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='RateWindow',
            fields=[
                ('api_key', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='staff.apikey')),
                ('started_at', models.DateTimeField()),
                ('calls', models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='Reply',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('api_key', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='staff.apikey')),
                ('idempotency_key', models.CharField(db_collation='C', max_length=255)),
                ('request_sha256', models.CharField(max_length=64)),
                ('status', models.SmallIntegerField(null=True)),
                ('body', models.TextField(blank=True)),
                ('location', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField(db_index=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('api_key', 'idempotency_key'), name='api_reply_once')],
            },
        ),
        # Counts of a minute need no write-ahead log: a crash forgives them.
        migrations.RunSQL(
            'ALTER TABLE api_ratewindow SET UNLOGGED', 'ALTER TABLE api_ratewindow SET LOGGED'
        ),
    ]
