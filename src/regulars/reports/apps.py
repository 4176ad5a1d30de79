from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Without tables; an app so that its words are translated."""

    name = "regulars.reports"
    label = "reports"
