"""Companies that buy, the people who order for them, and who looks after them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import ClassVar

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from regulars.kernel.errors import RegularsError
from regulars.shop.models import Account, Contact, Customer, Order
from regulars.staff.models import User


class InvalidAccountError(RegularsError):
    """An account needs an id of 1 to 200 characters."""

    code: ClassVar[str] = "invalid_account"


class AccountTakenError(RegularsError):
    """Another account has the id."""

    code: ClassVar[str] = "account_taken"


class AccountInUseError(RegularsError):
    """An account that has people or orders stays."""

    code: ClassVar[str] = "account_in_use"


class NotAContactError(RegularsError):
    """An order can be an account's only if one of its contacts placed it."""

    code: ClassVar[str] = "not_a_contact"


def ensure_account(*, code: str, name: str = "", industry: str = "", country: str = "") -> Account:
    """Return the account of that id, made if there is none; what is told and not empty replaces what was known.

    Raises:
        InvalidAccountError: The id is empty or too long.
    """
    text = _code(code)
    told = {"name": name[:200], "industry": industry[:200], "country": country[:100]}
    with transaction.atomic():
        account, _made = Account.objects.select_for_update().get_or_create(code=text)
        changed = [column for column, value in told.items() if value and getattr(account, column) != value]
        for column in changed:
            setattr(account, column, told[column])
        if changed:
            account.save(update_fields=changed)
    return account


def change_account(*, account_id: int, code: str, name: str, industry: str, country: str) -> None:
    """Write what is known of an account; what is empty is forgotten.

    Raises:
        InvalidAccountError: The id is empty or too long.
        AccountTakenError: Another account has the id.
    """
    told = {"name": name.strip()[:200], "industry": industry.strip()[:200], "country": country.strip()[:100]}
    try:
        with transaction.atomic():
            Account.objects.filter(pk=account_id).update(code=_code(code), **told)
    except IntegrityError as error:
        raise AccountTakenError(
            _("another account has the id %(code)s") % {"code": code}, code=code
        ) from error


def remove_account(*, account_id: int) -> None:
    """Remove an account that nobody acts for and that has no orders.

    Raises:
        AccountInUseError: It has people or orders.
    """
    with transaction.atomic():
        account = Account.objects.select_for_update().get(pk=account_id)
        if account.contacts.exists() or Order.objects.filter(account=account).exists():
            raise AccountInUseError(_("an account that has people or orders stays"), code=account.code)
        account.delete()


def add_contacts(*, account_id: int, contacts: Sequence[tuple[int, str]], now: datetime) -> None:
    """Let customers act for an account, each in a role; a role that is not empty replaces the one before."""
    with transaction.atomic():
        for customer_id, role in contacts:
            contact, made = Contact.objects.get_or_create(
                account_id=account_id,
                customer_id=customer_id,
                defaults={"role": role[:100], "since_at": now},
            )
            if not made and role and contact.role != role[:100]:
                contact.role = role[:100]
                contact.save(update_fields=["role"])


def remove_contact(*, account_id: int, customer_id: int) -> None:
    """Let a customer no longer act for an account. The orders stay the account's."""
    Contact.objects.filter(account=account_id, customer=customer_id).delete()


def assign_managers(*, account_ids: Collection[int], manager: User | None) -> int:
    """Say which member of staff looks after accounts, or that nobody does; return for how many that is new."""
    found = Account.objects.filter(pk__in=account_ids)
    is_new = Q(manager__isnull=False) if manager is None else ~Q(manager=manager) | Q(manager=None)
    return found.filter(is_new).update(manager=manager)


def give_orders_of(*, account_id: int, customer_id: int) -> int:
    """Make every order that a contact placed for no account that account's, and those to come; return how many there are.

    Raises:
        NotAContactError: The customer does not act for the account.
    """
    mine = Order.objects.filter(customer=customer_id, account=None)
    with transaction.atomic():
        # Two at once would have the new orders go to two accounts.
        Customer.objects.select_for_update().get(pk=customer_id)
        Contact.objects.filter(customer=customer_id, brings_orders=True).exclude(account=account_id).update(
            brings_orders=False
        )
        Contact.objects.filter(customer=customer_id, account=account_id).update(brings_orders=True)
        return give_orders(account_id=account_id, order_ids=list(mine.values_list("id", flat=True)))


def keep_orders_of(*, account_id: int, customer_id: int) -> None:
    """Let a contact's new orders be their own again. Those that are the account's stay."""
    Contact.objects.filter(customer=customer_id, account=account_id).update(brings_orders=False)


def give_orders(*, account_id: int, order_ids: Collection[int]) -> int:
    """Make orders those of an account and return how many were not.

    Raises:
        NotAContactError: An order was placed by somebody who does not act for the account; none is changed.
    """
    orders = Order.objects.filter(pk__in=order_ids)
    stranger = orders.exclude(customer__contacts__account=account_id).first()
    if stranger is not None:
        message = _("order %(order)s was placed by nobody who acts for this account") % {
            "order": stranger.code
        }
        raise NotAContactError(message, order_id=stranger.pk)
    return orders.exclude(account=account_id).update(account_id=account_id)


def _code(told: str) -> str:
    text = told.strip()
    if not 1 <= len(text) <= 200:  # noqa: PLR2004  the column's length
        raise InvalidAccountError(_("an account's id has 1 to 200 characters"), code=told)
    return text
