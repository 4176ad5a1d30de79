import django.db.models.functions.comparison
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('insights', '0001_initial'),
        ('shop', '0002_search'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='profile',
            name='insights_profile_tier',
        ),
        migrations.RemoveIndex(
            model_name='profile',
            name='insights_profile_stage',
        ),
        migrations.RemoveIndex(
            model_name='profile',
            name='insights_profile_cell',
        ),
        migrations.RemoveIndex(
            model_name='profile',
            name='insights_profile_last',
        ),
        migrations.AddIndex(
            model_name='profile',
            index=models.Index(fields=['tier', 'monetary_minor', 'customer'], include=('stage', 'cell', 'orders', 'last_day', 'due_day', 'late_day'), name='insights_profile_by_tier'),
        ),
        migrations.AddIndex(
            model_name='profile',
            index=models.Index(fields=['stage', 'monetary_minor', 'customer'], include=('tier', 'cell', 'orders', 'last_day', 'due_day', 'late_day'), name='insights_profile_by_stage'),
        ),
        migrations.AddIndex(
            model_name='profile',
            index=models.Index(fields=['cell', 'monetary_minor', 'customer'], include=('tier', 'stage', 'orders', 'last_day', 'due_day', 'late_day'), name='insights_profile_by_cell'),
        ),
        migrations.AddIndex(
            model_name='profile',
            index=models.Index(fields=['r', 'f', 'monetary_minor', 'customer'], name='insights_profile_by_square'),
        ),
        migrations.AddIndex(
            model_name='profile',
            index=models.Index(django.db.models.functions.comparison.Coalesce('last_day', -1), models.F('customer'), include=('last_day', 'tier', 'stage', 'due_day', 'late_day'), name='insights_profile_by_last'),
        ),
    ]
