from django.db import migrations

import regulars.intake.models


class Migration(migrations.Migration):
    dependencies = [("intake", "0001_initial")]

    operations = [
        migrations.AlterField(model_name="call", name="body", field=regulars.intake.models.PackedField())
    ]
