from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "regulars.console"
    label = "console"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Say where the room keeps a person's data."""
        from regulars.console.places import register_console  # noqa: PLC0415  models must be loaded first

        register_console()
