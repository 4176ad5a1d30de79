from django.apps import AppConfig


class JourneysConfig(AppConfig):
    name = "regulars.journeys"
    label = "journeys"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Say what composes the messages of campaigns, and how what they brought is read."""
        from regulars.journeys import composing, proof  # noqa: PLC0415  models must be loaded first

        composing.register()
        proof.register()
