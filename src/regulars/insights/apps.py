from django.apps import AppConfig


class InsightsConfig(AppConfig):
    name = "regulars.insights"
    label = "insights"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to the rooms below, and offer what can be asked of customers."""
        from regulars.insights import attributes, receivers  # noqa: F401, PLC0415  models must be loaded first

        attributes.register()
