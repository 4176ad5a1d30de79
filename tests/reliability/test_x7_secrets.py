"""X7: no secret stands in the clear in a dump, in jobs or in the log; the installation's own secret can be changed."""

import json
import secrets
import subprocess

import pytest
from django.conf import settings as installation
from django.db import connection
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django.fixtures import Settings

from regulars.intake import operations as intake
from regulars.intake.connectors import connecting
from regulars.intake.models import Connection
from regulars.messaging.channels import kind_named
from regulars.messaging.models import Channel
from regulars.messaging.operations import channels as messaging
from regulars.runtime import postgres
from regulars.shop import links, privacy_log
from regulars.staff.adapters import SecondFactorAdapter
from regulars.staff.models import User
from regulars.staff.operations import admit_api_key, create_api_key
from tests.shop.factories import make_business, make_customer
from tests.staff.factories import make_user

pytestmark = [pytest.mark.reliability, pytest.mark.integration, pytest.mark.django_db(transaction=True)]


def dump(*form: str) -> bytes:
    known = connection.settings_dict
    url = f"postgresql:///{known['NAME']}?host={known['HOST']}&user={known['USER']}"
    return subprocess.run(
        [postgres.binaries() / "pg_dump", *form, url], check=True, capture_output=True
    ).stdout


def backup() -> str:
    """Return what a packed backup restores to, as text."""
    command = [str(postgres.binaries() / "pg_restore"), "-f", "-"]
    return subprocess.run(command, input=dump("-Fc"), check=True, capture_output=True).stdout.decode()


def make_shop_and_channel() -> tuple[Connection, Channel, dict[str, str]]:
    """Connect a shop and a mail server, with secrets of both."""
    told = {name: secrets.token_urlsafe(20) for name in ("webhook secret", "shop token", "mail password")}
    shop = intake.connect(
        connector="shopify", name="Shop", store_code="main", address="https://corner.myshopify.com",
        secret=told["webhook secret"], access={"token": told["shop token"]}, by=None, now=timezone.now(),
    )  # fmt: skip
    asked = {one.name: one.default for one in kind_named("smtp").asked}
    values = {
        "host": "mail.example.com", "username": "shop", "password": told["mail password"], "from_address": "a@example.com",
    }  # fmt: skip
    channel = messaging.set_up_channel(
        kind="smtp", name="Mail", medium="email", values=asked | values, limits=messaging.Limits(), by=None,
        now=timezone.now(),
    )  # fmt: skip
    return shop, channel, told


def test_no_secret_is_in_the_clear_and_none_is_lost_when_the_key_changes(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    make_business()
    seed, password = secrets.token_hex(20), secrets.token_urlsafe(20)
    user = make_user()
    user.set_password(password)
    user.save()
    _row, key = create_api_key(
        name="K", scopes=["reports:read"], created_by=user, expires_at=None, now=timezone.now()
    )
    sealed = SecondFactorAdapter().encrypt(seed)
    User.objects.filter(pk=user.pk).update(name=sealed[:150])
    shop, channel, theirs = make_shop_and_channel()
    customer = make_customer(code="X7")
    link = links.preferences_url(customer.pk)
    asked = f"{secrets.token_hex(8)}@example.com"
    client = Client()
    client.get("/" + link.split("/", 3)[3])
    client.post("/my/", {"email": asked})
    planted = {
        "password": password,
        "API key": key.partition(".")[2],
        "second factor": seed,
        "secret": installation.SECRET_KEY,
        "digest key": installation.HOME.privacy_key(),
        "link": link.rpartition(":")[2].strip("/"),
        "asked address": asked,
        **theirs,
        "DKIM key": messaging.opening_of(channel).values["dkim_key"].split("\n")[5],
    }
    logged = "".join(capsys.readouterr())
    jobs = json.dumps(list(ProcrastinateJob.objects.values_list("args", flat=True)))
    places = {"dump": dump("--inserts").decode(), "backup": backup(), "jobs": jobs, "log": logged}
    found = [
        (what, where) for what, value in planted.items() for where, text in places.items() if value in text
    ]
    # What is told in the clear is found by the same search.
    User.objects.filter(pk=user.pk).update(name=seed)
    assert seed in dump("--inserts").decode()
    assert seed in backup()

    digest = privacy_log.digest("email", "anna@example.com")
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], secrets.token_urlsafe(40)
    kept = [
        SecondFactorAdapter().decrypt(sealed) == seed,
        client.get("/" + link.split("/", 3)[3]).status_code == 200,
        admit_api_key(key=key, now=timezone.now()).name == "K",
        privacy_log.digest("email", "anna@example.com") == digest,
        User.objects.get(pk=user.pk).check_password(password),
        *secrets_told(shop, channel, theirs),
    ]
    # The former secret may go once everything is sealed anew.
    assert (connecting.reseal(), messaging.reseal()) == (2, 1)
    settings.SECRET_KEY_FALLBACKS = []
    kept += secrets_told(shop, channel, theirs)
    with capsys.disabled():
        print(
            f"\nX7: {len(planted)} secrets sought in {len(places)} places, {len(found)} in the clear; after a change of the secret "
            f"{sum(kept)} of {len(kept)} still good; random secrets (no seed)"
        )
    assert found == []
    assert all(kept)


def secrets_told(shop: Connection, channel: Channel, told: dict[str, str]) -> list[bool]:
    """Say of each secret of a shop and a channel whether it can still be used."""
    channel.refresh_from_db()
    return [
        connecting.webhook_secrets(shop) == [told["webhook secret"]],
        connecting.access_of(shop) == {"token": told["shop token"]},
        messaging.opening_of(channel).values["password"] == told["mail password"],
    ]
