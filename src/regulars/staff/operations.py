"""Make people, change what they may do, give keys to programs."""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from regulars.kernel.errors import RegularsError
from regulars.staff.models import ApiKey, User
from regulars.staff.rules import KEY_SCOPES, Role

_PREFIX_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_NOTE_USE_EVERY = timedelta(minutes=1)
_NAMED_LANGUAGES = tuple(code for code, _name in settings.LANGUAGES)


class EmailTakenError(RegularsError):
    """Somebody already logs in with this address."""

    code: ClassVar[str] = "email_taken"


class UnknownPersonError(RegularsError):
    """Nobody logs in with this address."""

    code: ClassVar[str] = "unknown_person"


class LastOwnerError(RegularsError):
    """The change would leave the shop without an active owner, and nobody could undo it."""

    code: ClassVar[str] = "last_owner"


class UnknownChoiceError(RegularsError):
    """The value is not one of those that exist."""

    code: ClassVar[str] = "unknown_choice"


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


def create_owner(*, email: str, password: str, name: str = "", language: str = "") -> User:
    """Create a person who may do everything, as the first one of an installation must.

    Args:
        email: The address to log in with; upper and lower case are the same address.
        password: The password, not checked against the password rules: the caller makes or checks it.
        name: What others call the person.
        language: `en` or `zh-hans`; empty is that of the browser at the first login.

    Raises:
        EmailTakenError: Somebody already has the address.
        UnknownChoiceError: The language does not exist.
    """
    chosen = _language(language) if language else ""
    return _create(email=email, password=password, name=name, language=chosen, role=Role.OWNER)


def invite(*, email: str, role: str, name: str = "", language: str = "en") -> User:
    """Create a person who sets a password by a link before the first login.

    Raises:
        EmailTakenError: Somebody already has the address.
        UnknownChoiceError: The role or the language does not exist.
    """
    return _create(email=email, password=None, name=name, language=_language(language), role=_role(role))


def set_password(*, email: str, password: str) -> User:
    """Give a person a new password, which logs them out everywhere.

    Raises:
        UnknownPersonError: Nobody logs in with the address.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().filter(email__iexact=email.strip()).first()
        if user is None:
            message = _("nobody logs in with %(email)s") % {"email": email}
            raise UnknownPersonError(message, email=email)
        user.set_password(password)
        user.save(update_fields=["password"])
    return user


def change_role(*, user_id: int, role: str) -> User:
    """Give a person another role.

    Raises:
        LastOwnerError: The person is the last active owner and would no longer be one.
        UnknownChoiceError: The role does not exist.
    """
    chosen = _role(role)
    with transaction.atomic():
        user = _locked(user_id=user_id)
        if chosen != Role.OWNER:
            _keep_an_owner(without=user)
        user.role = chosen
        user.save(update_fields=["role"])
    return user


def deactivate(*, user_id: int, now: datetime) -> User:
    """Stop a person from logging in, at once and everywhere, and revoke the API keys they made. What they did stays theirs.

    A key acts in the name of the person who made it; one who has left must not come back through it. Switching the person on
    again brings no key back.

    Raises:
        LastOwnerError: The person is the last active owner.
    """
    with transaction.atomic():
        user = _locked(user_id=user_id)
        _keep_an_owner(without=user)
        user.is_active = False
        user.save(update_fields=["is_active"])
        ApiKey.objects.filter(created_by=user, revoked_at=None).update(revoked_at=now)
    return user


def reactivate(*, user_id: int) -> User:
    """Let a person log in again, with the password they had."""
    with transaction.atomic():
        user = _locked(user_id=user_id)
        user.is_active = True
        user.save(update_fields=["is_active"])
    return user


def change_account(*, user_id: int, name: str, language: str) -> User:
    """Change what a person is called and the language they are spoken to in.

    Raises:
        UnknownChoiceError: The language does not exist.
    """
    with transaction.atomic():
        user = _locked(user_id=user_id)
        user.name = name.strip()
        user.language = _language(language)
        user.save(update_fields=["name", "language"])
    return user


def change_language(*, user_id: int, language: str) -> None:
    """Change the language that a person is spoken to in; nothing is written when it is the same.

    Raises:
        UnknownChoiceError: The language does not exist.
    """
    chosen = _language(language)
    User.objects.filter(pk=user_id).exclude(language=chosen).update(language=chosen)


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
        scopes: At least one of `rules.KEY_SCOPES`; the key can never do more.
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
    unknown = sorted(set(scopes) - set(KEY_SCOPES))
    if unknown or not scopes:
        message = f"scopes {unknown or 'are empty'}; choose from {', '.join(KEY_SCOPES)}"
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
        scopes=sorted(set(scopes)),
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
    prefix, _dot, secret = key.partition(".")
    found = (
        ApiKey.objects.filter(prefix=prefix).first() if prefix.isascii() and prefix.isprintable() else None
    )
    # Compared even when nothing was found, so that the time taken does not tell which prefixes exist.
    stored = found.key_hash if found else "0" * 64
    if not hmac.compare_digest(_hash(secret), stored) or found is None:
        message = _("this API key is not known; check that it was copied whole, prefix, dot and secret")
        raise UnknownApiKeyError(message)
    if found.revoked_at is not None:
        message = _("API key %(key)s was revoked on %(day)s; make a new one") % {
            "key": found.prefix,
            "day": found.revoked_at.date().isoformat(),
        }
        raise RevokedApiKeyError(message)
    if found.expires_at is not None and found.expires_at <= now:
        message = _("API key %(key)s expired on %(day)s; make a new one") % {
            "key": found.prefix,
            "day": found.expires_at.date().isoformat(),
        }
        raise ExpiredApiKeyError(message)
    if found.last_used_at is None or found.last_used_at <= now - _NOTE_USE_EVERY:
        with transaction.atomic():
            ApiKey.objects.filter(pk=found.pk).update(last_used_at=now)
        found.last_used_at = now
    return found


def revoke_key(*, key_id: int, now: datetime) -> ApiKey:
    """Refuse a key from now on. Revoking it again changes nothing."""
    with transaction.atomic():
        key = ApiKey.objects.select_for_update().get(pk=key_id)
        if key.revoked_at is None:
            key.revoked_at = now
            key.save(update_fields=["revoked_at"])
    return key


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _create(*, email: str, password: str | None, name: str, language: str, role: Role) -> User:
    address = email.strip().lower()
    validate_email(address)
    with transaction.atomic():
        if User.objects.filter(email__iexact=address).exists():
            message = _("%(email)s already belongs to somebody; choose another address") % {"email": address}
            raise EmailTakenError(message, email=address)
        return User.objects.create_user(address, password, name=name.strip(), language=language, role=role)


def _locked(*, user_id: int) -> User:
    # Owners are locked together, lowest id first: two owners who demote each other wait for one another.
    list(User.objects.select_for_update().filter(role=Role.OWNER).order_by("pk"))
    return User.objects.select_for_update().get(pk=user_id)


def _keep_an_owner(*, without: User) -> None:
    if without.role != Role.OWNER or not without.is_active:
        return
    if not User.objects.filter(role=Role.OWNER, is_active=True).exclude(pk=without.pk).exists():
        message = _("%(email)s is the last active owner; make somebody else an owner first") % {
            "email": without.email
        }
        raise LastOwnerError(message, email=without.email)


def _role(value: str) -> Role:
    try:
        return Role(value)
    except ValueError:
        message = _("role %(role)s does not exist; choose one of %(choices)s") % {
            "role": value,
            "choices": ", ".join(Role.values),
        }
        raise UnknownChoiceError(message, role=value) from None


def _language(value: str) -> str:
    if value not in _NAMED_LANGUAGES:
        message = _("language %(language)s does not exist; choose one of %(choices)s") % {
            "language": value,
            "choices": ", ".join(_NAMED_LANGUAGES),
        }
        raise UnknownChoiceError(message, language=value)
    return value
