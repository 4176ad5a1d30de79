"""The console's pages."""

from django.urls import URLPattern, URLResolver, path

from regulars.console import account, audit, keys, preferences, settings, team

app_name = "console"

urlpatterns: list[URLPattern | URLResolver] = [
    path("account/", account.account, name="account"),
    path("settings/", settings.index, name="settings"),
    path("settings/business/", settings.business, name="settings-business"),
    path("settings/team/", team.team, name="settings-team"),
    path("settings/team/<int:person_id>/role/", team.role, name="settings-team-role"),
    path("settings/team/<int:person_id>/invitation/", team.invitation, name="settings-team-invitation"),
    path("settings/team/<int:person_id>/deactivation/", team.deactivation, name="settings-team-deactivation"),
    path("settings/team/<int:person_id>/reactivation/", team.reactivation, name="settings-team-reactivation"),
    path("settings/keys/", keys.keys, name="settings-keys"),
    path("settings/keys/<int:key_id>/revocation/", keys.revocation, name="settings-keys-revocation"),
    path("settings/audit/", audit.audit, name="settings-audit"),
    path("preferences/theme/", preferences.theme, name="theme"),
    path("preferences/language/", preferences.language, name="language"),
]
