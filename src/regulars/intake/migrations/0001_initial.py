import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
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
            name='Call',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='calls', to='shop.eventsource')),
                ('kind', models.CharField(max_length=10)),
                ('body', models.BinaryField()),
                ('events', models.PositiveIntegerField()),
                ('received_at', models.DateTimeField()),
                ('worked_at', models.DateTimeField(null=True)),
                ('outcomes', models.TextField(default='')),
                ('notes', models.JSONField(default=list)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('worked_at__isnull', True)), fields=['id'], name='intake_call_waiting'), models.Index(fields=['source', '-id'], name='intake_call_of_source'), models.Index(fields=['received_at'], name='intake_call_received')],
            },
        ),
        migrations.CreateModel(
            name='ColumnMap',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
                ('kind', models.CharField(default='orders', max_length=20)),
                ('header', models.JSONField()),
                ('mapping', models.JSONField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='columnmap',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "intake_columnmapevent" ("created_at", "header", "id", "kind", "mapping", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."created_at", NEW."header", NEW."id", NEW."kind", NEW."mapping", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id"); RETURN NULL;', hash='f5467326c54330a68e82d5331c85fe37a3ee96b0', operation='INSERT', pgid='pgtrigger_insert_insert_ce506', table='intake_columnmap', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='columnmap',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "intake_columnmapevent" ("created_at", "header", "id", "kind", "mapping", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."created_at", NEW."header", NEW."id", NEW."kind", NEW."mapping", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id"); RETURN NULL;', hash='4f420aa65a53a648382588ac0c2461a1b0ef6cdf', operation='UPDATE', pgid='pgtrigger_update_update_731b2', table='intake_columnmap', when='AFTER')),
        ),
        migrations.CreateModel(
            name='Connection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('connector', models.CharField(db_collation='C', max_length=40)),
                ('name', models.CharField(max_length=60, verbose_name='name')),
                ('store', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='connections', to='shop.store')),
                ('address', models.CharField(db_collation='C', max_length=300, verbose_name='address')),
                ('key', models.CharField(db_collation='C', max_length=40, unique=True)),
                ('connected_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL)),
                ('connected_at', models.DateTimeField()),
                ('disconnected_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ('name', 'id'),
                'constraints': [models.UniqueConstraint(fields=('connector', 'address'), name='intake_connection_once')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='connection',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "intake_connectionevent" ("address", "connected_at", "connected_by_id", "connector", "disconnected_at", "id", "key", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "store_id") VALUES (NEW."address", NEW."connected_at", NEW."connected_by_id", NEW."connector", NEW."disconnected_at", NEW."id", NEW."key", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."store_id"); RETURN NULL;', hash='a9b96b01e51c3fac0b72d7aed9c4b379085e9b09', operation='INSERT', pgid='pgtrigger_insert_insert_39e9a', table='intake_connection', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='connection',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "intake_connectionevent" ("address", "connected_at", "connected_by_id", "connector", "disconnected_at", "id", "key", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "store_id") VALUES (NEW."address", NEW."connected_at", NEW."connected_by_id", NEW."connector", NEW."disconnected_at", NEW."id", NEW."key", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."store_id"); RETURN NULL;', hash='ad073c19161ab41f1ea5eb2e1c48924fa5489cef', operation='UPDATE', pgid='pgtrigger_update_update_82b82', table='intake_connection', when='AFTER')),
        ),
        migrations.CreateModel(
            name='Import',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(default='orders', max_length=20)),
                ('store', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='shop.store')),
                ('file_name', models.CharField(max_length=300, verbose_name='file')),
                ('file_path', models.CharField(max_length=1000)),
                ('file_bytes', models.BigIntegerField(default=0)),
                ('file_sha256', models.CharField(blank=True, max_length=64)),
                ('header', models.JSONField(default=list)),
                ('mapping', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('uploaded', 'Waiting for its columns to be matched'), ('queued', 'Queued'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed'), ('cancelled', 'Cancelled'), ('undoing', 'Being undone'), ('undone', 'Undone')], default='uploaded', max_length=20, verbose_name='state')),
                ('stage', models.CharField(blank=True, max_length=40)),
                ('stage_done', models.BigIntegerField(default=0)),
                ('stage_total', models.BigIntegerField(null=True)),
                ('lines_read', models.BigIntegerField(default=0)),
                ('lines_accepted', models.BigIntegerField(default=0)),
                ('lines_rejected', models.BigIntegerField(default=0)),
                ('refunds_matched', models.BigIntegerField(default=0)),
                ('refunds_unmatched', models.BigIntegerField(default=0)),
                ('orders_added', models.BigIntegerField(default=0)),
                ('customers_added', models.BigIntegerField(default=0)),
                ('products_added', models.BigIntegerField(default=0)),
                ('rows_added', models.BigIntegerField(db_default=0, default=0)),
                ('rows_changed', models.BigIntegerField(db_default=0, default=0)),
                ('change_set', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='imported', to='shop.changeset')),
                ('undone_at', models.DateTimeField(null=True)),
                ('error_code', models.CharField(blank=True, max_length=60)),
                ('error', models.TextField(blank=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL)),
                ('created_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ('-id',),
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('state__in', ('done', 'undoing', 'undone')), _negated=True), ('lines_read', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('lines_accepted'), '+', models.F('refunds_matched')), '+', models.F('refunds_unmatched')), '+', models.F('lines_rejected'))), _connector='OR'), name='intake_import_nothing_lost')],
            },
        ),
        migrations.CreateModel(
            name='WriteKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='write_keys', to='shop.eventsource')),
                ('key', models.CharField(db_collation='C', max_length=40, unique=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL)),
                ('created_at', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('origins', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=300), blank=True, db_default=[], default=list, size=None)),
                ('asks_consent', models.BooleanField(db_default=False, default=False, verbose_name='waits for consent')),
                ('heeds_signals', models.BooleanField(db_default=True, default=True, verbose_name='heeds Do Not Track')),
            ],
            options={
                'ordering': ('-id',),
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='writekey',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "intake_writekeyevent" ("asks_consent", "created_at", "created_by_id", "heeds_signals", "id", "key", "origins", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "revoked_at", "source_id") VALUES (NEW."asks_consent", NEW."created_at", NEW."created_by_id", NEW."heeds_signals", NEW."id", NEW."key", NEW."origins", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."revoked_at", NEW."source_id"); RETURN NULL;', hash='3c675a6efb6d4afcbbc8938c6fa18bfea4bebe89', operation='INSERT', pgid='pgtrigger_insert_insert_46fff', table='intake_writekey', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='writekey',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "intake_writekeyevent" ("asks_consent", "created_at", "created_by_id", "heeds_signals", "id", "key", "origins", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "revoked_at", "source_id") VALUES (NEW."asks_consent", NEW."created_at", NEW."created_by_id", NEW."heeds_signals", NEW."id", NEW."key", NEW."origins", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."revoked_at", NEW."source_id"); RETURN NULL;', hash='df5c9f9e2d7a30ff50668f23b95d1103111b241b', operation='UPDATE', pgid='pgtrigger_update_update_1295b', table='intake_writekey', when='AFTER')),
        ),
        migrations.CreateModel(
            name='Backfill',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='backfills', to='intake.connection')),
                ('since', models.DateTimeField(null=True)),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='queued', max_length=10, verbose_name='state')),
                ('resource', models.CharField(blank=True, max_length=40)),
                ('cursor', models.TextField(blank=True)),
                ('read', models.BigIntegerField(default=0)),
                ('total', models.BigIntegerField(null=True)),
                ('changed', models.BigIntegerField(default=0)),
                ('parked', models.BigIntegerField(default=0)),
                ('error_code', models.CharField(blank=True, max_length=60)),
                ('error', models.TextField(blank=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL)),
                ('created_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ('-id',),
                'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ('queued', 'running'))), fields=('connection',), name='intake_backfill_one_at_a_time')],
            },
        ),
        migrations.CreateModel(
            name='ColumnMapEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='intake.columnmap')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('id', models.BigIntegerField()),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('kind', models.CharField(default='orders', max_length=20)),
                ('header', models.JSONField()),
                ('mapping', models.JSONField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='ConnectionEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='intake.connection')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('id', models.BigIntegerField()),
                ('connector', models.CharField(db_collation='C', max_length=40)),
                ('name', models.CharField(max_length=60, verbose_name='name')),
                ('store', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='shop.store')),
                ('address', models.CharField(db_collation='C', max_length=300, verbose_name='address')),
                ('key', models.CharField(db_collation='C', max_length=40)),
                ('connected_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('connected_at', models.DateTimeField()),
                ('disconnected_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Credential',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='credentials', to='intake.connection')),
                ('use', models.CharField(choices=[('webhook', 'Webhook secret'), ('access', 'Access to the API')], max_length=10)),
                ('sealed', models.TextField()),
                ('added_at', models.DateTimeField()),
            ],
            options={
                'ordering': ('-id',),
                'constraints': [models.UniqueConstraint(condition=models.Q(('use', 'access')), fields=('connection',), name='intake_credential_one_access')],
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('connection', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='intake.connection')),
                ('key', models.UUIDField()),
                ('topic', models.CharField(max_length=100)),
                ('is_from_backfill', models.BooleanField(db_default=False, default=False)),
                ('body', models.BinaryField(null=True)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('done', 'In the record'), ('old', 'Nothing new'), ('ignored', 'Nothing to do'), ('parked', 'Not understood')], db_default='waiting', default='waiting', max_length=10)),
                ('reason', models.CharField(blank=True, db_default='', default='', max_length=60)),
                ('detail', models.CharField(blank=True, db_default='', default='', max_length=300)),
                ('received_at', models.DateTimeField()),
                ('worked_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'waiting')), fields=['id'], name='intake_delivery_waiting'), models.Index(condition=models.Q(('state', 'parked')), fields=['connection', '-id'], name='intake_delivery_parked'), models.Index(fields=['connection', '-id'], name='intake_delivery_latest'), models.Index(condition=models.Q(('body__isnull', False)), fields=['received_at'], name='intake_delivery_bodies')],
                'constraints': [models.UniqueConstraint(fields=('connection', 'key'), name='intake_delivery_once'), models.CheckConstraint(condition=models.Q(('state__in', ('waiting', 'done', 'old', 'ignored', 'parked'))), name='intake_delivery_state_known')],
            },
        ),
        migrations.CreateModel(
            name='PrivacyRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='privacy_requests', to='intake.connection')),
                ('kind', models.CharField(choices=[('export', 'Wants to see what is kept of them'), ('erase', 'Wants to be forgotten'), ('erase_shop', "The shop's customers are to be forgotten: the app was removed")], max_length=20)),
                ('external', models.CharField(blank=True, db_collation='C', max_length=200)),
                ('reference', models.CharField(blank=True, db_collation='C', max_length=64)),
                ('orders', models.JSONField(default=list)),
                ('asked_at', models.DateTimeField()),
                ('due_at', models.DateTimeField()),
                ('done_at', models.DateTimeField(blank=True, null=True)),
                ('done_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('due_at', 'id'),
                'indexes': [models.Index(condition=models.Q(('done_at__isnull', True)), fields=['due_at'], name='intake_privacy_open')],
                'constraints': [models.UniqueConstraint(fields=('connection', 'kind', 'external', 'reference'), name='intake_privacy_once')],
            },
        ),
        migrations.CreateModel(
            name='Reject',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('imported', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rejects', to='intake.import')),
                ('line_number', models.BigIntegerField()),
                ('column', models.CharField(max_length=200)),
                ('value', models.TextField()),
                ('reason', models.CharField(max_length=60)),
                ('raw', models.JSONField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('imported', 'line_number'), name='intake_reject_once')],
            },
        ),
        migrations.CreateModel(
            name='ShopObject',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('connection', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='intake.connection')),
                ('kind', models.CharField(choices=[('order', 'Order'), ('refund', 'Refund'), ('customer', 'Customer'), ('product', 'Product')], max_length=10)),
                ('code', models.CharField(db_collation='C', max_length=200)),
                ('order_code', models.CharField(blank=True, db_collation='C', default='', max_length=200)),
                ('version_at', models.DateTimeField(null=True)),
                ('rank', models.SmallIntegerField(default=0)),
                ('digest', models.CharField(blank=True, default='', max_length=64)),
                ('is_deleted', models.BooleanField(default=False)),
                ('is_restored', models.BooleanField(default=False)),
                ('told', models.JSONField(default=dict)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('kind', 'refund')), fields=['connection', 'order_code'], name='intake_shop_object_refunds')],
                'constraints': [models.UniqueConstraint(fields=('connection', 'kind', 'code'), name='intake_shop_object_once')],
            },
        ),
        migrations.CreateModel(
            name='WriteKeyEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='intake.writekey')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('id', models.BigIntegerField()),
                ('source', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='shop.eventsource')),
                ('key', models.CharField(db_collation='C', max_length=40)),
                ('created_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('created_at', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('origins', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=300), blank=True, db_default=[], default=list, size=None)),
                ('asks_consent', models.BooleanField(db_default=False, default=False, verbose_name='waits for consent')),
                ('heeds_signals', models.BooleanField(db_default=True, default=True, verbose_name='heeds Do Not Track')),
            ],
            options={
                'abstract': False,
            },
        ),
    ]
