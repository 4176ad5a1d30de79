from django.apps.registry import Apps
from django.db import migrations
from django.db.models import Exists, OuterRef

# What files of these kinds say is kept for good.
KINDS = ("consents", "ga4")


def forget_changes(apps: Apps, _schema_editor: object) -> None:
    """Forget the changes of imports that cannot be undone: they hindered the undoing of those before them."""
    imports = apps.get_model("intake", "Import").objects
    kept_for_good = imports.filter(
        kind__in=KINDS, state="done", change_set=None, finished_at=OuterRef("made_at")
    )
    changes = apps.get_model("shop", "ChangeSet").objects.filter(Exists(kept_for_good))
    changes.exclude(Exists(imports.filter(change_set=OuterRef("pk")))).delete()


class Migration(migrations.Migration):
    dependencies = [("intake", "0002_packed_calls"), ("shop", "0008_contacts_bring_orders")]

    operations = [migrations.RunPython(forget_changes, migrations.RunPython.noop)]
