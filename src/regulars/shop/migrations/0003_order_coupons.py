import django.db.models
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_record_measured")]

    operations = [
        migrations.AddField(
            model_name="order",
            name="coupons",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                verbose_name="codes",
            ),
        ),
    ]
