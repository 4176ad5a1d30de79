import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from regulars.api.models import Reply
from regulars.api.replays import KEEP_DAYS, forget
from regulars.planner.models import Action
from tests.api.clients import Program, Response, content
from tests.api.rows import make_action
from tests.shop.factories import make_customer

pytestmark = pytest.mark.integration

DONE = {"outcome": "done", "note": "called"}


def close(program: Program, action: Action, key: str, body: object = None) -> Response:
    return program.post(f"/actions/{action.pk}/close", body or DONE, headers={"idempotency-key": key})


@pytest.mark.django_db
def test_the_same_request_again_is_answered_the_same_and_changes_nothing(program: Program) -> None:
    action = make_action(make_customer())
    first = close(program, action, "one")
    Action.objects.update(note="changed since")
    second = close(program, action, "one")
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"
    assert Action.objects.get().note == "changed since"


@pytest.mark.django_db
def test_the_same_key_for_another_request_is_refused(program: Program) -> None:
    action, other = make_action(make_customer()), make_action(make_customer())
    close(program, action, "one")
    for response in (close(program, action, "one", {"outcome": "dismissed"}), close(program, other, "one")):
        assert (response.status_code, content(response)["code"]) == (422, "idempotency_key_reused")
    other.refresh_from_db()
    assert other.state == "open"


@pytest.mark.django_db
def test_keys_of_different_programs_have_nothing_to_do_with_each_other(program: Program) -> None:
    action, other = make_action(make_customer()), make_action(make_customer())
    assert close(program, action, "one").status_code == 200
    assert close(Program(), other, "one").status_code == 200


@pytest.mark.django_db
def test_a_refused_request_keeps_nothing_and_may_be_corrected(program: Program) -> None:
    action = make_action(make_customer(), state="expired")
    assert close(program, action, "one").status_code == 409
    assert close(program, action, "one", {"outcome": "?"}).status_code == 422
    Action.objects.update(state="open")
    assert close(program, action, "one", {"outcome": "dismissed"}).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a b", "键"])
def test_a_key_that_is_not_usable_is_refused(program: Program, key: str) -> None:
    action = make_action(make_customer())
    response = close(program, action, key)
    assert (response.status_code, content(response)["code"]) == (400, "bad_idempotency_key")
    action.refresh_from_db()
    assert action.state == "open"


@pytest.mark.django_db
def test_a_failure_between_the_change_and_the_reply_leaves_neither(program: Program) -> None:
    action = make_action(make_customer())
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT healthy")
        cursor.execute("ALTER TABLE shop_business RENAME COLUMN currency TO gone")
    assert close(program, action, "one").status_code == 500
    with connection.cursor() as cursor:
        cursor.execute("ROLLBACK TO SAVEPOINT healthy")
    action.refresh_from_db()
    assert (action.state, Reply.objects.count()) == ("open", 0)
    assert close(program, action, "one").status_code == 200


@pytest.mark.django_db
def test_replies_are_forgotten_after_their_time(program: Program) -> None:
    close(program, make_action(make_customer()), "one")
    made_at = Reply.objects.get().created_at
    assert forget(now=made_at + timedelta(days=KEEP_DAYS)) == 0
    assert forget(now=made_at + timedelta(days=KEEP_DAYS, seconds=1)) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.reliability
def test_ten_at_once_have_one_effect_and_one_answer() -> None:
    program, action = Program(), make_action(make_customer())
    responses: list[Response] = []
    ready = threading.Barrier(10)

    def ask() -> None:
        ready.wait()
        responses.append(close(program, action, "one"))
        connection.close()

    before = timezone.now()
    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(response.status_code, response.content) for response in responses} == {
        (200, responses[0].content)
    }
    assert sum("Idempotency-Replayed" not in response for response in responses) == 1
    assert Reply.objects.get().created_at >= before
