"""What programs say of customers: tags put on and taken off, and the merchant's own attributes."""

from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Router, Schema
from pydantic import ConfigDict, Field

from regulars.api.contract import terms
from regulars.api.parameters import VISIBLE, Id, Instant, NoOtherKeys
from regulars.api.problems import NotFoundError
from regulars.api.replays import once
from regulars.shop import operations as shop
from regulars.shop import queries
from regulars.shop.models import Customer
from regulars.shop.wording import gettext as _
from regulars.staff.rules import Capability

router = Router()

_SOURCE = "api"
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
TagName = Annotated[str, Field(min_length=1, max_length=60, pattern=VISIBLE)]
_Word = Annotated[str, Field(max_length=1_000, pattern=r"^[^\x00]*$")]
Value = bool | int | float | _Word | list[_Word] | None


class Sayings(Schema):
    """A customer's tags and values of the merchant's own attributes."""

    customer_id: int
    tags: list[str]
    attributes: dict[str, Any] = Field(
        description="By name in data. Money in minor units, dates as 2011-12-09; a yearly date without a year has 1904."
    )


class TagChanges(Schema):
    """Tags to put on and to take off. An unknown one is made."""

    model_config = ConfigDict(extra="forbid")

    put_on: list[TagName] = Field([], max_length=50)
    take_off: list[TagName] = Field([], max_length=50)


class AttributeValues(Schema):
    """Values by the attributes' names in data; null forgets one."""

    model_config = ConfigDict(extra="forbid")

    values: Annotated[dict[Name, Value], NoOtherKeys()] = Field(max_length=100)
    at: Instant | None = Field(
        None, description="When it was said; now, if it is left out. A later word stays."
    )


@router.get(
    "/customers/{customer_id}/sayings",
    response=Sayings,
    **terms("Customers", Capability.VIEW_CUSTOMERS, HTTPStatus.NOT_FOUND),
)
def get_sayings(request: HttpRequest, customer_id: Path[Id]) -> Sayings:
    """Read a customer's tags and attributes."""
    return _sayings(_customer(customer_id))


@router.post(
    "/customers/{customer_id}/tags",
    response=Sayings,
    **terms(
        "Customers",
        Capability.CHANGE_CUSTOMERS,
        HTTPStatus.NOT_FOUND,
        replayable=True,
        example={"put_on": ["wholesale"], "take_off": ["prospect"]},
    ),
)
@once(HTTPStatus.OK)
def change_tags(request: HttpRequest, customer_id: Path[Id], body: TagChanges) -> Sayings:
    """Put tags on a customer and take others off; what is so already stays."""
    customer = _customer(customer_id)
    now = timezone.now()
    with transaction.atomic():
        for name in body.put_on:
            tag = shop.ensure_tag(name=name)
            shop.tag_customers(tag_id=tag.pk, customer_ids=[customer.pk], source=_SOURCE, now=now)
        for tag in queries.tags_named(body.take_off):
            shop.untag_customers(tag_id=tag.pk, customer_ids=[customer.pk], source=_SOURCE, now=now)
    return _sayings(customer)


@router.post(
    "/customers/{customer_id}/attributes",
    response=Sayings,
    **terms(
        "Customers",
        Capability.CHANGE_CUSTOMERS,
        HTTPStatus.NOT_FOUND,
        replayable=True,
        example={"values": {"skin_type": "dry", "birthday": "1990-03-08"}},
    ),
)
@once(HTTPStatus.OK)
def set_values(request: HttpRequest, customer_id: Path[Id], body: AttributeValues) -> Sayings:
    """Write what is known of a customer. All values are written or, if one cannot be, none."""
    customer = _customer(customer_id)
    now = timezone.now()
    said = {
        name: Decimal(str(value)) if isinstance(value, float) else value
        for name, value in body.values.items()
    }
    with transaction.atomic():
        shop.attribute_rules(said)
        shop.forget_attributes(
            customer_id=customer.pk, names=[name for name, value in said.items() if value is None]
        )
        shop.set_attributes(
            [
                shop.Told(
                    customer_id=customer.pk,
                    name=name,
                    value=value,
                    at=min(body.at or now, now),
                    source=_SOURCE,
                )
                for name, value in said.items()
                if value is not None
            ]
        )
    return _sayings(customer)


def _customer(customer_id: int) -> Customer:
    found = Customer.objects.filter(pk=customer_id, merged_into=None, erased_at=None).first()
    if found is None:
        message = _("there is no customer %(id)s, or they are another customer by now") % {"id": customer_id}
        raise NotFoundError(message)
    return found


def _sayings(customer: Customer) -> Sayings:
    return Sayings(
        customer_id=customer.pk,
        tags=[row.tag.name for row in queries.tags(customer.pk)],
        attributes={one.name: _plain(one.value) for one in queries.attributes(customer.pk)},
    )


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
