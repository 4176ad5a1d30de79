"""Templates and recipients for tests."""

from datetime import UTC, datetime
from typing import Any

from regulars.messaging.models import Template, TemplateVersion
from regulars.messaging.operations import templates as operations
from regulars.messaging.registry import Recipient
from regulars.shop.models import Customer

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def recipient(customer: Customer, *, delivery_id: int = 1, language: str = "", **told: str) -> Recipient:
    """A recipient whose links are plain to see."""
    return Recipient(
        delivery_id=delivery_id,
        token="0",
        customer_id=customer.pk,
        address="anna@example.com",
        language=language,
        unsubscribe_url=told.get("unsubscribe_url", "https://shop.test/my/u/"),
        preferences_url=told.get("preferences_url", "https://shop.test/my/p/"),
    )


def make_template(*, name: str = "News", format: str = "email", **parts: Any) -> Template:  # noqa: A002, ANN401  its name; parts of any language
    """A template; keyword arguments are languages (`en`, `zh`) as (subject, body), or a body."""
    content = {}
    for key, language in (("en", "en"), ("zh", "zh-hans")):
        if key in parts:
            told = parts[key]
            subject, body = told if isinstance(told, tuple) else ("Hello", told)
            content[language] = {"subject": subject, "preheader": "", "body": body}
    return operations.create_template(name=name, format=format, content=content, now=NOW)


def publish(**told: Any) -> TemplateVersion:  # noqa: ANN401  as above
    """A version of a template made for it."""
    return operations.publish(make_template(**told).pk, now=NOW)
