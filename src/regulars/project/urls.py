"""Every door's URLs."""

from django.urls import URLPattern, URLResolver, include, path

from regulars.project.health import live, ready
from regulars.project.metrics import metrics
from regulars.storefront.tracking import short

urlpatterns: list[URLPattern | URLResolver] = [
    path("health/live", live, name="health-live"),
    path("health/ready", ready, name="health-ready"),
    path("metrics", metrics, name="metrics"),
    path("api/v1/", include("regulars.api.urls")),
    path("v1/", include("regulars.api.track")),
    path("webhooks/", include("regulars.api.webhooks")),
    path("accounts/", include("regulars.console.accounts")),
    path("my/", include("regulars.storefront.urls")),
    path("s/<str:token>", short, name="short-link"),
    path("", include("regulars.console.urls")),
]

handler500 = "regulars.console.errors.server_error"
