from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "regulars.shop"
    label = "shop"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Say where the record keeps a person's data, and listen to the room itself."""
        from regulars.shop.places.record import register_record  # noqa: PLC0415  models must be loaded first

        register_record()
