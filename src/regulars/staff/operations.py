"""Make people, change what they may do, give keys to programs."""

import hashlib
import hmac
import secrets
from datetime import datetime
from typing import ClassVar, NamedTuple

from django.conf import settings
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from regulars.kernel.errors import RegularsError
from regulars.staff.models import ApiKey, User
from regulars.staff.rules import KEY_SCOPES, Role

_KEY_PREFIX = "rgl_"
_PREFIX_CHARACTERS = 12
_NAMED_LANGUAGES = tuple(code for code, _name in settings.LANGUAGES)


class EmailTakenError(RegularsError):
    """Somebody already logs in with this address."""

    code: ClassVar[str] = "email_taken"


class LastOwnerError(RegularsError):
    """The change would leave the shop without an active owner, and nobody could undo it."""

    code: ClassVar[str] = "last_owner"


class UnknownChoiceError(RegularsError):
    """The value is not one of those that exist."""

    code: ClassVar[str] = "unknown_choice"


class NewKey(NamedTuple):
    """A key just made. `secret` is the whole key, which nobody can read again."""

    key: ApiKey
    secret: str


def create_owner(*, email: str, password: str, name: str = "", language: str = "en") -> User:
    """Create a person who may do everything, as the first one of an installation must.

    Args:
        email: The address to log in with; upper and lower case are the same address.
        password: The password, not checked against the password rules: the caller makes or checks it.
        name: What others call the person.
        language: `en` or `zh-hans`.

    Raises:
        EmailTakenError: Somebody already has the address.
        UnknownChoiceError: The language does not exist.
    """
    return _create(email=email, password=password, name=name, language=language, role=Role.OWNER)


def invite(*, email: str, role: str, name: str = "", language: str = "en") -> User:
    """Create a person who sets a password by a link before the first login.

    Raises:
        EmailTakenError: Somebody already has the address.
        UnknownChoiceError: The role or the language does not exist.
    """
    return _create(email=email, password=None, name=name, language=language, role=_role(role))


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


def deactivate(*, user_id: int) -> User:
    """Stop a person from logging in, at once and everywhere. What they did stays theirs.

    Raises:
        LastOwnerError: The person is the last active owner.
    """
    with transaction.atomic():
        user = _locked(user_id=user_id)
        _keep_an_owner(without=user)
        user.is_active = False
        user.save(update_fields=["is_active"])
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


def create_key(
    *, name: str, scopes: list[str], created_by: User, now: datetime, expires_at: datetime | None = None
) -> NewKey:
    """Make a key for a program. Only its SHA-256 is kept: the key has 256 random bits, so a slow hash adds nothing.

    Args:
        name: What the key is for, as people will find it in the list.
        scopes: What it may do, at least one of `rules.KEY_SCOPES`; it can never do more.
        created_by: Who made it.
        now: The present instant.
        expires_at: From when on it is refused; None for never.

    Raises:
        UnknownChoiceError: There is no scope, one does not exist, or the expiry is not in the future.
    """
    chosen = sorted(set(scopes))
    unknown = [scope for scope in chosen if scope not in KEY_SCOPES]
    if unknown or not chosen:
        choices = ", ".join(KEY_SCOPES)
        message = _("scopes %(scopes)s: choose at least one of %(choices)s") % {
            "scopes": ", ".join(unknown) or "-",
            "choices": choices,
        }
        raise UnknownChoiceError(message, scopes=unknown)
    if expires_at is not None and expires_at <= now:
        message = _("expiry %(expiry)s must lie in the future") % {"expiry": f"{expires_at:%Y-%m-%d %H:%M}"}
        raise UnknownChoiceError(message, expires_at=expires_at.isoformat())
    secret = _KEY_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        name=name.strip(),
        prefix=secret[:_PREFIX_CHARACTERS],
        key_hash=_digest(secret),
        scopes=chosen,
        created_by=created_by,
        expires_at=expires_at,
    )
    return NewKey(key, secret)


def revoke_key(*, key_id: int, now: datetime) -> ApiKey:
    """Refuse a key from now on. Revoking it again changes nothing."""
    with transaction.atomic():
        key = ApiKey.objects.select_for_update().get(pk=key_id)
        if key.revoked_at is None:
            key.revoked_at = now
            key.save(update_fields=["revoked_at"])
    return key


def key_of(secret: str, *, now: datetime) -> ApiKey | None:
    """Return the key that a program showed, or None when it is unknown, expired or revoked."""
    if not secret.startswith(_KEY_PREFIX):
        return None
    key = ApiKey.objects.filter(prefix=secret[:_PREFIX_CHARACTERS], revoked_at=None).first()
    if key is None or not hmac.compare_digest(key.key_hash, _digest(secret)):
        return None
    return None if key.expires_at is not None and key.expires_at <= now else key


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _create(*, email: str, password: str | None, name: str, language: str, role: Role) -> User:
    address = email.strip().lower()
    validate_email(address)
    with transaction.atomic():
        if User.objects.filter(email__iexact=address).exists():
            message = _("%(email)s already belongs to somebody; choose another address") % {"email": address}
            raise EmailTakenError(message, email=address)
        return User.objects.create_user(
            address, password, name=name.strip(), language=_language(language), role=role
        )


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
