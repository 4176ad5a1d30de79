import django.db.models.deletion
import django.db.models.functions.comparison
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('pghistory', '0007_auto_20250421_0444'),
        ('shop', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='BacktestRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model_names', models.JSONField(default=list)),
                ('as_of_day', models.IntegerField(null=True)),
                ('state', models.CharField(choices=[('queued', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='queued', max_length=20)),
                ('stage', models.CharField(blank=True, max_length=40)),
                ('done', models.IntegerField(default=0)),
                ('total', models.IntegerField(null=True)),
                ('customers', models.BigIntegerField(default=0)),
                ('sampled', models.BigIntegerField(default=0)),
                ('requested_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('error', models.TextField(blank=True)),
            ],
            options={
                'ordering': ('-id',),
                'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ('queued', 'running'))), fields=('state',), name='insights_backtest_one_at_work')],
            },
        ),
        migrations.CreateModel(
            name='DueProduct',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='due_products', to='shop.customer')),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='due_for', to='shop.product')),
                ('last_day', models.IntegerField()),
                ('quantity', models.FloatField()),
                ('expected_days', models.FloatField()),
                ('soon_day', models.IntegerField()),
                ('due_day', models.IntegerField()),
                ('late_day', models.IntegerField()),
                ('confidence', models.FloatField()),
            ],
            options={
                'indexes': [models.Index(fields=['due_day', 'customer'], name='insights_due_day')],
                'constraints': [models.UniqueConstraint(fields=('customer', 'product'), name='insights_due_once')],
            },
        ),
        migrations.CreateModel(
            name='FactsPartition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('dataset', models.CharField(max_length=40)),
                ('month', models.DateField()),
                ('version', models.BigIntegerField()),
                ('rows', models.BigIntegerField()),
                ('written_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('dataset', 'month'), name='insights_partition_once')],
            },
        ),
        migrations.CreateModel(
            name='Learning',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('as_of_day', models.IntegerField()),
                ('content', models.JSONField()),
                ('learnt_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ('-id',),
            },
        ),
        migrations.CreateModel(
            name='Policy',
            fields=[
                ('id', models.SmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ('as_of_day', models.IntegerField(blank=True, null=True)),
                ('rfm', models.JSONField(blank=True, default=dict)),
                ('tiers', models.JSONField(blank=True, default=dict)),
                ('stages', models.JSONField(blank=True, default=dict)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='insights_policy_one_row')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='policy',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "insights_policyevent" ("as_of_day", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rfm", "stages", "tiers") VALUES (NEW."as_of_day", NEW."id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."rfm", NEW."stages", NEW."tiers"); RETURN NULL;', hash='901b0b0a7c28acf11c6cf81d5f37c7fef9e37f82', operation='INSERT', pgid='pgtrigger_insert_insert_05104', table='insights_policy', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='policy',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "insights_policyevent" ("as_of_day", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rfm", "stages", "tiers") VALUES (NEW."as_of_day", NEW."id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."rfm", NEW."stages", NEW."tiers"); RETURN NULL;', hash='75666ada454bdbc41d6829537bc484c065541a80', operation='UPDATE', pgid='pgtrigger_update_update_eccab', table='insights_policy', when='AFTER')),
        ),
        migrations.CreateModel(
            name='Profile',
            fields=[
                ('customer', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='profile', serialize=False, to='shop.customer')),
                ('orders', models.IntegerField()),
                ('frequency', models.IntegerField(default=0)),
                ('monetary_minor', models.BigIntegerField(default=0)),
                ('year_minor', models.BigIntegerField(default=0)),
                ('r', models.SmallIntegerField(null=True)),
                ('f', models.SmallIntegerField(null=True)),
                ('m', models.SmallIntegerField(null=True)),
                ('cell', models.CharField(blank=True, choices=[('RFM', 'Keep'), ('RfM', 'Grow frequency'), ('rFM', 'Win back'), ('Rfm', 'Develop'), ('RFm', 'Raise value'), ('rfM', 'Reactivate'), ('rFm', 'Maintain'), ('rfm', 'Leave')], db_collation='C', max_length=3)),
                ('tier', models.CharField(blank=True, choices=[('VIP', 'VIP'), ('potential', 'Potential'), ('general', 'General'), ('at_risk', 'At risk')], max_length=20)),
                ('stage', models.CharField(choices=[('prospect', 'Prospect'), ('new', 'New'), ('growing', 'Growing'), ('mature', 'Mature'), ('declining', 'Declining'), ('lapsed_short', 'Lapsed, short'), ('lapsed_long', 'Lapsed, long')], max_length=20)),
                ('first_day', models.IntegerField(null=True)),
                ('last_day', models.IntegerField(null=True)),
                ('cycle_days', models.FloatField(null=True)),
                ('rhythm_days', models.FloatField(null=True)),
                ('due_day', models.IntegerField(null=True)),
                ('late_day', models.IntegerField(null=True)),
                ('scored_day', models.IntegerField(null=True)),
                ('p_alive', models.FloatField(null=True)),
                ('expected_orders', models.FloatField(null=True)),
                ('clv_minor', models.BigIntegerField(null=True)),
                ('next_from_day', models.IntegerField(null=True)),
                ('next_day', models.IntegerField(null=True)),
                ('next_until_day', models.IntegerField(null=True)),
                ('churn_probability', models.FloatField(null=True)),
                ('churn_reasons', models.JSONField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['tier', 'monetary_minor', 'customer'], include=('stage', 'cell', 'orders', 'last_day', 'due_day', 'late_day'), name='insights_profile_by_tier'), models.Index(fields=['stage', 'monetary_minor', 'customer'], include=('tier', 'cell', 'orders', 'last_day', 'due_day', 'late_day'), name='insights_profile_by_stage'), models.Index(fields=['cell', 'monetary_minor', 'customer'], include=('tier', 'stage', 'orders', 'last_day', 'due_day', 'late_day'), name='insights_profile_by_cell'), models.Index(fields=['r', 'f', 'monetary_minor', 'customer'], name='insights_profile_by_square'), models.Index(fields=['monetary_minor', 'customer'], name='insights_profile_money'), models.Index(fields=['orders', 'customer'], name='insights_profile_orders'), models.Index(django.db.models.functions.comparison.Coalesce('last_day', -1), models.F('customer'), include=('last_day', 'tier', 'stage', 'due_day', 'late_day'), name='insights_profile_by_last'), models.Index(fields=['first_day'], name='insights_profile_first'), models.Index(django.db.models.functions.comparison.Coalesce('clv_minor', -1), models.F('customer'), name='insights_profile_clv'), models.Index(django.db.models.functions.comparison.Coalesce('p_alive', -1.0), models.F('customer'), name='insights_profile_alive'), models.Index(django.db.models.functions.comparison.Coalesce('next_day', -1), models.F('customer'), name='insights_profile_next'), models.Index(django.db.models.functions.comparison.Coalesce('churn_probability', -1.0), models.F('customer'), name='insights_profile_churn')],
                'constraints': [models.CheckConstraint(condition=models.Q(('r__isnull', True), models.Q(('f__range', (1, 5)), ('m__range', (1, 5)), ('r__range', (1, 5))), _connector='OR'), name='insights_profile_scores')],
            },
        ),
        migrations.CreateModel(
            name='Recommendation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='recommendations', to='shop.customer')),
                ('rank', models.SmallIntegerField()),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='shop.product')),
                ('score', models.FloatField()),
                ('reason', models.CharField(max_length=20)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('customer', 'rank'), name='insights_recommended_once')],
            },
        ),
        migrations.CreateModel(
            name='RelatedProduct',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('product', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='related', to='shop.product')),
                ('kind', models.CharField(choices=[('also_bought', 'Also bought'), ('complement', 'Goes with it'), ('upgrade', 'Next step')], max_length=20)),
                ('rank', models.SmallIntegerField()),
                ('other', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='shop.product')),
                ('score', models.FloatField()),
                ('customers', models.IntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('product', 'kind', 'rank'), name='insights_related_once')],
            },
        ),
        migrations.CreateModel(
            name='Taste',
            fields=[
                ('customer', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='taste', serialize=False, to='shop.customer')),
                ('mark', models.BigIntegerField()),
                ('need', models.CharField(blank=True, choices=[('price', 'Price-sensitive'), ('quality', 'Quality-oriented'), ('brand', 'Brand-loyal')], db_collation='C', max_length=10)),
                ('price', models.FloatField(null=True)),
                ('price_purchases', models.IntegerField(default=0)),
                ('discounted', models.IntegerField(default=0)),
                ('quality', models.FloatField(null=True)),
                ('quality_purchases', models.IntegerField(default=0)),
                ('brand', models.FloatField(null=True)),
                ('brand_choices', models.IntegerField(default=0)),
                ('stayed', models.IntegerField(default=0)),
                ('category', models.CharField(blank=True, max_length=200)),
                ('category_share', models.FloatField(null=True)),
                ('favourite_brand', models.CharField(blank=True, max_length=200)),
                ('brand_share', models.FloatField(null=True)),
                ('variety', models.FloatField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('need', ''), _negated=True), fields=['need', 'customer'], name='insights_taste_need'), models.Index(condition=models.Q(('category', ''), _negated=True), fields=['category', 'customer'], name='insights_taste_category')],
            },
        ),
        migrations.CreateModel(
            name='Backtest',
            fields=[
                ('model', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='results', to='insights.backtestrun')),
                ('verdict', models.CharField(max_length=10)),
                ('reason', models.CharField(max_length=30)),
                ('rule', models.CharField(max_length=30)),
                ('result', models.JSONField()),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('verdict__in', ('model', 'rule'))), name='insights_backtest_verdict')],
            },
        ),
        migrations.CreateModel(
            name='PolicyEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='insights.policy')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('id', models.SmallIntegerField(default=1, editable=False, serialize=False)),
                ('as_of_day', models.IntegerField(blank=True, null=True)),
                ('rfm', models.JSONField(blank=True, default=dict)),
                ('tiers', models.JSONField(blank=True, default=dict)),
                ('stages', models.JSONField(blank=True, default=dict)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Run',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('as_of_day', models.IntegerField()),
                ('engine', models.CharField(max_length=20)),
                ('state', models.CharField(choices=[('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='running', max_length=20)),
                ('stage', models.CharField(blank=True, max_length=40)),
                ('currency', models.CharField(max_length=3)),
                ('started_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('profiles', models.BigIntegerField(default=0)),
                ('profiles_written', models.BigIntegerField(default=0)),
                ('store_cycle', models.JSONField(default=dict)),
                ('thresholds', models.JSONField(default=dict)),
                ('summary', models.JSONField(default=dict)),
                ('learning', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='insights.learning')),
                ('error', models.TextField(blank=True)),
            ],
            options={
                'ordering': ('-id',),
            },
        ),
        migrations.CreateModel(
            name='ProfileChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='profile_changes', to='shop.customer')),
                ('label', models.CharField(max_length=20)),
                ('before', models.CharField(blank=True, max_length=20)),
                ('after', models.CharField(blank=True, max_length=20)),
                ('as_of_day', models.IntegerField()),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='changes', to='insights.run')),
            ],
            options={
                'indexes': [models.Index(fields=['label', 'as_of_day'], name='insights_change_day'), models.Index(fields=['customer', '-as_of_day'], name='insights_change_customer')],
                'constraints': [models.UniqueConstraint(fields=('run', 'customer', 'label'), name='insights_change_once')],
            },
        ),
    ]
