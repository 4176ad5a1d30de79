from django.apps import AppConfig


class InsightsConfig(AppConfig):
    name = "regulars.insights"
    label = "insights"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to the rooms below, offer what can be asked of customers, and say where a person's data is kept."""
        from regulars.insights import attributes, receivers, story  # noqa: F401, PLC0415  models must be loaded first
        from regulars.insights.places import register_insights  # noqa: PLC0415

        attributes.register()
        register_insights()
