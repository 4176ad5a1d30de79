"""The console's privacy pages: consents, export and erasure of a person, requests, what customers are asked."""

import io
import zipfile
from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.test import Client

from regulars.shop import operations, queries
from regulars.shop.models import AttributeDefinition, Consent, Customer, PrivacyAct, PrivacyRequest
from regulars.staff.models import User
from regulars.staff.rules import Role
from tests.shop.factories import make_business, make_customer
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
AT = datetime(2026, 3, 1, tzinfo=UTC)


def logged_in(role: Role = Role.MANAGER) -> tuple[Client, User]:
    client, user = Client(), make_user(role=role)
    client.force_login(user)
    return client, user


def test_staff_write_down_what_a_customer_said_with_a_reason() -> None:
    client, bob = logged_in(Role.AGENT)
    customer = make_customer(code="C-1")
    address = f"/customers/{customer.pk}/privacy/consent/"
    assert client.post(address, {"pair": "sms.marketing", "state": "granted"}).status_code == 422
    client.post(address, {"pair": "sms.marketing", "state": "granted", "reason": "by phone"})
    client.post(address, {"pair": "email.marketing", "state": "granted", "reason": "by phone"})
    # E-mail is confirmed by mail first.
    told = {row.channel: (row.state, row.by_id, row.reason) for row in Consent.objects.all()}
    assert told == {"sms": ("granted", bob.pk, "by phone"), "email": ("pending", bob.pk, "by phone")}
    page = client.get(f"/customers/{customer.pk}/privacy/").content.decode()
    assert "by phone" in page
    assert "Waiting for confirmation" in page


def test_where_a_consent_was_given_is_told_in_the_readers_language() -> None:
    make_business()
    client, bob = logged_in(Role.AGENT)
    bob.language = "zh-hans"
    bob.save()
    customer = make_customer()
    said = {"preference page": "客户自己的页面", "double opt-in": "再次确认的邮件", "staff": "员工"}
    operations.record_consents([
        operations.Statement(
            customer_id=customer.pk, channel="email", purpose="marketing", state="granted", at=AT, source=one, key=one
        )
        for one in said
    ])  # fmt: skip
    for address in (f"/customers/{customer.pk}/privacy/", f"/customers/{customer.pk}/?kind=consent"):
        page = client.get(address).content.decode()
        for source, words in said.items():
            assert words in page
            assert source == "staff" or source not in page


def test_a_copy_is_taken_out_with_a_reason_and_noted() -> None:
    make_business()
    client, user = logged_in()
    customer = make_customer(code="C-1", name="Anna")
    address = f"/customers/{customer.pk}/privacy/export/"
    assert client.post(address, {}).status_code == 404
    content = client.post(address, {"reason": "asked"}).content
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        assert b"Anna" in file.read("data.json")
    act = PrivacyAct.objects.get()
    assert (act.kind, act.by, act.rows) == ("export", user, {"shop_customer": 1})
    assert apps.get_model("shop", "PrivacyActEvent").objects.count() == 1
    assert "Personal data of customer" in client.get("/settings/audit/").content.decode()


def test_a_person_is_erased_only_under_the_id_that_was_typed() -> None:
    client, user = logged_in()
    customer = make_customer(code="C-1", name="Anna")
    request = operations.request_privacy("erasure", customer_id=customer.pk, source="preference page", now=AT)
    address = f"/customers/{customer.pk}/privacy/erasure/"
    client.post(address, {"reason": "asked", "typed": "C-2"})
    assert Customer.objects.get(pk=customer.pk).name == "Anna"
    client.post(address, {"reason": "asked", "typed": "C-1"})
    assert Customer.objects.get(pk=customer.pk).erased_at is not None
    assert PrivacyAct.objects.get().by == user
    request.refresh_from_db()
    assert (request.state, request.decided_by) == ("done", user)
    page = client.get(f"/customers/{customer.pk}/privacy/").content.decode()
    assert "This person was erased." in page
    assert "This person was erased." in client.get(f"/customers/{customer.pk}/").content.decode()


def test_requests_wait_with_the_day_to_answer_by_and_are_closed_with_an_answer() -> None:
    client, _user = logged_in()
    customer = make_customer(code="C-1", name="Anna")
    request = operations.request_privacy("access", customer_id=customer.pk, source="preference page", now=AT)
    page = client.get("/settings/privacy/").content.decode()
    assert "Anna" in page
    assert "31 Mar 2026" in page
    client.post(f"/settings/privacy/{request.pk}/decision/", {"outcome": "done", "answer": "sent by post"})
    row = PrivacyRequest.objects.get()
    assert (row.state, row.answer) == ("done", "sent by post")
    assert "sent by post" in client.get("/settings/privacy/").content.decode()


def test_words_and_what_customers_tell_are_set() -> None:
    client, user = logged_in()
    AttributeDefinition.objects.create(name="birthday", label="Birthday", type="date")
    told = {"english": "Yes, by post", "chinese": "可以邮寄", "is_offered": "on"}
    assert client.post("/settings/consent/post/marketing/", {**told, "chinese": ""}).status_code == 422
    assert client.post("/settings/consent/post/marketing/", told).status_code == 302
    offer = next(one for one in queries.consent_offers() if one.name == "post.marketing")
    assert (offer.english, offer.wording, offer.is_offered) == ("Yes, by post", "post/marketing v1", True)
    assert queries.consent_wordings("post", "marketing").get().made_by == user
    assert "Yes, by post" in client.get("/settings/consent/post/marketing/").content.decode()
    client.post("/settings/consent/", {"own": ["birthday"]})
    assert AttributeDefinition.objects.get().is_customers
    assert "Birthday" in client.get("/settings/consent/").content.decode()
    assert client.get("/settings/consent/fax/marketing/").status_code == 404
