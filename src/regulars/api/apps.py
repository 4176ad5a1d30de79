from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "regulars.api"
    label = "api"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Say where the room keeps a person's data."""
        from regulars.api.places import register_api  # noqa: PLC0415  models must be loaded first

        register_api()
