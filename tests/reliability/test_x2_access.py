"""X2: every URL, by every method, for every role: nobody gets what the rules refuse."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.conf import LazySettings
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import get_converters

from regulars.staff import access
from regulars.staff.access import ChecksItself, LoggedIn, Needs, NoAccessRuleError, Public, rule_of
from regulars.staff.models import User
from regulars.staff.rules import Capability, Role, may
from tests.staff.factories import make_user

pytestmark = [pytest.mark.reliability, pytest.mark.django_db]

_METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
_SAMPLES = {
    "int": "999999999",
    "str": "nothing",
    "slug": "nothing",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "path": "x",
}
_REFUSED = 403
_UNKNOWN_KEY = {"uidb36": "zzzz", "key": "wrong-key"}


@dataclass(frozen=True)
class Address:
    """One URL of the URLconf, with values for its parameters that belong to nothing."""

    path: str
    view: Callable[..., object]


def _addresses() -> list[Address]:
    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[Address]:
        for pattern in patterns:
            part = _filled(pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, prefix + part)
            else:
                yield Address(prefix + part, pattern.callback)

    return list(walk(get_resolver().url_patterns, "/"))


def _filled(pattern: URLPattern | URLResolver) -> str:
    route = str(pattern.pattern)
    if route.startswith("^"):
        route = route.removeprefix("^").removesuffix("$")
        for name, value in _UNKNOWN_KEY.items():
            start = route.find(f"(?P<{name}>")
            if start >= 0:
                route = route[:start] + value + route[route.index(")", start) + 1 :]
        return route
    for name, converter in pattern.pattern.converters.items():
        kind = next(
            key
            for key, known in get_converters().items()
            if known is converter or type(known) is type(converter)
        )
        route = route.replace(f"<{kind}:{name}>", _SAMPLES[kind]).replace(f"<{name}>", _SAMPLES[kind])
    assert "<" not in route, f"no sample value for {route}"
    return route


def _is_refused(response: HttpResponseBase) -> bool:
    to_login = response.status_code == 302 and response.headers["Location"].startswith("/accounts/login/")
    return to_login or response.status_code == _REFUSED


def test_every_url_has_a_rule() -> None:
    unruled = []
    for address in _addresses():
        try:
            rule_of(address.view)
        except NoAccessRuleError as error:
            unruled.append(f"{address.path}: {error}")
    assert unruled == []


def test_a_view_without_a_rule_is_found_and_refused() -> None:
    def forgotten() -> None:
        """A view that nobody gave a rule."""

    with pytest.raises(NoAccessRuleError, match="forgotten has no access rule"):
        rule_of(forgotten)


def test_nobody_gets_what_the_rules_refuse(
    capsys: pytest.CaptureFixture[str], settings: LazySettings, request: pytest.FixtureRequest
) -> None:
    # What is asked here is who may: a session read from the database and a line of the log for each of 21,000 requests
    # would take half as long again.
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    logging.disable(logging.INFO)
    request.addfinalizer(lambda: logging.disable(logging.NOTSET))
    callers: dict[str, User | None] = {role.value: make_user(role=role) for role in Role}
    switched_off = make_user(role=Role.OWNER)
    callers["anonymous"] = None
    clients = {name: Client(raise_request_exception=False) for name in callers}
    for name, user in callers.items():
        if user is not None:
            clients[name].force_login(user)
    # Somebody outside: an owner's session that outlived the account.
    clients["switched off"] = Client(raise_request_exception=False)
    clients["switched off"].force_login(switched_off)
    User.objects.filter(pk=switched_off.pk).update(is_active=False)
    outcomes: Counter[str] = Counter()
    faults = []
    for address in _addresses():
        rule = rule_of(address.view)
        for name, client in clients.items():
            user = callers.get(name)
            for method in _METHODS:
                if user is not None and _ends_session(address, method):
                    continue
                response = getattr(client, method)(address.path)
                admitted = _admits(rule, user)
                refused = _is_refused(response)
                outcomes["admitted" if admitted else "refused"] += 1
                if response.status_code >= 500:
                    faults.append(f"{method} {address.path} as {name}: {response.status_code}")
                elif not admitted and not refused:
                    faults.append(
                        f"{method} {address.path} as {name}: {response.status_code}, must be refused"
                    )
                elif admitted and response.status_code == _REFUSED and isinstance(rule, Needs | LoggedIn):
                    faults.append(f"{method} {address.path} as {name}: refused, the rule {rule} admits")
    tried = sum(outcomes.values())
    with capsys.disabled():
        print(
            f"\nX2: {len(_addresses())} URLs x {len(_METHODS)} methods x {len(clients)} callers, N = {tried} "
            f"({outcomes['refused']} to refuse), {len(faults)} unexpected, no randomness (no seed)"
        )
    assert faults == []


def test_the_walk_finds_a_planted_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = Client()
    agent.force_login(make_user(role=Role.AGENT))
    assert _is_refused(agent.get("/settings/keys/"))
    monkeypatch.setattr(access, "may", lambda *_: True)
    assert not _is_refused(agent.get("/settings/keys/"))


def _admits(rule: access.Rule, user: User | None) -> bool:
    match rule:
        case Public() | ChecksItself():
            return True
        case LoggedIn():
            return user is not None
        case Needs(capability=capability):
            return user is not None and may(user.role, Capability(capability))
    raise AssertionError(rule)


def _ends_session(address: Address, method: str) -> bool:
    return address.path == "/accounts/logout/" and method == "post"
