"""People for tests. Alice owns the shop, Bob works there in some role, Charlie is outside."""

import itertools

from regulars.staff.models import User
from regulars.staff.rules import Role

PASSWORD = "correct horse battery staple"  # noqa: S105  opens nothing but a test
_numbers = itertools.count(1)


def make_user(
    *,
    role: Role = Role.OWNER,
    email: str | None = None,
    name: str = "",
    password: str = PASSWORD,
    language: str = "en",
) -> User:
    address = email or f"{role}{next(_numbers)}@example.com"
    return User.objects.create_user(address, password, name=name or role.label, role=role, language=language)
