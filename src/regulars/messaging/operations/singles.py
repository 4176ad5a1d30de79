"""Send a message to one customer, because a program asks: a receipt, an answer, a code."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import transaction

from regulars.kernel.errors import RegularsError
from regulars.messaging import composing, variables
from regulars.messaging.models import Channel, Delivery, SingleMessage, Template
from regulars.messaging.operations.sends import begin_send, complete_send, enlist
from regulars.messaging.queries import SINGLE
from regulars.messaging.queries.templates import latest_version
from regulars.messaging.registry import Source
from regulars.messaging.variables import Occasion, Root, Variable
from regulars.shop.models import Customer
from regulars.shop.models.consents import Purpose
from regulars.shop.wording import gettext as _
from regulars.staff.models import User

VALUES = "message"
"""Under this name a template says what the program told with the message."""
_LASTS = timedelta(days=3)


class NotSendableError(RegularsError):
    """The message cannot be sent as it was asked for; `field` names the part."""

    code: ClassVar[str] = "not_sendable"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message, field=field)


@dataclass(frozen=True, kw_only=True)
class SingleTold:
    """Everything that a program says of a message.

    Attributes:
        customer_id: To whom.
        channel_id: By which channel in use.
        template_id: Of which template; its published version is sent.
        values: What the template says as `message.name`.
        purpose: What the customer must have allowed, unless it is transactional.
        is_transactional: It has to be said: no consent, cap or quiet hour holds it back.
        counts: Whether it uses up caps.
    """

    customer_id: int
    channel_id: int
    template_id: int
    values: Mapping[str, str | int | float] = field(default_factory=dict)
    purpose: str = Purpose.SERVICE
    is_transactional: bool = True
    counts: bool = False


def send_single(told: SingleTold, *, by: User | None, now: datetime) -> Delivery:
    """Put a message to one customer into the ledger, and return its row; it goes out before whatever is sent to many.

    Args:
        told: What, to whom.
        by: Who.
        now: When.

    Raises:
        NotSendableError: There is no such customer, channel or template, or the template was not published.
        WrongFormatError: The template is for another kind of channel.
        TemplateFaultError: It can no longer be built.
    """
    if not Customer.objects.filter(pk=told.customer_id, erased_at=None, merged_into=None).exists():
        raise NotSendableError(_("there is no such customer"), field="customer_id")
    channel = Channel.objects.filter(pk=told.channel_id, is_active=True).first()
    if channel is None:
        raise NotSendableError(_("there is no such channel in use"), field="channel_id")
    template = Template.objects.filter(pk=told.template_id, archived_at=None).first()
    if template is None:
        raise NotSendableError(_("there is no such template"), field="template_id")
    version = latest_version(template.pk)
    if version is None:
        raise NotSendableError(
            _("“%(name)s” was never published") % {"name": template.name}, field="template_id"
        )
    composing.of_version(version.pk, channel=channel.medium)
    with transaction.atomic():
        row = SingleMessage.objects.create(
            customer_id=told.customer_id, version=version, values=dict(told.values), created_at=now
        )
        send = begin_send(
            Source(kind=SINGLE, id=row.pk),
            label=template.name,
            purpose=told.purpose,
            now=now,
            by=by,
            priority=90,
            is_transactional=told.is_transactional,
            counts=told.counts,
            expires_at=now + _LASTS,
        )
        enlist(send.pk, [told.customer_id], channel_id=channel.pk, now=now)
        complete_send(send.pk, now=now)
    return Delivery.objects.select_related("send", "channel", "customer").get(send=send)


def compose(source: Source, *, channel: str) -> composing.TemplateVariant:
    """Compose for sources of the kind `message`.

    Raises:
        NotSendableError: There is no such message.
    """
    row = SingleMessage.objects.filter(pk=source.id).first()
    if row is None:
        raise NotSendableError(_("there is no message %(id)s") % {"id": source.id}, field="id")
    return composing.of_version(row.version_id, channel=channel, given={VALUES: row.values})


def _variables() -> Iterable[Variable]:
    return ()


def _values(ids: Sequence[int], _asked: set[str], occasion: Occasion) -> Mapping[int, object]:
    values = occasion.given.get(VALUES)
    return dict.fromkeys(ids, values) if isinstance(values, dict) else {}


def register() -> None:
    """Let templates say what programs tell: whatever stands under `message`."""
    variables.register(Root(name=VALUES, variables=_variables, gather=_values, is_needed=True, is_open=True))
