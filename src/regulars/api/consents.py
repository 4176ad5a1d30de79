"""Consents: what a customer allows, over which channel, for what; said again by the programs that asked them."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Router, Schema
from pydantic import Field

from regulars.api.contract import terms
from regulars.api.parameters import Id, Instant, NetworkAddress, Text
from regulars.api.problems import NotFoundError
from regulars.api.replays import once
from regulars.shop.models import Customer
from regulars.shop.operations import Statement, record_consents
from regulars.shop.queries import consent_history, current_consents
from regulars.shop.wording import gettext as _
from regulars.staff.rules import Capability

router = Router()

Channel = Literal["email", "sms", "phone", "whatsapp", "wecom", "dingtalk", "post", "push", "web"]
Purpose = Literal["marketing", "service", "profiling", "analytics"]
State = Literal["granted", "pending", "withdrawn"]
_Short = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
_MOST_STATEMENTS = 1_000


class ConsentView(Schema):
    """What a customer last said about one channel and purpose."""

    channel: Channel
    purpose: Purpose
    state: State
    at: datetime
    wording: str = Field(description="Version of the words that were agreed to.")
    source: str = Field(description="Where it was said.")


class Consents(Schema):
    """What holds now, and every statement behind it, newest first; at most 1,000."""

    customer_id: int
    now: list[ConsentView] = Field(
        description="A channel and purpose that is missing was never spoken of: no permission."
    )
    statements: list[ConsentView]


class NewConsent(Schema):
    """One statement of a customer, made where the program asked them."""

    channel: Channel
    purpose: Purpose = "marketing"
    state: State = Field(
        description="`pending` asks the customer by mail to confirm it, where the channel is e-mail."
    )
    at: Instant | None = Field(
        None, description="When it was said; now, if it is left out. Not in the future."
    )
    wording: _Short = Field("", description="Version of the words that were agreed to.")
    source: Text = Field(description="Where it was said.", examples=["checkout"])
    address: Annotated[str, Field(max_length=320, pattern=r"^[^\x00]*$")] = Field(
        "", description="The e-mail or number that it was given for."
    )
    ip: NetworkAddress | None = Field(
        None, description="The network address it was said from, where the law lets you keep it."
    )
    key: Annotated[str, Field(min_length=1, max_length=150, pattern=r"^[^\x00]+$")] = Field(
        description="Your own id of the statement: one that is known already changes nothing."
    )


@router.get(
    "/customers/{customer_id}/consents",
    response=Consents,
    **terms("Consents", Capability.VIEW_CONSENTS, HTTPStatus.NOT_FOUND),
)
def get_consents(request: HttpRequest, customer_id: Path[Id]) -> Consents:
    """Read what a customer allows now, and how that came about."""
    return _consents(_customer(customer_id))


@router.post(
    "/customers/{customer_id}/consents",
    response={HTTPStatus.CREATED: Consents},
    **terms(
        "Consents",
        Capability.CHANGE_CONSENTS,
        HTTPStatus.NOT_FOUND,
        replayable=True,
        example={
            "channel": "email",
            "purpose": "marketing",
            "state": "withdrawn",
            "source": "checkout",
            "key": "c-1",
        },
    ),
)
@once(HTTPStatus.CREATED)
def add_consent(request: HttpRequest, customer_id: Path[Id], body: NewConsent) -> Consents:
    """Write down what a customer said. What holds is the latest by `at`, whatever order statements arrive in."""
    customer = _customer(customer_id)
    now = timezone.now()
    record_consents(
        [
            Statement(
                customer_id=customer.pk,
                channel=body.channel,
                purpose=body.purpose,
                state=body.state,
                at=min(body.at or now, now),
                wording=body.wording,
                source=body.source,
                address=body.address,
                ip=body.ip,
                key=f"api:{body.key}",
            )
        ]
    )
    return _consents(customer)


def _customer(customer_id: int) -> Customer:
    found = Customer.objects.filter(pk=customer_id).first()
    if found is None:
        message = _("there is no customer %(id)s") % {"id": customer_id}
        raise NotFoundError(message)
    return found


def _consents(customer: Customer) -> Consents:
    def view(row: object) -> ConsentView:
        return ConsentView.model_validate(row, from_attributes=True)

    return Consents(
        customer_id=customer.pk,
        now=[view(row) for row in current_consents([customer.pk])],
        statements=[view(row) for row in consent_history(customer.pk)[:_MOST_STATEMENTS]],
    )
