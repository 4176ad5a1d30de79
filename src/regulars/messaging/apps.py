from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "regulars.messaging"
    label = "messaging"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Offer what templates may say and hold, and what composes messages of them."""
        from regulars.messaging import blocks, composing, coupons, variables  # noqa: PLC0415  models must be loaded first
        from regulars.messaging.registry import register_source  # noqa: PLC0415

        variables.register_own()
        blocks.register_own()
        coupons.register()
        register_source("template", composing.compose)
