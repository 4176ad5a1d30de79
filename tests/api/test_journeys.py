"""A program draws a journey, starts it, lets customers in, looks where they are, and runs it over the past."""

import json

import pytest
from django.utils import timezone

from regulars.journeys import advancing
from regulars.journeys.models import Enrollment
from regulars.kernel.days import date_of_day
from tests.api.clients import Program, Response, content
from tests.journeys.graphs import graph, make_customers
from tests.shop.factories import make_business, make_order

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def patch(program: Program, path: str, body: object) -> Response:
    return program.client.patch(f"/api/v1{path}", json.dumps(body), content_type="application/json")


def test_a_journey_is_drawn_started_entered_and_looked_into(program: Program) -> None:
    make_business()
    who = make_customers(3)
    assert {one["kind"] for one in content(program.get("/journeys/kinds"))["steps"]} >= {
        "send",
        "wait",
        "split",
    }
    made = content(program.post("/journeys", {"name": "Welcome", "graph": {"steps": {}}}))
    path = f"/journeys/{made['id']}"
    refused = program.post(f"{path}/publications", {})
    assert (refused.status_code, content(refused)["code"]) == (422, "invalid_graph")
    assert "no_steps" in {one["code"] for one in content(refused)["faults"]}
    [told] = content(program.post("/journeys/checks", {"graph": graph()}))["items"]
    assert (told["code"], told["step"], told["severity"]) == ("dead_end", "pause", "warning")
    assert content(patch(program, path, {"graph": graph(), "revision": 1}))["revision"] == 2
    stale = patch(program, path, {"graph": graph(holdout_bp=1), "revision": 1})
    assert (stale.status_code, content(stale)["code"]) == (409, "stale_draft")
    early = program.post(f"{path}/enrollments", {"customer_ids": who, "key": "fair"})
    assert (early.status_code, content(early)["code"]) == (409, "journey_state")
    for _again in range(2):
        assert content(program.post(f"{path}/publications", {}))["version"] == 1
    came = [
        content(program.post(f"{path}/enrollments", {"customer_ids": who, "key": "fair"})) for _ in range(2)
    ]
    assert [(one["new"], one["known"]) for one in came] == [(3, 0), (0, 3)]
    advancing.advance_all(now=timezone.now())
    assert content(program.get(f"{path}/counts"))["steps"][0]["waiting"] == 3
    [row] = content(program.get(f"{path}/enrollments", {"customer_id": who[0]}))["items"]
    way = content(program.get(f"{path}/enrollments/{row['id']}"))["path"]
    assert [(one["step"], one["out"]) for one in way] == [("pause", None)]
    patch(
        program, path, {"graph": graph({"pause": {"kind": "wait", "days": 2, "next": {}}}), "name": "Hello"}
    )
    assert content(program.post(f"{path}/publications", {"running": "move"}))["moved"] == 3
    changes = content(program.get(f"{path}/diff", {"before": 1, "after": 2}))["items"]
    assert [one["path"] for one in changes] == ["steps.pause.days"]
    assert [one["version"] for one in content(program.get(f"{path}/versions"))["items"]] == [1, 2]
    Enrollment.objects.filter(customer=who[0]).update(state="parked", reason="x", next_at=None)
    assert content(program.post(f"{path}/retries", {})) == {"enrollments": 1}
    assert content(program.post(f"{path}/removals", {"customer_ids": who[:1]})) == {"enrollments": 1}
    for state in ("paused", "running", "ended"):
        assert content(program.post(f"{path}/state", {"state": state}))["state"] == state
    assert set(Enrollment.objects.values_list("state", flat=True)) == {"removed"}
    assert program.get("/journeys/999999").status_code == 404


def test_a_draft_is_run_over_the_past(program: Program) -> None:
    make_business()
    for day in (3, 4):
        make_order(day=20_000 + day)
    made = content(program.post("/journeys", {"name": "Thanks", "graph": graph(entry={"kind": "order"})}))
    days = {"from": str(date_of_day(20_000)), "to": str(date_of_day(20_010))}
    told = content(program.post(f"/journeys/{made['id']}/dry-runs", days))
    assert (told["entrants"], told["ends"], len(told["days"])) == (2, {"finished": 2}, 10)
    assert [one["path"][0]["step"] for one in told["examples"]] == ["pause", "pause"]
    backwards = program.post(f"/journeys/{made['id']}/dry-runs", {"from": days["to"], "to": days["from"]})
    assert (backwards.status_code, content(backwards)["code"]) == (422, "invalid_span")
