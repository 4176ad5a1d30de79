from django.apps import AppConfig


class PlannerConfig(AppConfig):
    name = "regulars.planner"
    label = "planner"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to the rooms below, and say where a person's data is kept."""
        from regulars.planner import receivers, story  # noqa: F401, PLC0415  models must be loaded first
        from regulars.planner.places import register_planner  # noqa: PLC0415

        register_planner()
