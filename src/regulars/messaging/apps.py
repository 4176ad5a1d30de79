from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "regulars.messaging"
    label = "messaging"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add to customers' stories, and say where a person's data is kept."""
        from regulars.messaging import story  # noqa: F401, PLC0415  models must be loaded first
        from regulars.messaging.places import register_messaging  # noqa: PLC0415

        register_messaging()
