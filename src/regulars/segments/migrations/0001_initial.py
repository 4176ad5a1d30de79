import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('pghistory', '0007_auto_20250421_0444'),
        ('shop', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Segment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(db_collation='C', editable=False, max_length=60, null=True, unique=True)),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('description', models.CharField(blank=True, max_length=500, verbose_name='description')),
                ('kind', models.CharField(choices=[('rule', 'By a rule'), ('list', 'A list')], default='rule', max_length=10)),
                ('rule', models.JSONField(blank=True, default=dict)),
                ('version', models.IntegerField(default=1)),
                ('created_at', models.DateTimeField()),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('archived_at', models.DateTimeField(blank=True, null=True)),
                ('state', models.CharField(choices=[('edited', 'New rule'), ('waiting', 'Waiting'), ('ready', 'Ready'), ('failed', 'Failed')], default='edited', max_length=10)),
                ('size', models.IntegerField(default=0)),
                ('full_at', models.DateTimeField(null=True)),
                ('refreshed_at', models.DateTimeField(null=True)),
                ('as_of_day', models.IntegerField(null=True)),
                ('error', models.TextField(blank=True)),
            ],
            options={
                'ordering': ('id',),
                'constraints': [models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='segments_named'), models.CheckConstraint(condition=models.Q(('kind__in', ('rule', 'list'))), name='segments_kind_known'), models.CheckConstraint(condition=models.Q(('kind', 'rule'), ('rule', {}), _connector='OR'), name='segments_list_without_rule'), models.UniqueConstraint(condition=models.Q(('archived_at', None), ('code', None)), fields=('name',), name='segments_name_once')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='segment',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "segments_segmentevent" ("archived_at", "code", "created_at", "created_by_id", "description", "id", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rule", "version") VALUES (NEW."archived_at", NEW."code", NEW."created_at", NEW."created_by_id", NEW."description", NEW."id", NEW."kind", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."rule", NEW."version"); RETURN NULL;', hash='b708ea0c9da5a6e8e2230831ac9edfaa875bff66', operation='INSERT', pgid='pgtrigger_insert_insert_968ac', table='segments_segment', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='segment',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."archived_at" IS DISTINCT FROM (NEW."archived_at") OR OLD."code" IS DISTINCT FROM (NEW."code") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."created_by_id" IS DISTINCT FROM (NEW."created_by_id") OR OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."rule" IS DISTINCT FROM (NEW."rule") OR OLD."version" IS DISTINCT FROM (NEW."version"))', func='INSERT INTO "segments_segmentevent" ("archived_at", "code", "created_at", "created_by_id", "description", "id", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rule", "version") VALUES (NEW."archived_at", NEW."code", NEW."created_at", NEW."created_by_id", NEW."description", NEW."id", NEW."kind", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."rule", NEW."version"); RETURN NULL;', hash='554e201ed83a856f012f1b850545aa375d3b3a10', operation='UPDATE', pgid='pgtrigger_update_update_5c243', table='segments_segment', when='AFTER')),
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('pk', models.CompositePrimaryKey('segment_id', 'customer_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('segment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='segments.segment')),
                ('customer', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='shop.customer')),
                ('since_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Refresh',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('segment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='refreshes', to='segments.segment')),
                ('reason', models.CharField(choices=[('edited', 'The rule is new'), ('record', 'New data about customers'), ('run', 'Insights were computed'), ('day', 'A new day'), ('person', 'By hand')], max_length=10)),
                ('version', models.IntegerField()),
                ('as_of_day', models.IntegerField()),
                ('at', models.DateTimeField()),
                ('size', models.IntegerField(default=0)),
                ('entered', models.IntegerField(default=0)),
                ('left', models.IntegerField(default=0)),
            ],
            options={
                'ordering': ('-id',),
                'indexes': [models.Index(fields=['segment', '-as_of_day', '-id'], name='segments_refresh_latest')],
            },
        ),
        migrations.CreateModel(
            name='SegmentEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='segments.segment')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('id', models.BigIntegerField()),
                ('code', models.CharField(db_collation='C', editable=False, max_length=60, null=True)),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('description', models.CharField(blank=True, max_length=500, verbose_name='description')),
                ('kind', models.CharField(choices=[('rule', 'By a rule'), ('list', 'A list')], default='rule', max_length=10)),
                ('rule', models.JSONField(blank=True, default=dict)),
                ('version', models.IntegerField(default=1)),
                ('created_at', models.DateTimeField()),
                ('created_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('archived_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Version',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('segment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='segments.segment')),
                ('number', models.IntegerField()),
                ('rule', models.JSONField()),
                ('saved_at', models.DateTimeField()),
                ('saved_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-number',),
                'constraints': [models.UniqueConstraint(fields=('segment', 'number'), name='segments_version_once')],
            },
        ),
        migrations.CreateModel(
            name='Crossing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('segment', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='crossings', to='segments.segment')),
                ('customer', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='crossings', to='shop.customer')),
                ('is_entry', models.BooleanField()),
                ('at', models.DateTimeField()),
                ('refresh', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='crossings', to='segments.refresh')),
            ],
            options={
                'indexes': [models.Index(fields=['segment', '-at'], name='segments_crossing_latest')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='crossing',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='8403583643bd4f4b539a6bbc8d8113a5f0bdd390', operation='UPDATE', pgid='pgtrigger_append_only_7871f', table='segments_crossing', when='BEFORE')),
        ),
    ]
