from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "regulars.shop"
    label = "shop"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Offer what can be asked of customers."""
        from regulars.shop import attributes  # noqa: PLC0415  models must be loaded first

        attributes.register()
