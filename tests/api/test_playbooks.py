"""Playbooks by programs: read, turned on with settings of their own, and what cannot be is said."""

import pytest

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
