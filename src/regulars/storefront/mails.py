"""Mails to the shop's customers that they asked for themselves: plain words, one link, no picture and no counter."""

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from regulars.shop import links
from regulars.shop.models import Consent, Customer, Identifier, PrivacyRequest
from regulars.shop.queries import business, consent_offers
from regulars.shop.rules import region_of_zone


def address_of(customer_id: int) -> str:
    """Return the e-mail address on file of a customer, the first told, or ""."""
    found = Identifier.objects.filter(customer=customer_id, kind="email").order_by("id")
    return found.values_list("value", flat=True).first() or ""


def ask_to_confirm(consent: Consent) -> bool:
    """Ask somebody whether they said yes themselves; return whether there was an address to ask."""
    address = consent.address or address_of(consent.customer_id)
    if consent.channel != Consent.Channel.EMAIL or not address:
        return False
    with _language_of(consent.customer):
        words = next(
            (
                one.words
                for one in consent_offers()
                if (one.channel, one.purpose) == (consent.channel, consent.purpose)
            ),
            "",
        )
        _send(
            address,
            subject=_("Please confirm: mail from %(shop)s"),
            template="storefront/mails/confirm.txt",
            link=links.confirmation_url(consent.pk),
            words=words,
        )
    return True


def ask_about_request(request: PrivacyRequest) -> bool:
    """Ask the address on file whether a privacy request is the person's own; return whether there was one."""
    address = address_of(request.customer_id) if request.customer_id and request.customer else ""
    if request.customer is None or not address:
        return False
    with _language_of(request.customer):
        _send(
            address,
            subject=_("Please confirm your request to %(shop)s"),
            template="storefront/mails/request.txt",
            link=links.request_url(request.pk),
            kind=request.kind,
        )
    return True


def send_link(identifier: Identifier, *, language: str) -> None:
    """Send somebody the link to their own preference page, in the language of the page on which they asked."""
    with _language_of(identifier.customer, asked_in=language):
        _send(
            identifier.value,
            subject=_("Your settings at %(shop)s"),
            template="storefront/mails/link.txt",
            link=links.preferences_url(identifier.customer.merged_into_id or identifier.customer_id),
        )


def _language_of(customer: Customer, *, asked_in: str = "") -> "translation.override":
    """Speak the customer's language; else that in which they asked; else, of a shop in China, Chinese."""
    spoken = customer.language if customer.language in dict(settings.LANGUAGES) else asked_in
    if not spoken and region_of_zone(business().time_zone) == "CN":
        spoken = "zh-hans"
    return translation.override(spoken or translation.get_language() or "en")


def _send(address: str, *, subject: str, template: str, **words: object) -> None:
    shop = business().name
    text = render_to_string(template, {"shop": shop, **words})
    # A name with a line break in it must not become a header of its own.
    plain = " ".join((subject % {"shop": shop}).split())
    EmailMessage(plain, text, None, [address], headers={"Auto-Submitted": "auto-generated"}).send()
