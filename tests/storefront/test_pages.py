"""The pages for the shop's own customers: signed links, no login, a GET changes nothing."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django.fixtures import Settings

from regulars.outbox.delivery import deliver_event
from regulars.outbox.models import OutboxEvent
from regulars.shop import links, operations, queries
from regulars.shop.links import Purpose
from regulars.shop.models import Consent, Customer, PrivacyRequest
from regulars.storefront import mails
from regulars.storefront.limits import BAD_LINKS, MAILS_SENT, forget_windows
from regulars.storefront.models import Window
from regulars.storefront.tasks import send_link
from tests.mail_sink import MailSink, mail_sink
from tests.shop.factories import make_business, make_customer, make_store

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
AT = datetime(2026, 3, 1, tzinfo=UTC)


def anna() -> int:
    make_business()
    person = operations.Person(
        store_id=make_store().pk,
        identifiers={"external": "A-1", "email": "anna@example.com"},
        at=AT,
        name="Anna",
    )
    with transaction.atomic():
        return operations.recognise([person], now=AT)[0]


def allow(customer_id: int, state: str = "granted") -> None:
    operations.record_consents(
        [
            operations.Statement(
                customer_id=customer_id, channel="email", purpose="marketing", state=state, source="checkout", at=AT,
                key=f"{customer_id}-{state}",
            )
        ]
    )  # fmt: skip


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def state_of(customer_id: int, channel: str = "email") -> str:
    return queries.consents_now(customer_id).get((channel, "marketing"), "")


def stranger() -> Client:
    """A browser that keeps no cookie of ours, and has a foreign page's."""
    return Client(enforce_csrf_checks=True)


def unsubscribe_path(customer_id: int) -> str:
    return path_of(links.unsubscribe_url(customer_id, channel="email", purpose="marketing"))


def test_unsubscribing_takes_a_post_and_neither_a_login_nor_a_cookie() -> None:
    customer = anna()
    allow(customer)
    client, path = stranger(), unsubscribe_path(customer)
    for _ in range(3):
        shown = client.get(path)
        assert (shown.status_code, state_of(customer)) == (200, "granted")
    client.head(path)
    done = client.post(path, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
    assert (done.status_code, state_of(customer)) == (200, "withdrawn")
    client.post(path)
    assert Consent.objects.filter(state="withdrawn").count() == 1
    assert not client.cookies
    client.post(f"{path}undo/")
    assert state_of(customer) == "granted"


def test_an_undo_gives_back_only_what_the_link_took() -> None:
    customer = anna()
    allow(customer, "withdrawn")
    stranger().post(f"{unsubscribe_path(customer)}undo/")
    assert state_of(customer) == "withdrawn"


def test_a_mail_carries_the_headers_of_one_click() -> None:
    headers = links.unsubscribe_headers(anna(), purpose="marketing")
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Unsubscribe"].startswith("<http")


@pytest.mark.parametrize("name", ["preferences", "unsubscribe", "undo", "confirm", "request", "requests"])
def test_a_forged_or_foreign_link_opens_nothing(name: str) -> None:
    customer = anna()
    allow(customer)
    # Cut off, another customer under the same signature, and a link for another purpose.
    genuine = links.sign(
        Purpose.CONFIRM if name in ("preferences", "requests") else Purpose.PREFERENCES, customer
    )
    for token in (genuine, genuine[:-1], f"9{genuine}", "x"):
        address = reverse(f"storefront:{name}", args=[token])
        assert [stranger().get(address).status_code, stranger().post(address).status_code] == [404, 404]
    assert state_of(customer) == "granted"


def test_a_link_ends_and_outlives_a_change_of_the_secret(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = anna()
    path = path_of(links.preferences_url(customer))
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret"  # noqa: S105  of nothing
    assert stranger().get(path).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert stranger().get(path).status_code == 404
    path = path_of(links.preferences_url(customer))
    later = datetime.now(UTC).timestamp() + Purpose.PREFERENCES.lasts.total_seconds() + 60
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    assert stranger().get(path).status_code == 404


def test_pages_tell_nobody_where_they_are_and_run_nothing() -> None:
    response = stranger().get(path_of(links.preferences_url(anna())))
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["Cache-Control"] == "no-store"
    assert "script" not in response["Content-Security-Policy"]
    assert "<script" not in response.content.decode()
    assert "anna@example.com" not in response.content.decode()


def test_guesses_are_limited_and_genuine_links_are_not() -> None:
    customer = anna()
    client = stranger()
    statuses = [client.get(f"/my/{number}/").status_code for number in range(BAD_LINKS.calls + 2)]
    assert statuses == [404] * BAD_LINKS.calls + [429] * 2
    assert client.get(path_of(links.preferences_url(customer))).status_code == 200


def save(customer_id: int, **told: str) -> HttpResponse:
    response: HttpResponse = stranger().post(path_of(links.preferences_url(customer_id)), told)  # type: ignore[assignment]  # the client's own subclass
    return response


def test_a_customer_chooses_channels_language_and_what_they_tell_of_themselves() -> None:
    customer = anna()
    operations.define_attribute(name="birthday", label="Birthday", type="date", is_customers=True)
    operations.define_attribute(name="margin", label="Margin", type="number")
    page = save(
        customer,
        **{"web.profiling": "on", "language": "zh-hans", "a.birthday": "1990-02-03", "a.margin": "9"},
    )
    assert page.status_code == 200
    assert {(one.name, one.value) for one in queries.attributes(customer)} == {("birthday", date(1990, 2, 3))}
    assert Customer.objects.get(pk=customer).language == "zh-hans"
    assert queries.may_contact([customer], "web", "profiling") == {customer}
    evidence = Consent.objects.get()
    assert (evidence.source, evidence.ip, evidence.wording) == (
        "preference page",
        "127.0.0.1",
        "web/profiling v0",
    )
    # A customer without a phone is not asked about text messages.
    assert "sms.marketing" not in page.content.decode()
    save(customer, language="en")
    assert queries.may_contact([customer], "web", "profiling") == set()
    assert queries.attributes(customer) == []


def test_what_customers_told_of_themselves_is_shown_as_they_would_type_it_and_stays_when_saved() -> None:
    customer = anna()
    for name, kind, chinese, value in (
        ("budget", "money", "预算", "199.50"), ("birthday", "yearly", "生日", "03-08"), ("size", "number", "鞋码", "38.5"),
    ):  # fmt: skip
        operations.define_attribute(name=name, label=name, label_zh=chinese, type=kind, is_customers=True)
        told = operations.Told(customer_id=customer, name=name, value=value, at=AT)
        operations.set_attributes([told])
    before = {one.name: one.value for one in queries.attributes(customer)}
    path = path_of(links.preferences_url(customer))
    page = stranger().get(f"{path}?lang=zh-hans").content.decode()
    shown = dict(re.findall(r'name="a\.(\w+)" value="([^"]*)"', page))
    assert shown == {"budget": "199.50", "birthday": "03-08", "size": "38.5"}
    for words in ("预算", "生日", "鞋码"):
        assert words in page
    save(customer, **{f"a.{name}": value for name, value in shown.items()})
    assert {one.name: one.value for one in queries.attributes(customer)} == before


def test_a_value_that_cannot_be_is_told_and_nothing_is_saved() -> None:
    customer = anna()
    operations.define_attribute(name="size", label="Size", type="number", is_customers=True)
    assert save(customer, **{"a.size": "big", "web.profiling": "on"}).status_code == 422
    assert Consent.objects.count() == 0


def test_stopping_everything_takes_back_what_was_never_given_too() -> None:
    customer = anna()
    allow(customer)
    save(customer, none="1", **{"email.marketing": "on"})
    assert set(queries.consents_now(customer).values()) == {"withdrawn"}


def deliver(sink: MailSink, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", sink.port, False
    settings.EMAIL_HOST_USER = ""
    for row in OutboxEvent.objects.order_by("id"):
        deliver_event(event_id=row.pk)


def link_in(sink: MailSink) -> str:
    text = sink.mails[-1].get_content()
    return path_of(next(line for line in text.splitlines() if line.startswith("http")))


def test_a_yes_to_mail_counts_once_it_is_confirmed(settings: Settings) -> None:
    customer = anna()
    assert "confirm it with the link" in save(customer, **{"email.marketing": "on"}).content.decode()
    assert state_of(customer) == "pending"
    assert queries.may_contact([customer], "email", "marketing") == set()
    with mail_sink() as sink:
        deliver(sink, settings)
        assert [mail["To"] for mail in sink.mails] == ["anna@example.com"]
        path = link_in(sink)
    assert "Yes, I want that" in stranger().get(path).content.decode()
    assert state_of(customer) == "pending"
    assert "It is confirmed" in stranger().post(path).content.decode()
    assert queries.may_contact([customer], "email", "marketing") == {customer}
    stranger().post(path)
    evidence = list(queries.consent_history(customer).values_list("state", "source", "ip"))
    assert evidence == [
        ("granted", "double opt-in", "127.0.0.1"),
        ("pending", "preference page", "127.0.0.1"),
    ]


def test_a_confirmation_does_not_bring_back_what_was_taken_back_since() -> None:
    customer = anna()
    save(customer, **{"email.marketing": "on"})
    path = path_of(links.confirmation_url(Consent.objects.get().pk))
    save(customer)
    stranger().post(path)
    assert state_of(customer) == "withdrawn"


def test_asking_to_be_erased_is_confirmed_by_the_address_on_file(settings: Settings) -> None:
    customer = anna()
    path = path_of(links.preferences_url(customer)) + "requests/"
    assert "a•••@example.com" in stranger().post(path, {"kind": "erasure"}).content.decode()
    row = PrivacyRequest.objects.get()
    assert row.state == "unconfirmed"
    with mail_sink() as sink:
        deliver(sink, settings)
        confirmation = link_in(sink)
    stranger().get(confirmation)
    row.refresh_from_db()
    assert row.state == "unconfirmed"
    stranger().post(confirmation)
    row.refresh_from_db()
    assert row.state == "open"
    assert Customer.objects.get(pk=customer).name == "Anna"


def test_asking_for_a_link_tells_nobody_whether_an_address_is_known(settings: Settings) -> None:
    anna()
    answers = [
        stranger().post("/my/", {"email": email}) for email in ("anna@example.com", "nobody@example.com")
    ]
    assert answers[0].content == answers[1].content
    with mail_sink() as sink:
        deliver(sink, settings)
        send_link(identifier_id=Customer.objects.get().identifiers.get(kind="email").pk)
        send_link(identifier_id=0)
        assert len(sink.mails) == 1
        assert stranger().get(link_in(sink)).status_code == 200
    for _ in range(MAILS_SENT.calls + 5):
        assert stranger().post("/my/", {"email": "anna@example.com"}).status_code == 200
    assert stranger().post("/my/", {"email": "no address"}).status_code == 422


def test_a_link_of_somebody_who_was_erased_opens_nothing_and_unsubscribing_stays_true() -> None:
    customer = anna()
    preferences, unsubscribe = path_of(links.preferences_url(customer)), unsubscribe_path(customer)
    operations.erase_customer(customer_id=customer, now=datetime.now(UTC))
    assert stranger().get(preferences).status_code == 404
    assert "You are unsubscribed" in stranger().post(unsubscribe).content.decode()


def test_a_link_of_somebody_who_became_part_of_another_opens_the_others_page() -> None:
    absorbed = anna()
    kept = make_customer(code="K-1").pk
    path = unsubscribe_path(absorbed)
    operations.merge(kept_id=kept, absorbed_id=absorbed, evidence="person", now=AT)
    stranger().post(path)
    assert queries.consents_now(kept) == {("email", "marketing"): "withdrawn"}


def test_a_page_speaks_the_language_of_the_browser_or_the_link() -> None:
    path = path_of(links.preferences_url(anna()))
    assert (
        '<html lang="zh-Hans">' in stranger().get(path, headers={"Accept-Language": "zh-CN"}).content.decode()
    )
    assert (
        '<html lang="en">'
        in stranger().get(f"{path}?lang=en", headers={"Accept-Language": "zh-CN"}).content.decode()
    )


def test_what_was_asked_long_ago_is_forgotten() -> None:

    stranger().get("/my/")
    assert forget_windows(now=datetime.now(UTC)) == 0
    assert forget_windows(now=datetime.now(UTC) + timedelta(days=2)) == Window.objects.count() + 1


def test_mails_come_in_the_language_in_which_somebody_asked(settings: Settings) -> None:
    customer = anna()
    chinese = {"accept-language": "zh-CN"}
    assert (
        "请查收邮件"
        in stranger().post("/my/", {"email": "anna@example.com"}, headers=chinese).content.decode()
    )
    asked = ProcrastinateJob.objects.get(task_name="storefront.send_link")
    with mail_sink() as sink:
        deliver(sink, settings)
        send_link(**asked.args)
        assert "设置" in sink.mails[-1]["Subject"]
        stranger().post(
            path_of(links.preferences_url(customer)) + "requests/", {"kind": "erasure"}, headers=chinese
        )
        deliver(sink, settings)
        assert "请确认" in sink.mails[-1]["Subject"]


def test_a_shop_in_china_asks_in_chinese_whoever_has_no_language(settings: Settings) -> None:
    customer = anna()
    make_business(time_zone="Asia/Shanghai")
    row = operations.request_privacy(
        "access", customer_id=customer, source="preference page", is_confirmed=False, now=AT
    )
    with mail_sink() as sink:
        deliver(sink, settings)
        assert mails.ask_about_request(row)
        assert "请确认" in sink.mails[-1]["Subject"]


def test_every_page_of_a_customer_speaks_their_language_before_the_browsers() -> None:
    customer = anna()
    allow(customer)
    operations.speak_to(customer_id=customer, language="zh-hans")
    english = {"Accept-Language": "en"}
    leave, settings = unsubscribe_path(customer), path_of(links.preferences_url(customer))
    for path, told in (
        (leave, {}),
        (f"{leave}undo/", {}),
        (settings, {"none": "1"}),
        (f"{settings}requests/", {"kind": "access"}),
    ):
        for reply in (
            stranger().get(path, headers=english, follow=True),
            stranger().post(path, told, headers=english),
        ):
            assert '<html lang="zh-Hans">' in reply.content.decode(), path
            assert reply["Content-Language"] == "zh-Hans"
    assert '<html lang="en">' in stranger().get(f"{leave}?lang=en").content.decode()
    saved = stranger().post(f"{settings}?lang=zh-hans", {"language": "en"})
    assert '<html lang="en">' in saved.content.decode()
    operations.speak_to(customer_id=customer, language="fr")
    assert '<html lang="en">' in stranger().get(leave, headers=english).content.decode()


def test_what_was_allowed_on_a_channel_that_nobody_is_asked_about_can_be_taken_back() -> None:
    customer = anna()
    operations.record_consents(
        [
            operations.Statement(
                customer_id=customer, channel="wecom", purpose="marketing", state="granted", source="file", at=AT, key="f-1"
            )
        ]
    )  # fmt: skip
    path = path_of(links.preferences_url(customer))
    assert "WeCom" in stranger().get(path).content.decode()
    stranger().post(path, {"none": "1"})
    assert state_of(customer, "wecom") == "withdrawn"
