from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connection

from regulars.staff import operations
from regulars.staff.models import User
from regulars.staff.operations import EmailTakenError, LastOwnerError, UnknownChoiceError
from regulars.staff.rules import Role
from tests.staff.factories import make_user

NOW = datetime(2024, 5, 1, tzinfo=UTC)

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_an_owner_logs_in_with_the_password_given() -> None:
    owner = operations.create_owner(email=" Alice@Example.com ", password="a long phrase", name="Alice")
    assert (owner.email, owner.role, owner.check_password("a long phrase")) == (
        "alice@example.com",
        Role.OWNER,
        True,
    )


def test_an_address_belongs_to_one_person_in_any_case() -> None:
    make_user(email="alice@example.com")
    with pytest.raises(EmailTakenError):
        operations.invite(email="ALICE@example.com", role="agent")


def test_an_invited_person_has_no_password_yet() -> None:
    assert not operations.invite(email="bob@example.com", role="agent").has_usable_password()


@pytest.mark.parametrize("change", [{"role": "king"}, {"language": "fr"}])
def test_an_unknown_choice_is_named_with_the_choices(change: dict[str, str]) -> None:
    with pytest.raises(UnknownChoiceError, match="choose one of"):
        operations.invite(**{"email": "bob@example.com", "role": "agent", **change})


def test_the_last_active_owner_stays() -> None:
    alice, off = make_user(), make_user()
    operations.deactivate(user_id=off.pk, now=NOW)
    with pytest.raises(LastOwnerError):
        operations.deactivate(user_id=alice.pk, now=NOW)
    with pytest.raises(LastOwnerError):
        operations.change_role(user_id=alice.pk, role="manager")
    assert operations.change_role(user_id=alice.pk, role="owner").role == Role.OWNER


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_demote_each_other_leave_one() -> None:
    owners = [make_user(), make_user()]

    def demote(user: User) -> bool:
        try:
            operations.change_role(user_id=user.pk, role="agent")
        except LastOwnerError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(demote, owners))
    assert sorted(done) == [False, True]
    assert User.objects.filter(role=Role.OWNER, is_active=True).count() == 1
