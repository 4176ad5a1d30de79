import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pghistory', '0007_auto_20250421_0444'),
        ('planner', '0001_initial'),
        ('shop', '0002_search'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Capacity',
            fields=[
                ('id', models.SmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ('calls_per_day', models.PositiveIntegerField(default=20, verbose_name='Calls a day')),
                ('messages_per_day', models.PositiveIntegerField(default=200, verbose_name='Messages a day')),
            ],
        ),
        migrations.CreateModel(
            name='CapacityEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.SmallIntegerField(default=1, editable=False, serialize=False)),
                ('calls_per_day', models.PositiveIntegerField(default=20, verbose_name='Calls a day')),
                ('messages_per_day', models.PositiveIntegerField(default=200, verbose_name='Messages a day')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddIndex(
            model_name='action',
            index=models.Index(condition=models.Q(('state__in', ('done', 'dismissed'))), fields=['closed_at'], name='planner_action_closed'),
        ),
        migrations.AddConstraint(
            model_name='capacity',
            constraint=models.CheckConstraint(condition=models.Q(('id', 1)), name='planner_capacity_one_row'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='capacity',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "planner_capacityevent" ("calls_per_day", "id", "messages_per_day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."calls_per_day", NEW."id", NEW."messages_per_day", _pgh_attach_context(), NOW(), \'insert\', NEW."id"); RETURN NULL;', hash='649e64ea670001d10352cd2ada32e94863caebe3', operation='INSERT', pgid='pgtrigger_insert_insert_ed0ec', table='planner_capacity', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='capacity',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "planner_capacityevent" ("calls_per_day", "id", "messages_per_day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."calls_per_day", NEW."id", NEW."messages_per_day", _pgh_attach_context(), NOW(), \'update\', NEW."id"); RETURN NULL;', hash='e1e819e3cdbf1406b61f243c1b8d0105ceb364e0', operation='UPDATE', pgid='pgtrigger_update_update_cafc6', table='planner_capacity', when='AFTER')),
        ),
        migrations.AddField(
            model_name='capacityevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='capacityevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='planner.capacity'),
        ),
    ]
