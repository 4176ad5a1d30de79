from django.apps import AppConfig


class JourneysConfig(AppConfig):
    name = "regulars.journeys"
    label = "journeys"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Say what composes the messages of campaigns."""
        from regulars.journeys.composing import register  # noqa: PLC0415  models must be loaded first

        register()
