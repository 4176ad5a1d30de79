from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "regulars.shop"
    label = "shop"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Offer what can be asked of customers, and say where the record keeps a person's data."""
        from regulars.shop import attributes  # noqa: PLC0415  models must be loaded first
        from regulars.shop.places.record import register_record  # noqa: PLC0415

        attributes.register()
        register_record()
