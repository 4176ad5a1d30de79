"""An experiment planned, launched, read and stopped by a program."""

import pytest
from django.utils import timezone

from regulars.journeys.operations.journeys import create_journey, publish
from regulars.staff.rules import Capability
from tests.api.clients import Program, content
from tests.experiments.worlds import make_customers, make_list
from tests.journeys.graphs import graph
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_an_experiment_goes_from_draft_to_stop(program: Program) -> None:
    make_business()
    segment = make_list(make_customers(100))
    body = {
        "name": "SMS against the community", "varies": "channel", "segment_id": segment.pk,
        "arms": [{"name": "Community", "share_bp": 5_000}, {"name": "SMS", "share_bp": 5_000}],
    }  # fmt: skip
    key = {"Idempotency-Key": "one"}
    made = content(program.post("/experiments", body, key))
    assert content(program.post("/experiments", body, key))["id"] == made["id"]
    assert (made["state"], made["reading"], made["arms"][0]["is_control"]) == ("draft", None, True)
    path = f"/experiments/{made['id']}"
    for _again in range(2):
        launched = content(program.post(f"{path}/launch", {}))
        assert launched["state"] == "running"
    read = content(program.get(path))["reading"]
    assert sum(side["customers"] for side in read["sides"]) < 100
    assert read["sides"][0]["verdict"] == "nothing_yet"
    assert content(program.post(f"{path}/stop", {}))["state"] == "stopped"
    refused = program.post(f"{path}/launch", {})
    assert (refused.status_code, content(refused)["code"]) == (409, "experiment_state")
    assert [one["id"] for one in content(program.get("/experiments"))["items"]] == [made["id"]]


def test_whole_journeys_are_arms_of_which_one_is_rolled_out_and_hold_outs_are_read(program: Program) -> None:
    make_business(holdout_bp=500)
    segment = make_list(make_customers(60))
    drafts = [
        create_journey(name=name, graph=graph(holdout_bp=1_000), now=timezone.now())
        for name in ("Gentle", "Loud")
    ]
    arms = [
        {"name": one.name, "share_bp": 5_000, "does": {"kind": "journey", "id": one.pk}} for one in drafts
    ]
    body = {"name": "Which playbook?", "varies": "playbook", "segment_id": segment.pk, "arms": arms}
    made = content(program.post("/experiments", body))
    assert [one["does"] for one in made["arms"]] == [one["does"] for one in arms]
    path = f"/experiments/{made['id']}"
    program.post(f"{path}/launch", {})
    publish(drafts[1].pk, now=timezone.now())
    for _again in range(2):
        done = content(program.post(f"{path}/roll-out", {"arm_id": made["arms"][1]["id"]}))
        assert (done["state"], done["made_id"]) == ("rolled_out", None)
    assert program.post(f"{path}/roll-out", {"arm_id": made["arms"][0]["id"]}).status_code == 409
    listed = [(one["kind"], one["id"]) for one in content(program.get("/readouts"))["items"]]
    assert ("journey", drafts[1].pk) in listed
    assert "global" in dict(listed)
    read = content(program.get(f"/readouts/journey/{drafts[1].pk}?metric=margin"))
    assert (read["sides"][0]["arm"], read["sides"][0]["verdict"]) == ("On the journey", "too_few")
    assert program.get("/readouts/journey/999").status_code == 404


def test_what_cannot_be_is_refused_and_reading_alone_launches_nothing(program: Program) -> None:
    make_business()
    body = {
        "name": "X",
        "segment_id": 1,
        "arms": [{"name": "A", "share_bp": 1_000}, {"name": "B", "share_bp": 1_000}],
    }
    assert content(program.post("/experiments", body))["code"] == "experiment_refused"
    assert program.get("/experiments/77").status_code == 404
    assert Program(Capability.VIEW_REPORTS).post("/experiments/77/launch", {}).status_code == 403
