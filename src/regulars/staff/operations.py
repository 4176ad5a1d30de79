"""Changes to the shop's own people and their keys."""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import transaction

from regulars.kernel.errors import RegularsError
from regulars.staff.models import ApiKey, User
from regulars.staff.rules import Capability

_PREFIX_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_NOTE_USE_EVERY = timedelta(minutes=1)


class InvalidApiKeyError(RegularsError):
    """A key was asked for that could never be used."""

    code: ClassVar[str] = "invalid_api_key_request"


class UnknownApiKeyError(RegularsError):
    """The key was never given out, or is mistyped."""

    code: ClassVar[str] = "unknown_api_key"


class RevokedApiKeyError(RegularsError):
    """The key was genuine and has been revoked."""

    code: ClassVar[str] = "revoked_api_key"


class ExpiredApiKeyError(RegularsError):
    """The key was genuine and its time is over."""

    code: ClassVar[str] = "expired_api_key"


def create_api_key(
    *,
    name: str,
    scopes: Collection[str],
    created_by: User,
    expires_at: datetime | None,
    now: datetime,
) -> tuple[ApiKey, str]:
    """Make a key for a program and return it with its plain text, which is kept nowhere.

    The plain text is `<prefix>.<secret>`: the prefix names the key in lists and logs, the secret is 256 random
    bits of which only the SHA-256 is stored. A fast hash is enough, because nobody can guess 256 bits.

    Args:
        name: What the key is for, in the words of the person who makes it.
        scopes: Values of `Capability`; at least one.
        created_by: The person who answers for what the key does.
        expires_at: The instant from which it is refused; None never.
        now: The present instant.

    Raises:
        InvalidApiKeyError: The name is blank, a scope does not exist or none is given, or it would expire in the past.
    """
    name = name.strip()
    if not name:
        message = "a key needs a name that says what it is for"
        raise InvalidApiKeyError(message)
    unknown = sorted(set(scopes) - set(Capability.values))
    if unknown or not scopes:
        message = f"scopes {unknown or 'are empty'}; choose from {', '.join(Capability.values)}"
        raise InvalidApiKeyError(message, scopes=unknown)
    if expires_at is not None and expires_at <= now:
        message = f"expires_at {expires_at.isoformat()} is not after now, {now.isoformat()}"
        raise InvalidApiKeyError(message, expires_at=expires_at.isoformat())
    prefix = "rgl_" + "".join(secrets.choice(_PREFIX_LETTERS) for _ in range(8))
    secret = secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        name=name,
        prefix=prefix,
        key_hash=_hash(secret),
        scopes=sorted(Capability(scope).value for scope in set(scopes)),
        created_by=created_by,
        expires_at=expires_at,
    )
    return key, f"{prefix}.{secret}"


def admit_api_key(*, key: str, now: datetime) -> ApiKey:
    """Return the key whose plain text a program presents, and note that it was used.

    The note is written at most once a minute for each key, so a busy program costs no write a request.
    A revoked or expired key is told from an unknown one only to a caller who holds its secret.

    Args:
        key: `<prefix>.<secret>` as it was shown when the key was made.
        now: The present instant.

    Raises:
        UnknownApiKeyError: No such key.
        RevokedApiKeyError: The key was revoked.
        ExpiredApiKeyError: The key has expired.
    """
    prefix, _, secret = key.partition(".")
    found = (
        ApiKey.objects.filter(prefix=prefix).first() if prefix.isascii() and prefix.isprintable() else None
    )
    # Compared even when nothing was found, so that the time taken does not tell which prefixes exist.
    stored = found.key_hash if found else "0" * 64
    if not hmac.compare_digest(_hash(secret), stored) or found is None:
        message = "this API key is not known; check that it was copied whole, prefix, dot and secret"
        raise UnknownApiKeyError(message)
    if found.revoked_at is not None:
        message = (
            f"API key {found.prefix} was revoked on {found.revoked_at.date().isoformat()}; make a new one"
        )
        raise RevokedApiKeyError(message)
    if found.expires_at is not None and found.expires_at <= now:
        message = f"API key {found.prefix} expired on {found.expires_at.date().isoformat()}; make a new one"
        raise ExpiredApiKeyError(message)
    if found.last_used_at is None or found.last_used_at <= now - _NOTE_USE_EVERY:
        with transaction.atomic():
            ApiKey.objects.filter(pk=found.pk).update(last_used_at=now)
        found.last_used_at = now
    return found


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
