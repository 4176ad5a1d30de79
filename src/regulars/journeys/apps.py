from django.apps import AppConfig


class JourneysConfig(AppConfig):
    name = "regulars.journeys"
    label = "journeys"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Say what composes messages, what uses segments and offers and where a person's data is kept, and offer the kinds that come along."""
        from regulars.journeys import composing, places, proof, proof_of_journeys, receivers, uses  # noqa: F401, PLC0415  models must be loaded first
        from regulars.journeys.entering import heard_names  # noqa: PLC0415
        from regulars.journeys.kinds import actions, branches, entries, happenings, messages, waits  # noqa: PLC0415
        from regulars.shop.watching import watch  # noqa: PLC0415

        for one in (composing, messages, happenings, entries, waits, branches, actions):
            one.register()
        places.register_journeys()
        uses.register_uses()
        proof.register()
        proof_of_journeys.register()
        watch(heard_names)
