import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import NoReverseMatch, reverse

from regulars.staff.operations import create_owner
from regulars.staff.rules import Role
from tests.staff.factories import PASSWORD, make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _forgotten_tries() -> None:
    cache.clear()


def _log_in(client: Client, email: str, password: str = PASSWORD) -> int:
    return client.post("/accounts/login/", {"login": email, "password": password}).status_code


def test_nobody_can_sign_up() -> None:
    with pytest.raises(NoReverseMatch):
        reverse("account_signup")
    assert Client().get("/accounts/signup/").status_code == 404


def test_guessing_a_password_is_stopped() -> None:
    alice = make_user()
    client = Client()
    statuses = [_log_in(client, alice.email, f"wrong guess {number}") for number in range(15)]
    assert statuses[0] == 200
    assert _log_in(client, alice.email) != 302, "the right password passed in the midst of guesses"


def test_guesses_are_counted_where_every_web_process_sees_them() -> None:
    _log_in(Client(), make_user().email, "wrong guess")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM staff_tries")
        assert cursor.fetchone()[0] > 0


def test_a_switched_off_person_cannot_log_in() -> None:
    bob = make_user(role=Role.AGENT)
    bob.is_active = False
    bob.save()
    client = Client()
    _log_in(client, bob.email)
    assert client.get("/account/").status_code == 302


def test_a_second_factor_is_set_up_asked_for_and_encrypted_at_rest() -> None:
    alice = make_user()
    client = Client()
    assert _log_in(client, alice.email) == 302
    asked = client.get("/accounts/2fa/totp/activate/")
    assert asked.headers["Location"].startswith("/accounts/reauthenticate/")
    client.post(asked.headers["Location"], {"password": PASSWORD})
    page = client.get("/accounts/2fa/totp/activate/")
    secret = re.search(r'id="totp-secret" value="([A-Z2-7]+)"', page.content.decode())
    assert secret is not None
    answer = client.post("/accounts/2fa/totp/activate/", {"code": _code(secret[1])})
    assert answer.status_code == 302
    stored = Authenticator.objects.get(type=Authenticator.Type.TOTP).data["secret"]
    assert secret[1] not in stored
    assert client.get("/accounts/2fa/recovery-codes/").status_code == 200

    other = Client()
    assert _log_in(other, alice.email) == 302
    assert other.get("/account/").status_code == 302, "the password alone was enough"
    wrong = other.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert wrong.status_code == 200
    codes = client.get("/accounts/2fa/recovery-codes/download/").content.decode().split()
    assert other.post("/accounts/2fa/authenticate/", {"code": codes[0]}).status_code == 302
    assert other.get("/account/").status_code == 200


@pytest.mark.parametrize(("language", "words"), [("en", "Log in"), ("zh-hans", "登录")])
def test_a_stranger_is_spoken_to_in_the_browsers_language(*, language: str, words: str) -> None:
    page = Client().get("/accounts/login/", headers={"Accept-Language": language})
    assert f"<h1>{words}</h1>" in page.content.decode()


@pytest.mark.parametrize(("language", "words"), [("en", "My account"), ("zh-hans", "我的账户")])
def test_whoever_has_chosen_no_language_keeps_that_of_the_first_login(*, language: str, words: str) -> None:
    owner = create_owner(email="owner@example.com", password=PASSWORD)
    client = Client(headers={"Accept-Language": language})
    assert _log_in(client, owner.email) == 302
    owner.refresh_from_db()
    assert owner.language == language
    elsewhere = client.get("/account/", headers={"Accept-Language": "fr"})
    assert words in elsewhere.content.decode()


def test_a_broken_page_gives_a_number_and_no_detail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regulars.console.account.AccountForm", None)
    client = Client(raise_request_exception=False)
    client.force_login(make_user())
    page = client.get("/account/")
    assert page.status_code == 500
    assert re.search(r'<p class="mono mb-0">[0-9a-f]{12,}</p>', page.content.decode())
    assert "Traceback" not in page.content.decode()


def test_a_stale_form_is_refused_with_what_to_do() -> None:
    page = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "a", "password": "b"})
    assert page.status_code == 403
    assert "The page was too old" in page.content.decode()


def _code(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))
