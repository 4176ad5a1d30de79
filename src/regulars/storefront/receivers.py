"""What the pages for customers do when something happened below them: they write to whoever has to confirm it."""

from django.utils import timezone

from regulars.outbox.delivery import receive
from regulars.shop.events import ConsentPending, PrivacyRequestUnconfirmed
from regulars.shop.models import Consent, PrivacyRequest
from regulars.shop.operations import confirm_request
from regulars.shop.queries import consents_now
from regulars.storefront import mails


@receive(ConsentPending)
def ask_whether_it_was_them(event: ConsentPending) -> None:
    consent = Consent.objects.select_related("customer").filter(pk=event.consent_id).first()
    if consent is None or consent.customer.erased_at is not None:
        return
    now = consents_now(consent.customer.merged_into_id or consent.customer_id)
    if now.get((consent.channel, consent.purpose)) == Consent.State.PENDING:
        mails.ask_to_confirm(consent)


@receive(PrivacyRequestUnconfirmed)
def ask_whether_they_asked(event: PrivacyRequestUnconfirmed) -> None:
    request = PrivacyRequest.objects.select_related("customer").filter(pk=event.request_id).first()
    if request is None or request.state != PrivacyRequest.State.UNCONFIRMED:
        return
    if not mails.ask_about_request(request):
        # Whoever holds the link is all that the shop can know of somebody without an address: staff look closer.
        confirm_request(request_id=request.pk, now=timezone.now())
