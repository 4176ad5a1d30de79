"""Set channels up, with their secrets sealed; open them; close them for a while when nothing gets through."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import ClassVar
from uuid import uuid4

from cryptography.fernet import InvalidToken, MultiFernet
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import DateTimeField, Value
from django.db.models.functions import Coalesce

from regulars.kernel.errors import RegularsError
from regulars.messaging.channels import kind_named
from regulars.messaging.channels.channel import (
    ChannelKind,
    InvalidChannelError,
    Opening,
    Outgoing,
    Receipt,
    Sender,
)
from regulars.messaging.channels.smtp.dkim import new_key
from regulars.messaging.channels.webhook import new_secret
from regulars.messaging.models import Channel
from regulars.messaging.registry import Message, Recipient, Source
from regulars.runtime.sealing import sealer
from regulars.shop.wording import gettext as _
from regulars.shop.wording import keep
from regulars.staff.models import User

_LONGEST_NAME = 60
_LONGEST_VALUE = 8_000
_SECRET_BYTES = 32
_FIRST_CLOSING = timedelta(seconds=30)
_LONGEST_CLOSING = timedelta(minutes=30)
_MOST_DOUBLINGS = 6


class UnknownChannelError(RegularsError):
    """There is no such channel, or it is not in use any more."""

    code: ClassVar[str] = "unknown_channel"


class NoTestError(RegularsError):
    """Nothing leaves over a channel of this kind, so that a test would tell nothing."""

    code: ClassVar[str] = "no_channel_test"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How fast a channel may go, and what a message costs in minor units of the base currency. None is no limit."""

    cost_minor: Decimal = Decimal(0)
    per_minute: int | None = None
    domain_per_minute: int | None = None
    warm_up_first: int | None = None
    warm_up_from: date | None = None


def set_up_channel(  # noqa: PLR0913  what it is, how it is reached, how fast it may go, by whom
    *,
    kind: str,
    name: str,
    medium: str,
    values: Mapping[str, str],
    limits: Limits,
    by: User | None,
    now: datetime,
) -> Channel:
    """Set a channel up. Secrets that are ours to choose are made where none are told.

    Args:
        kind: One of `channels.KINDS`.
        name: What people call it.
        medium: What it reaches people by, one of the kind's.
        values: What the kind asks for.
        limits: Its cost and speed.
        by: Who.
        now: When.

    Raises:
        InvalidChannelError: Something is missing or cannot be used.
    """
    which = kind_named(kind)
    told = {**values, **_made_secrets(which, values)}
    row = Channel(kind=kind, key=secrets.token_urlsafe(24), created_at=now, created_by=by)
    _describe(row, which, name=name, medium=medium, limits=limits)
    return _keep(row, which, _checked(which, told))


def change_channel(
    channel_id: int, *, name: str, medium: str, values: Mapping[str, str], limits: Limits
) -> Channel:
    """Change a channel; secrets that are not told anew stay as they are. It is tried again at once.

    Raises:
        InvalidChannelError: Something is missing or cannot be used.
        UnknownChannelError: There is no such channel.
    """
    with transaction.atomic():
        row = _live(channel_id)
        which = kind_named(row.kind)
        former = opening_of(row).values
        told = {
            asked.name: values.get(asked.name, "") or (former[asked.name] if asked.is_secret else "")
            for asked in which.asked
        }
        _describe(row, which, name=name, medium=medium, limits=limits)
        row.trouble, row.trouble_since, row.closed_until, row.closings = "", None, None, 0
        return _keep(row, which, _checked(which, told))


def retire_channel(channel_id: int, *, now: datetime) -> None:
    """Take a channel out of use. What waits for it is held back, with the reason, or passed on; its secrets are forgotten.

    Raises:
        UnknownChannelError: There is no such channel.
    """
    with transaction.atomic():
        row = _live(channel_id)
        row.is_active, row.sealed = False, ""
        row.save(update_fields=["is_active", "sealed"])
        hold_back_gone(now=now)


def close_channel(channel_id: int, *, trouble: str, now: datetime, is_gone: bool = False) -> None:
    """Send nothing over a channel for a while, longer each time in a row; or never again, when it says that it is gone."""
    with transaction.atomic():
        row = Channel.objects.select_for_update(no_key=True).get(pk=channel_id)
        if row.closed_until is not None and row.closed_until > now:
            return
        closings = row.closings + 1
        Channel.objects.filter(pk=channel_id).update(
            closings=closings,
            closed_until=now
            + min(_FIRST_CLOSING * 2 ** min(closings - 1, _MOST_DOUBLINGS), _LONGEST_CLOSING),
            trouble=keep(trouble),
            trouble_since=row.trouble_since or now,
            is_active=row.is_active and not is_gone,
        )


def reopen_channel(channel_id: int) -> None:
    """Forget a channel's trouble: something got through, or a person says so."""
    Channel.objects.filter(pk=channel_id).update(
        closings=0, closed_until=None, trouble="", trouble_since=None
    )


def note_hearing(channel_id: int, *, trouble: str, now: datetime) -> None:
    """Note why a channel's mailbox cannot be read, and since when; or, with no trouble, that it can again."""
    row = Channel.objects.filter(pk=channel_id)
    if trouble:
        row.update(
            deaf_trouble=keep(trouble),
            deaf_since=Coalesce("deaf_since", Value(now, output_field=DateTimeField())),
        )
    else:
        row.exclude(deaf_since=None).update(deaf_trouble="", deaf_since=None)


def opening_of(channel: Channel) -> Opening:
    """Return what a channel is opened with, its secrets included.

    Raises:
        InvalidChannelError: The secrets were sealed under another secret of the installation.
    """
    try:
        hidden = json.loads(_sealer().decrypt(channel.sealed)) if channel.sealed else {}
    except InvalidToken as error:
        raise InvalidChannelError(
            _("the secrets of %(channel)s were sealed by another installation; enter them anew")
            % {"channel": channel.name},
            field="name",
        ) from error
    told = {**channel.options, **hidden}
    values = {asked.name: str(told.get(asked.name, "")) for asked in kind_named(channel.kind).asked}
    return Opening(values=values, name=channel.name, key=channel.key)


def reseal() -> int:
    """Seal the secrets of every channel anew with the installation's present secret, and return how many channels have some.

    Raises:
        InvalidChannelError: One was sealed under a secret that is neither the present nor a named former one; none is changed.
    """
    with transaction.atomic():
        rows = list(Channel.objects.select_for_update(no_key=True).exclude(sealed=""))
        for row in rows:
            opening_of(row)
            row.sealed = _sealer().rotate(row.sealed.encode()).decode()
        Channel.objects.bulk_update(rows, ["sealed"])
    return len(rows)


def open_channel(channel: Channel) -> Sender:
    """Open a channel, for one thread.

    Raises:
        InvalidChannelError: What it was set up with cannot be used.
    """
    return kind_named(channel.kind).open(opening_of(channel))


def recipient_of_test(address: str) -> Recipient:
    """Return whoever waits for a test: no customer. Each has a token of its own, for servers know repeated ones again."""
    return Recipient(
        delivery_id=0,
        token=str(uuid4()),
        customer_id=0,
        address=address,
        language="",
        unsubscribe_url="",
        preferences_url="",
    )


def send_test(channel_id: int, *, message: Message, recipient: Recipient) -> Receipt:
    """Send one message at once, outside the ledger, to somebody who waits for it.

    Raises:
        SendError: It was not accepted.
        InvalidChannelError: What the channel was set up with cannot be used.
        UnknownChannelError: There is no such channel.
        NoTestError: A test over it would go nowhere.
    """
    row = Channel.objects.filter(pk=channel_id, is_active=True).first()
    if row is None:
        raise UnknownChannelError(_("there is no channel %(id)s in use") % {"id": channel_id})
    if not kind_named(row.kind).takes_tests:
        raise NoTestError(
            _("no message leaves over “%(channel)s”, so there is nothing to test") % {"channel": row.name}
        )
    sender = open_channel(row)
    try:
        source = Source(kind="test", id=channel_id)
        receipt = sender.prepare(
            Outgoing(recipient=recipient, source=source, message=message, is_transactional=True)
        )()
    finally:
        sender.close()
    reopen_channel(channel_id)
    return receipt


def hold_back_gone(*, now: datetime) -> None:
    """Settle what waits for channels that are out of use; senders see what finishes or goes over the next channel by that."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLD_BACK, {"now": now})


# By the index of what is under way: one look for each send that is not finished and each channel that is out of use.
_HOLD_BACK = """
UPDATE messaging_delivery SET state = 'suppressed', reason = 'channel_gone', settled_at = %(now)s, counted_at = NULL
WHERE id IN (
    SELECT w.id
    FROM messaging_send s CROSS JOIN messaging_channel c
    CROSS JOIN LATERAL (
        SELECT d.id FROM messaging_delivery d
        WHERE d.send_id = s.id AND d.channel_id = c.id AND d.state = 'pending'
    ) AS w
    WHERE s.finished_at IS NULL AND NOT c.is_active
) AND state = 'pending'
"""


def _live(channel_id: int) -> Channel:
    row = Channel.objects.select_for_update(no_key=True).filter(pk=channel_id, is_active=True).first()
    if row is None:
        raise UnknownChannelError(_("there is no channel %(id)s in use") % {"id": channel_id})
    return row


def _made_secrets(kind: ChannelKind, values: Mapping[str, str]) -> dict[str, str]:
    if kind.key == "smtp" and not values.get("dkim_key"):
        return {"dkim_key": new_key()}
    return {
        asked.name: new_secret(secrets.token_bytes(_SECRET_BYTES))
        for asked in kind.asked
        if asked.is_made and not values.get(asked.name)
    }


def _checked(kind: ChannelKind, told: Mapping[str, str]) -> dict[str, str]:
    values = {asked.name: told.get(asked.name, "").strip() or asked.default for asked in kind.asked}
    for asked in kind.asked:
        value = values[asked.name]
        if asked.is_required and not value:
            raise InvalidChannelError(_("%(field)s is missing") % {"field": asked.label}, field=asked.name)
        if len(value) > _LONGEST_VALUE or (asked.choices and value not in dict(asked.choices)):
            raise InvalidChannelError(
                _("%(field)s cannot be that") % {"field": asked.label}, field=asked.name
            )
    kind.open(Opening(values=values)).close()
    return values


def _describe(row: Channel, kind: ChannelKind, *, name: str, medium: str, limits: Limits) -> None:
    if not 1 <= len(name.strip()) <= _LONGEST_NAME:
        raise InvalidChannelError(_("a name has 1 to 60 characters"), field="name")
    if medium not in kind.media:
        raise InvalidChannelError(
            _("medium == %(medium)s, must be one of %(choices)s")
            % {"medium": repr(medium)[:40], "choices": ", ".join(kind.media)},
            field="medium",
        )
    if limits.cost_minor < 0:
        raise InvalidChannelError(_("a message costs nothing or more"), field="cost_minor")
    row.name, row.medium = name.strip(), medium
    row.cost_minor = limits.cost_minor
    row.per_minute, row.domain_per_minute = limits.per_minute, limits.domain_per_minute
    if limits.warm_up_first and not limits.warm_up_from:
        raise InvalidChannelError(_("say on which day the warm-up begins"), field="warm_up_from")
    row.warm_up_first = limits.warm_up_first
    row.warm_up_from = limits.warm_up_from if limits.warm_up_first else None


def _keep(row: Channel, kind: ChannelKind, values: Mapping[str, str]) -> Channel:
    hidden = {
        asked.name: values[asked.name] for asked in kind.asked if asked.is_secret and values[asked.name]
    }
    row.options = {asked.name: values[asked.name] for asked in kind.asked if not asked.is_secret}
    row.sealed = _sealer().encrypt(json.dumps(hidden).encode()).decode() if hidden else ""
    same = Channel.objects.filter(is_active=True, name=row.name).exclude(pk=row.pk)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        told = _("another channel has this name") if same.exists() else _("a limit is below 1")
        raise InvalidChannelError(told, field="name") from error
    return row


def _sealer() -> MultiFernet:
    return sealer("messaging.channels", [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])
