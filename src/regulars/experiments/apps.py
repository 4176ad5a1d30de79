from django.apps import AppConfig


class ExperimentsConfig(AppConfig):
    name = "regulars.experiments"
    label = "experiments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Say where a person's data is kept, what can be read, and what uses segments."""
        from regulars.experiments import sources, uses  # noqa: PLC0415  models must be loaded first
        from regulars.experiments.places import register_experiments  # noqa: PLC0415

        register_experiments()
        sources.register_own()
        uses.register_uses()
