from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "regulars.messaging"
    label = "messaging"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add to customers' stories, say where a person's data is kept, and offer what templates may say and hold."""
        from regulars.messaging import blocks, composing, coupons, story, variables  # noqa: F401, PLC0415  models must be loaded first
        from regulars.messaging.operations import singles  # noqa: PLC0415
        from regulars.messaging.places import register_messaging  # noqa: PLC0415
        from regulars.messaging.queries import SINGLE  # noqa: PLC0415
        from regulars.messaging.registry import register_source  # noqa: PLC0415

        register_messaging()
        variables.register_own()
        blocks.register_own()
        coupons.register()
        singles.register()
        register_source("template", composing.compose)
        register_source(SINGLE, singles.compose)
