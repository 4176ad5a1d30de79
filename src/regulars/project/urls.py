"""Every door's URLs."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include("regulars.console.accounts")),
    path("", include("regulars.console.urls")),
]

handler500 = "regulars.console.errors.server_error"
