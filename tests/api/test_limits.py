import threading
from datetime import timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from regulars.api.limits import count_call
from regulars.api.models import RateWindow
from tests.api.clients import NOW, Program, content, make_key

pytestmark = pytest.mark.integration


@pytest.mark.django_db
def test_a_window_starts_with_the_first_call_and_lasts_a_minute() -> None:
    key, _ = make_key()
    seen = [
        count_call(api_key_id=key.pk, limit=2, now=NOW + timedelta(seconds=seconds))
        for seconds in (0, 30, 59, 60)
    ]
    assert [(each.calls, each.is_spent, each.reset_seconds) for each in seen] == [
        (1, False, 60),
        (2, False, 30),
        (3, True, 1),
        (1, False, 60),
    ]


@pytest.mark.django_db
def test_a_call_too_many_is_refused_and_says_when_to_come_back(settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    program = Program()
    first, _, third = (program.get("/whoami") for _ in range(3))
    assert first["RateLimit-Policy"] == '"key";q=2;w=60'
    assert first["RateLimit"] == '"key";r=1;t=60'
    assert third.status_code == 429
    assert content(third)["code"] == "rate_limited"
    assert third["RateLimit"].startswith('"key";r=0;t=')
    assert 1 <= int(third["Retry-After"]) <= 60
    assert Program().get("/whoami").status_code == 200


@pytest.mark.django_db
def test_a_refused_call_counts_as_well(settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    program = Program()
    assert [program.get(path).status_code for path in ("/orders/999", "/orders?limit=0", "/whoami")] == [
        404,
        422,
        429,
    ]


@pytest.mark.django_db(transaction=True)
def test_many_calls_at_once_never_pass_the_limit() -> None:
    key, _ = make_key()
    allowed: list[bool] = []

    def call() -> None:
        allowed.extend(not count_call(api_key_id=key.pk, limit=25, now=NOW).is_spent for _ in range(10))
        connection.close()

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert allowed.count(True) == 25
    assert RateWindow.objects.get().calls == 26
