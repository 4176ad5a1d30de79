import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.test import Client, override_settings

from regulars.shop.models import Business
from regulars.staff.models import ApiKey, User
from regulars.staff.operations import create_api_key
from regulars.staff.rules import Capability, Role
from tests.mail_sink import MailSink, mail_sink
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BOB = {"email": "bob@example.com", "name": "Bob", "role": "agent", "language": "zh-hans"}


@pytest.fixture
def client() -> Client:
    browser = Client()
    browser.force_login(make_user(name="Alice"))
    return browser


@pytest.fixture(params=[""])
def sink(request: pytest.FixtureRequest) -> Iterator[MailSink]:
    with (
        mail_sink(refusal=request.param) as running,
        override_settings(
            EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
            EMAIL_HOST="127.0.0.1",
            EMAIL_PORT=running.port,
            EMAIL_USE_TLS=False,
            DEFAULT_FROM_EMAIL="shop@example.com",
        ),
    ):
        yield running


def test_an_invitation_is_mailed_in_the_persons_language_and_its_link_sets_a_password(
    client: Client, sink: MailSink
) -> None:
    Business.objects.create(pk=1, name="茶叶铺")
    page = client.post("/settings/team/", BOB)
    [mail] = sink.mails
    assert (mail["From"], mail["To"]) == ("shop@example.com", "bob@example.com")
    assert mail["Subject"] == "您在 茶叶铺 的账户"
    link = re.search(r"http\S+", mail.get_content())
    assert link is not None
    assert link[0] in page.content.decode()
    guest = Client()
    form = guest.get(link[0].removeprefix("http://testserver"), follow=True)
    words = {"password1": "seven green umbrellas", "password2": "seven green umbrellas"}
    guest.post(form.redirect_chain[-1][0], words)
    assert User.objects.get(email="bob@example.com").check_password("seven green umbrellas")


@pytest.mark.parametrize("sink", ["550 5.1.1 no such mailbox"], indirect=True)
def test_a_mail_that_is_refused_is_told_and_the_link_handed_over(client: Client, sink: MailSink) -> None:
    page = client.post("/settings/team/", BOB).content.decode()
    assert sink.mails == []
    assert "The mail server did not take the mail to bob@example.com" in page
    assert "no such mailbox" in page
    assert "/accounts/password/reset/key/" in page


def test_a_mail_server_that_is_away_is_told_and_nobody_learns_whose_address_it_is(client: Client) -> None:
    with mail_sink() as gone:
        port = gone.port
    with override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        EMAIL_USE_TLS=False,
    ):
        page = client.post("/settings/team/", BOB).content.decode()
        assert "The link is good all the same" in page
        known, unknown = (
            Client().post("/accounts/password/reset/", {"email": email})
            for email in ("bob@example.com", "nobody@example.com")
        )
    assert (known.status_code, known.headers["Location"]) == (
        unknown.status_code,
        unknown.headers["Location"],
    )


def test_switching_somebody_off_revokes_the_keys_they_made_and_says_so_before(client: Client) -> None:
    agent = make_user(role=Role.MANAGER, name="Bob")
    for name in ("till", "warehouse"):
        create_api_key(
            name=name, scopes=[Capability.VIEW_CUSTOMERS], created_by=agent, expires_at=None, now=NOW
        )
    assert "The 2 API keys they made are revoked for good" in client.get("/settings/team/").content.decode()
    client.post(f"/settings/team/{agent.pk}/deactivation/", {"name": agent.email})
    assert not ApiKey.objects.filter(revoked_at=None).exists()
    log = client.get("/settings/audit/").content.decode()
    assert "warehouse" in log
    client.post(f"/settings/team/{agent.pk}/reactivation/")
    assert not ApiKey.objects.filter(revoked_at=None).exists()
