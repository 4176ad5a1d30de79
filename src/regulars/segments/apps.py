from django.apps import AppConfig


class SegmentsConfig(AppConfig):
    name = "regulars.segments"
    label = "segments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to the rooms below, and say where a person's data is kept."""
        from regulars.segments import receivers  # noqa: F401, PLC0415  models must be loaded first
        from regulars.segments.places import register_segments  # noqa: PLC0415

        register_segments()
