from django.apps import AppConfig


class StorefrontConfig(AppConfig):
    name = "regulars.storefront"
    label = "storefront"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to the rooms below."""
        from regulars.storefront import receivers  # noqa: F401, PLC0415  models must be loaded first
