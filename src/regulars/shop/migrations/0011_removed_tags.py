import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('shop', '0010_people_tools'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='tag',
            name='shop_tag_once',
        ),
        migrations.AddConstraint(
            model_name='tag',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Lower('name'), condition=models.Q(('removed_at', None)), name='shop_tag_once'),
        ),
    ]
