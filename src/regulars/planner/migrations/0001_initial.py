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
            name='Action',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='actions', to='shop.customer')),
                ('playbook', models.CharField(max_length=60)),
                ('reason', models.JSONField()),
                ('value_minor', models.BigIntegerField()),
                ('as_of_day', models.IntegerField()),
                ('state', models.CharField(choices=[('open', 'To do'), ('done', 'Done'), ('dismissed', 'Dismissed'), ('expired', 'No longer needed')], default='open', max_length=20)),
                ('assignee', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='actions', to=settings.AUTH_USER_MODEL)),
                ('note', models.TextField(blank=True)),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('closed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['state', 'value_minor', 'id'], name='planner_action_open'), models.Index(fields=['state', 'playbook', 'value_minor', 'id'], name='planner_action_playbook'), models.Index(fields=['customer', '-as_of_day'], name='planner_action_customer'), models.Index(condition=models.Q(('state__in', ('done', 'dismissed'))), fields=['closed_at'], name='planner_action_closed')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('customer',), name='planner_one_open_action')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='action',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "planner_actionevent" ("as_of_day", "assignee_id", "closed_at", "closed_by_id", "customer_id", "id", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "playbook", "reason", "state", "value_minor") VALUES (NEW."as_of_day", NEW."assignee_id", NEW."closed_at", NEW."closed_by_id", NEW."customer_id", NEW."id", NEW."note", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."playbook", NEW."reason", NEW."state", NEW."value_minor"); RETURN NULL;', hash='c940cf1b615ed6abbb500d107ee76fd45e8109e0', operation='INSERT', pgid='pgtrigger_insert_insert_9466b', table='planner_action', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='action',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."assignee_id" IS DISTINCT FROM (NEW."assignee_id") OR OLD."note" IS DISTINCT FROM (NEW."note") OR OLD."state" IS DISTINCT FROM (NEW."state"))', func='INSERT INTO "planner_actionevent" ("as_of_day", "assignee_id", "closed_at", "closed_by_id", "customer_id", "id", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "playbook", "reason", "state", "value_minor") VALUES (NEW."as_of_day", NEW."assignee_id", NEW."closed_at", NEW."closed_by_id", NEW."customer_id", NEW."id", NEW."note", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."playbook", NEW."reason", NEW."state", NEW."value_minor"); RETURN NULL;', hash='2c6c0e47f910c29c1c42b20ae90e71c2612f05f3', operation='UPDATE', pgid='pgtrigger_update_update_24211', table='planner_action', when='AFTER')),
        ),
        migrations.CreateModel(
            name='Capacity',
            fields=[
                ('id', models.SmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ('calls_per_day', models.PositiveIntegerField(default=20, verbose_name='Calls a day')),
                ('messages_per_day', models.PositiveIntegerField(default=200, verbose_name='Messages a day')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='planner_capacity_one_row')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='capacity',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "planner_capacityevent" ("calls_per_day", "id", "messages_per_day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."calls_per_day", NEW."id", NEW."messages_per_day", _pgh_attach_context(), NOW(), \'insert\', NEW."id"); RETURN NULL;', hash='649e64ea670001d10352cd2ada32e94863caebe3', operation='INSERT', pgid='pgtrigger_insert_insert_ed0ec', table='planner_capacity', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='capacity',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "planner_capacityevent" ("calls_per_day", "id", "messages_per_day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."calls_per_day", NEW."id", NEW."messages_per_day", _pgh_attach_context(), NOW(), \'update\', NEW."id"); RETURN NULL;', hash='e1e819e3cdbf1406b61f243c1b8d0105ceb364e0', operation='UPDATE', pgid='pgtrigger_update_update_cafc6', table='planner_capacity', when='AFTER')),
        ),
        migrations.CreateModel(
            name='ActionEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='planner.action')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('id', models.BigIntegerField()),
                ('customer', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='shop.customer')),
                ('playbook', models.CharField(max_length=60)),
                ('reason', models.JSONField()),
                ('value_minor', models.BigIntegerField()),
                ('as_of_day', models.IntegerField()),
                ('state', models.CharField(choices=[('open', 'To do'), ('done', 'Done'), ('dismissed', 'Dismissed'), ('expired', 'No longer needed')], default='open', max_length=20)),
                ('assignee', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('note', models.TextField(blank=True)),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('closed_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='CapacityEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='planner.capacity')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('id', models.SmallIntegerField(default=1, editable=False, serialize=False)),
                ('calls_per_day', models.PositiveIntegerField(default=20, verbose_name='Calls a day')),
                ('messages_per_day', models.PositiveIntegerField(default=200, verbose_name='Messages a day')),
            ],
            options={
                'abstract': False,
            },
        ),
    ]
