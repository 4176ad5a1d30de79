"""Logging in and second factors: allauth's views, those that a shop's staff need, each with its rule."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from django.urls import path, re_path

from regulars.staff.access import LoggedIn, Public, access

_ENTRANCE = Public("the way in, for people who have no session yet; limited by allauth's rate limits")
_OWN = LoggedIn()

urlpatterns = [
    path("login/", access(_ENTRANCE)(account.login), name="account_login"),
    path("logout/", access(Public("ends the caller's own session"))(account.logout), name="account_logout"),
    path("inactive/", access(_ENTRANCE)(account.account_inactive), name="account_inactive"),
    path("reauthenticate/", access(_OWN)(account.reauthenticate), name="account_reauthenticate"),
    path("password/change/", access(_OWN)(account.password_change), name="account_change_password"),
    path("password/reset/", access(_ENTRANCE)(account.password_reset), name="account_reset_password"),
    path(
        "password/reset/done/",
        access(_ENTRANCE)(account.password_reset_done),
        name="account_reset_password_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        access(_ENTRANCE)(account.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        access(_ENTRANCE)(account.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
    path("2fa/", access(_OWN)(mfa.index), name="mfa_index"),
    path("2fa/authenticate/", access(_ENTRANCE)(mfa.authenticate), name="mfa_authenticate"),
    path("2fa/reauthenticate/", access(_OWN)(mfa.reauthenticate), name="mfa_reauthenticate"),
    path("2fa/totp/activate/", access(_OWN)(totp.activate_totp), name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", access(_OWN)(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path(
        "2fa/recovery-codes/",
        access(_OWN)(recovery_codes.view_recovery_codes),
        name="mfa_view_recovery_codes",
    ),
    path(
        "2fa/recovery-codes/generate/",
        access(_OWN)(recovery_codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "2fa/recovery-codes/download/",
        access(_OWN)(recovery_codes.download_recovery_codes),
        name="mfa_download_recovery_codes",
    ),
]
