"""The console's pages."""

from django.urls import URLPattern, URLResolver, path

from regulars.console import account, preferences

app_name = "console"

urlpatterns: list[URLPattern | URLResolver] = [
    path("account/", account.account, name="account"),
    path("preferences/theme/", preferences.theme, name="theme"),
    path("preferences/language/", preferences.language, name="language"),
]
