from operator import attrgetter

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from regulars.intake import operations as intake
from regulars.shop.models import Business
from regulars.staff.models import ApiKey, User
from regulars.staff.operations import create_api_key
from regulars.staff.rules import Role
from tests.console.browser import LOOKS, Console, Look
from tests.intake.shops import connect_shop, deliver, shopify_order
from tests.shop.factories import make_business
from tests.staff.factories import PASSWORD, make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("look", LOOKS, ids=attrgetter("name"))
def test_the_settings_are_sound(*, console: Console, look: Look) -> None:
    make_business()
    alice = make_user(name="Alice")
    make_user(role=Role.AGENT, name="Bob")
    create_api_key(
        name="Power BI", scopes=["reports:read"], created_by=alice, expires_at=None, now=timezone.now()
    )
    shop = connect_shop()
    deliver(shop, "orders/create", shopify_order())
    deliver(shop, "orders/create", shopify_order(1002, currency="EUR"))
    deliver(shop, "shop/redact", {"shop_id": 1, "shop_domain": "corner.myshopify.com"})
    intake.add_webhook_secret(connection_id=shop.pk, secret="the next one", now=timezone.now())
    pages = {
        "settings-sources": "/settings/sources/",
        "settings-connect": "/settings/sources/shops/new/shopify/",
        "settings-shop": f"/settings/sources/shops/{shop.pk}/",
        "settings-business": "/settings/business/",
        "settings-team": "/settings/team/",
        "settings-keys": "/settings/keys/",
        "settings-audit": "/settings/audit/",
        "account": "/account/",
        "second-factor": "/accounts/2fa/",
        "password": "/accounts/password/change/",
    }
    console.look_over(pages, look=look, user=alice, is_whole=True)


@pytest.mark.parametrize("look", LOOKS, ids=attrgetter("name"))
def test_the_pages_before_login_are_sound(*, console: Console, look: Look) -> None:
    pages = {"login": "/accounts/login/", "reset": "/accounts/password/reset/", "not-found": "/nowhere/"}
    console.look_over(pages, look=look)


def test_a_person_logs_in_and_chooses_a_language_and_a_theme(*, console: Console) -> None:
    alice = make_user(name="Alice")
    page = console.open("/accounts/login/?next=/account/")
    page.get_by_label("Email").fill(alice.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="My account")).to_be_visible()
    page.get_by_role("button", name="Your account, language and theme").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name="简体中文").click()
    expect(page.get_by_role("heading", name="我的账户")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert User.objects.get(pk=alice.pk).language == "zh-hans"


def test_the_business_is_changed_and_the_change_is_logged(*, console: Console) -> None:
    make_business()
    alice = make_user(name="Alice")
    page = console.open("/settings/business/", user=alice)
    page.get_by_label("Name").fill("Tea House")
    page.get_by_label("Time zone").select_option("Asia/Shanghai")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The business is saved.")).to_be_visible()
    assert Business.objects.get().time_zone == "Asia/Shanghai"
    page.get_by_role("link", name="Audit log").click()
    row = page.get_by_role("row", name="Tea House").first
    expect(row).to_contain_text("Alice")
    expect(row).to_contain_text("UTC → Asia/Shanghai")


def test_an_invited_person_sets_a_password_by_the_link(*, console: Console) -> None:
    page = console.open("/settings/team/", user=make_user(name="Alice"))
    page.get_by_label("E-mail address").fill("bob@example.com")
    page.get_by_role("button", name="Invite").click()
    link = page.get_by_label("The link").input_value()
    other = console.open(link.removeprefix(console.url), look=Look(375, "en", "light"))
    other.get_by_label("New Password", exact=True).fill("seven green umbrellas")
    other.get_by_label("New Password (again)").fill("seven green umbrellas")
    other.get_by_role("button", name="Set the password").click()
    expect(other.get_by_role("heading", name="Your password is set")).to_be_visible()
    assert User.objects.get(email="bob@example.com").check_password("seven green umbrellas")


def test_a_key_is_shown_once_and_revoked_by_its_name(*, console: Console) -> None:
    page = console.open("/settings/keys/", user=make_user())
    page.get_by_label("Name").fill("Power BI")
    page.get_by_label("See customers and their orders").check()
    page.get_by_role("button", name="Make the key").click()
    secret = page.get_by_label("The key").input_value()
    assert secret.startswith("rgl_")
    page.goto(f"{console.url}/settings/keys/")
    assert secret not in page.content()
    page.get_by_role("button", name="Revoke").first.click()
    revoke = page.get_by_role("dialog").get_by_role("button", name="Revoke")
    expect(revoke).to_be_disabled()
    page.get_by_label("Type Power BI to confirm").fill("Power BI")
    revoke.click()
    expect(page.get_by_text("Revoked", exact=True)).to_be_visible()
    assert ApiKey.objects.get().revoked_at is not None
