"""The privacy pages, of staff and of customers, in a real browser."""

from datetime import UTC, datetime, timedelta
from operator import attrgetter

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from regulars.shop import links, operations
from regulars.shop.models import Customer
from tests.console.browser import LOOKS, PAIRWISE_LOOKS, Console, Look
from tests.shop.factories import make_business, make_customer
from tests.staff.factories import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
AT = datetime(2026, 3, 1, tzinfo=UTC)


def make_anna() -> Customer:
    make_business()
    anna = make_customer(code="C-1", name="Anna Bloom")
    anna.identifiers.create(kind="email", value="anna@example.com")
    anna.identifiers.create(kind="phone", value="+447700900123")
    operations.define_attribute(name="birthday", label="Birthday", type="date", is_customers=True)
    operations.define_attribute(
        name="skin", label="Skin", type="choices", choices=["dry", "oily"], is_customers=True
    )
    for number, (channel, state) in enumerate(
        (("email", "pending"), ("email", "granted"), ("sms", "withdrawn"))
    ):
        operations.record_consents([
            operations.Statement(
                customer_id=anna.pk, channel=channel, purpose="marketing", state=state, at=AT + timedelta(days=number),
                source="checkout", key=str(number), wording="email/marketing v1", address="anna@example.com",
            )
        ])  # fmt: skip
    return anna


@pytest.mark.parametrize("look", LOOKS, ids=attrgetter("name"))
def test_the_privacy_pages_are_sound(*, console: Console, look: Look) -> None:
    anna, alice = make_anna(), make_user(name="Alice")
    operations.word_consent(
        channel="email",
        purpose="marketing",
        english="Offers by e-mail.",
        chinese="邮件优惠。",
        by=alice,
        now=AT,
    )
    operations.request_privacy("erasure", customer_id=anna.pk, source="preference page", now=timezone.now())
    operations.request_privacy("access", identifiers={"email": "x@example.com"}, source="shopify", now=AT)
    console.look_over(
        {
            "privacy-customer": f"/customers/{anna.pk}/privacy/",
            "privacy-requests": "/settings/privacy/",
            "privacy-consents": "/settings/consent/",
            "privacy-wording": "/settings/consent/email/marketing/",
        },
        look=look,
        user=alice,
        is_whole=True,
    )
    path = links.preferences_url(anna.pk).split("/my/")[1]
    unsubscribe = links.unsubscribe_url(anna.pk, channel="email", purpose="marketing").split("/my/")[1]
    console.look_over(
        {
            "my-preferences": f"/my/{path}?lang={look.language}",
            "my-unsubscribe": f"/my/{unsubscribe}?lang={look.language}",
            "my-entry": f"/my/?lang={look.language}",
        },
        look=look,
        is_whole=True,
    )


def test_a_customer_unsubscribes_and_a_manager_erases_them(*, console: Console) -> None:
    anna, alice = make_anna(), make_user(name="Alice")
    page = console.open("/my/" + links.preferences_url(anna.pk).split("/my/")[1], look=PAIRWISE_LOOKS[2])
    page.get_by_label("Birthday").fill("1990-02-03")
    page.get_by_role("checkbox", name="E-mail").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_role("checkbox", name="E-mail")).not_to_be_checked()
    page = console.open(f"/customers/{anna.pk}/privacy/", user=alice)
    page.get_by_role("button", name="Erase this person").click()
    erase = page.get_by_role("dialog").get_by_role("button", name="Erase")
    expect(erase).to_be_disabled()
    page.get_by_label("Type C-1 to confirm").fill("C-1")
    erase.click()
    expect(page.get_by_text("This person was erased.")).to_be_visible()
    assert Customer.objects.get(pk=anna.pk).name == ""
