from django.apps import AppConfig


class OffersConfig(AppConfig):
    name = "regulars.offers"
    label = "offers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to the rooms below, offer attributes, and say where a person's data is kept."""
        from regulars.offers import attributes, receivers, story  # noqa: F401, PLC0415  models must be loaded first
        from regulars.offers.places import register_offers  # noqa: PLC0415

        attributes.register()
        register_offers()
