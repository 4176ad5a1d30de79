"""Connect shops, keep their secrets sealed, and let go of them."""

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from cryptography.fernet import InvalidToken, MultiFernet
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from regulars.intake.connectors import connector_named
from regulars.intake.connectors.client import checked_address
from regulars.intake.models import Backfill, Connection, Credential
from regulars.kernel.errors import RegularsError
from regulars.runtime.sealing import sealer
from regulars.shop.operations import ensure_stores
from regulars.staff.models import User

MOST_WEBHOOK_SECRETS = 2
_LONGEST_NAME = 60
_LONGEST_SECRET = 500


class InvalidConnectionError(RegularsError):
    """What was said of a shop cannot be used; `field` names which part."""

    code: ClassVar[str] = "invalid_connection"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message, field=field)
        self.field = field


class UnknownConnectionError(RegularsError):
    """There is no such connection, or it was disconnected."""

    code: ClassVar[str] = "unknown_connection"


class SealedByAnotherError(RegularsError):
    """The secret was sealed under another secret of the installation."""

    code: ClassVar[str] = "sealed_by_another"


def connect(  # noqa: PLR0913  what is known of a shop
    *,
    connector: str,
    name: str,
    store_code: str,
    address: str,
    secret: str,
    access: Mapping[str, str],
    by: User | None,
    now: datetime,
) -> Connection:
    """Connect a shop. One that was connected before goes on where it was left, at a new address for webhooks.

    Args:
        connector: One of `CONNECTORS`.
        name: What pages call it.
        store_code: The store whose customers and orders it tells of; an unknown one is made.
        address: Where its API answers.
        secret: What its webhooks are signed with; empty when none are sent.
        access: What the connector asks for to read the API; empty to take webhooks only.
        by: Who connects it.
        now: When.

    Raises:
        InvalidConnectionError: Something is missing, too long, or another shop's.
        AddressNotAllowedError: The address is none, or not HTTPS.
    """
    kind = connector_named(connector)
    name = name.strip()
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise InvalidConnectionError(_("a name has 1 to 60 characters"), field="name")
    place = checked_address(address)
    told = {asked.name: access.get(asked.name, "").strip() for asked in kind.access}
    missing = [asked for asked in kind.access if not told[asked.name]]
    if 0 < len(missing) < len(told):
        raise InvalidConnectionError(
            _("%(field)s is missing") % {"field": missing[0].label}, field=missing[0].name
        )
    if missing and not secret.strip():
        raise InvalidConnectionError(
            _("a webhook secret, access to the API, or both are needed"), field="webhook_secret"
        )
    with transaction.atomic():
        row = Connection.objects.select_for_update().filter(connector=connector, address=place).first()
        if row is not None and row.disconnected_at is None:
            raise InvalidConnectionError(
                _("this shop is connected already, as %(name)s") % {"name": row.name}, field="address"
            )
        row = row or Connection(connector=connector, address=place)
        row.name, row.store_id = name, ensure_stores([store_code])[store_code]
        row.key = secrets.token_urlsafe(24)
        row.connected_by, row.connected_at, row.disconnected_at = by, now, None
        row.save()
        if secret.strip():
            add_webhook_secret(connection_id=row.pk, secret=secret, now=now)
        if not missing:
            set_access(connection_id=row.pk, access=told, now=now)
    return row


def add_webhook_secret(*, connection_id: int, secret: str, now: datetime) -> None:
    """Take another webhook secret; of the former ones the latest stays good beside it, until it is retired.

    Raises:
        InvalidConnectionError: It is empty, too long, or known.
        UnknownConnectionError: There is no such connection.
    """
    text = secret.strip()
    if not 1 <= len(text) <= _LONGEST_SECRET:
        raise InvalidConnectionError(_("a secret has 1 to 500 characters"), field="webhook_secret")
    with transaction.atomic():
        row = live(connection_id, lock=True)
        if text in webhook_secrets(row):
            raise InvalidConnectionError(_("this secret is known already"), field="webhook_secret")
        kept = row.credentials.filter(use=Credential.Use.WEBHOOK)[: MOST_WEBHOOK_SECRETS - 1]
        row.credentials.filter(use=Credential.Use.WEBHOOK).exclude(pk__in=[one.pk for one in kept]).delete()
        row.credentials.create(use=Credential.Use.WEBHOOK, sealed=_seal(text), added_at=now)


def retire_webhook_secret(*, credential_id: int) -> None:
    """Refuse from now on what is signed with a secret. The last one stays, or no webhook would be taken.

    Raises:
        InvalidConnectionError: It is the only one.
    """
    with transaction.atomic():
        row = Credential.objects.select_for_update().get(pk=credential_id, use=Credential.Use.WEBHOOK)
        if Credential.objects.filter(connection=row.connection_id, use=Credential.Use.WEBHOOK).count() == 1:
            raise InvalidConnectionError(
                _("it is the only webhook secret; add the new one first"), field="webhook_secret"
            )
        row.delete()


def set_access(*, connection_id: int, access: Mapping[str, str], now: datetime) -> None:
    """Replace what the shop's API is read with.

    Raises:
        InvalidConnectionError: Something is missing or too long.
        UnknownConnectionError: There is no such connection.
    """
    row = live(connection_id)
    told = {}
    for asked in connector_named(row.connector).access:
        told[asked.name] = access.get(asked.name, "").strip()
        if not 1 <= len(told[asked.name]) <= _LONGEST_SECRET or not told[asked.name].isascii():
            raise InvalidConnectionError(
                _("%(field)s is missing, or not what it is called") % {"field": asked.label}, field=asked.name
            )
    Credential.objects.update_or_create(
        connection=row,
        use=Credential.Use.ACCESS,
        defaults={"sealed": _seal(json.dumps(told)), "added_at": now},
    )


def disconnect(*, connection_id: int, now: datetime) -> None:
    """Refuse the shop's webhooks from now on, end its back-fill, and forget its secrets. What it told stays.

    Raises:
        UnknownConnectionError: There is no such connection.
    """
    with transaction.atomic():
        row = live(connection_id, lock=True)
        row.disconnected_at = now
        row.save(update_fields=["disconnected_at"])
        row.credentials.all().delete()
        row.backfills.filter(state__in=(Backfill.State.QUEUED, Backfill.State.RUNNING)).update(
            state=Backfill.State.CANCELLED, finished_at=now
        )


def reseal() -> int:
    """Seal every secret anew with the installation's present secret, and return how many there are.

    Raises:
        SealedByAnotherError: One was sealed under a secret that is neither the present nor a named former one; none is changed.
    """
    with transaction.atomic():
        rows = list(Credential.objects.select_for_update().select_related("connection"))
        for row in rows:
            _opened(row)
            row.sealed = _sealer().rotate(row.sealed.encode()).decode()
        Credential.objects.bulk_update(rows, ["sealed"])
    return len(rows)


def webhook_secrets(row: Connection) -> list[str]:
    """Return what the shop's webhooks may be signed with. Raises SealedByAnotherError."""
    return [_opened(one) for one in row.credentials.filter(use=Credential.Use.WEBHOOK)]


def access_of(row: Connection) -> dict[str, str] | None:
    """Return what the shop's API is read with, or None. Raises SealedByAnotherError."""
    found = row.credentials.filter(use=Credential.Use.ACCESS).first()
    return None if found is None else json.loads(_opened(found))


def live(connection_id: int, *, lock: bool = False) -> Connection:
    """Return a connection that is not disconnected.

    Raises:
        UnknownConnectionError: There is none of that number.
    """
    rows = Connection.objects.select_for_update() if lock else Connection.objects
    row = rows.filter(pk=connection_id, disconnected_at__isnull=True).first()
    if row is None:
        raise UnknownConnectionError(_("there is no connected shop %(id)s") % {"id": connection_id})
    return row


def _seal(text: str) -> str:
    return _sealer().encrypt(text.encode()).decode()


def _opened(row: Credential) -> str:
    try:
        return _sealer().decrypt(row.sealed.encode()).decode()
    except InvalidToken as error:
        message = _(
            "a secret of %(name)s was sealed under another secret of this installation; name that in "
            "REGULARS_FORMER_SECRET_KEYS, or enter the shop's secret again"
        ) % {"name": row.connection.name}
        raise SealedByAnotherError(message) from error


def _sealer() -> MultiFernet:
    former: Sequence[str] = settings.SECRET_KEY_FALLBACKS
    return sealer("regulars connections", [settings.SECRET_KEY, *former])
