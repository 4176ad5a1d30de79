from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "regulars.intake"
    label = "intake"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add what imports brought to customers' stories, and say where intake keeps a person's data."""
        from regulars.intake import story  # noqa: F401, PLC0415  models must be loaded first
        from regulars.intake.places import register_intake  # noqa: PLC0415  models must be loaded first

        register_intake()
