"""Playbooks by programs: read, turned on with settings of their own, and what cannot be is said."""

import pytest

from regulars.journeys.playbooks import text_of
from regulars.staff.rules import Capability
from tests.api.clients import Program, content
from tests.messaging.sending import smtp_channel
from tests.shop.factories import make_business, make_order

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_a_program_reads_the_library_and_turns_a_playbook_on(program: Program) -> None:
    make_business()
    make_order()
    states = {one["code"]: one["state"] for one in content(program.get("/playbooks"))["items"]}
    assert states["first_order_welcome"] == "hindered"
    refused = program.post("/playbooks/first_order_welcome/turning-on", {})
    assert (refused.status_code, content(refused)["code"]) == (409, "playbook_not_ready")
    smtp_channel(2525)
    told = content(program.get("/playbooks/replenish_due"))
    assert [one["name"] for one in told["settings"]][:3] == ["from_percent", "until_percent", "percent"]
    assert set(told["messages"]["refill"]) == {"en", "zh-hans"}
    assert any(need["code"] == "cycles" and not need["is_met"] for need in told["needs"])
    address = "/playbooks/replenish_due/turning-on"
    wrong = program.post(address, {"settings": {"percent": 95}})
    assert (wrong.status_code, content(wrong)["code"]) == (422, "invalid_setting")
    made = content(program.post(address, {"settings": {"percent": 15}, "start": False}))
    assert (made["state"], made["is_new"]) == ("draft", True)
    assert {one["kind"] for one in made["made"]} == {"messages", "offers"}
    again = content(program.post(address, {}))
    assert (again["journey_id"], again["state"], again["is_new"]) == (made["journey_id"], "running", False)
    assert program.get("/playbooks/nothing").status_code == 404


def test_a_program_expects_turns_the_starter_set_on_and_keeps_a_file_of_its_own(program: Program) -> None:
    make_business()
    make_order()
    smtp_channel(2525)
    expected = content(program.get("/playbooks/first_order_welcome/expected"))
    assert (expected["entrants"], expected["messages"], expected["until_day"]) == (1, 0, 20_001)
    address, key = "/playbooks/starter-set/turning-on", {"idempotency-key": "once"}
    made = content(program.post(address, {"start": False}, headers=key))
    assert (len(made["on"]), made["hindered"]) == (11, [])
    assert content(program.post(address, {"start": False}, headers=key)) == made
    again = content(program.post(address, {}))
    assert {one["state"] for one in again["on"]} == {"running"}
    assert [one["journey_id"] for one in again["on"]] == [one["journey_id"] for one in made["on"]]
    text = text_of("follow_up_48h")
    taken = program.post("/playbooks/birthday/preview", {"text": text})
    assert (taken.status_code, content(taken)["code"]) == (409, "playbook_code_taken")
    broken = program.put("/playbooks/tea_lovers", {"text": text.replace("wait_days", "wait_moons")})
    assert (broken.status_code, content(broken)["code"]) == (422, "invalid_playbook")
    unlike = program.put("/playbooks/tea_lovers", {"text": text.replace('days = "@wait_days"', "days = 0")})
    assert (unlike.status_code, content(unlike)["code"]) == (422, "invalid_graph")
    seen = content(program.post("/playbooks/tea_lovers/preview", {"text": text}))
    assert (seen["faults"][0]["severity"], seen["is_own"], len(seen["steps"]) > 1) == ("warning", True, True)
    assert program.get("/playbooks/tea_lovers").status_code == 404
    for _time in range(2):
        assert content(program.put("/playbooks/tea_lovers", {"text": text}))["state"] == "waits"
    on = content(program.post("/playbooks/tea_lovers/turning-on", {}))
    assert content(program.post("/playbooks/tea_lovers/removal", {})) == {"code": "tea_lovers"}
    assert program.get("/playbooks/tea_lovers").status_code == 404
    assert content(program.get(f"/journeys/{on['journey_id']}"))["state"] == "running"
    reader = Program(Capability.VIEW_REPORTS)
    assert reader.put("/playbooks/tea_lovers", {"text": text}).status_code == 403
    assert reader.post(address, {}).status_code == 403
