"""Programs send one customer a message, and write, confirm, pause and read campaigns."""

from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from regulars.journeys.starting import begin_due
from regulars.messaging.models import Delivery, Send
from regulars.messaging.operations.channels import Limits, set_up_channel
from regulars.shop.models import Customer
from tests.api.clients import Program, content
from tests.journeys.campaigns import make_list
from tests.mail_sink import mail_sink
from tests.messaging.letters_to import publish
from tests.messaging.sending import make_readers, make_send, smtp_channel, work
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_a_program_tells_one_customer_something_once_whatever_they_allowed(program: Program) -> None:
    make_business()
    template = publish(
        name="Receipt", format="email", en=("Your order", "Order {{ message.order }} is on its way.")
    ).template_id
    reader = make_readers(1)[0]
    with mail_sink() as sink:
        channel = smtp_channel(sink.port)
        body: dict[str, Any] = {
            "customer_id": reader, "channel_id": channel.pk, "template_id": template, "values": {"order": "A<b>-17"},
        }  # fmt: skip
        key = {"Idempotency-Key": "receipt-17"}
        made = program.post("/messages", body, key)
        assert (made.status_code, content(made)["state"]) == (201, "pending")
        assert content(program.post("/messages", body, key)) == content(made)
        lacking = content(program.post("/messages", {**body, "values": {}}))
        work()
        assert [one["Subject"] for one in sink.mails] == ["Your order"] * 2
    html = sink.mails[0].get_body(("html",)).get_content()  # type: ignore[union-attr]  # it has one
    assert "A&lt;b&gt;-17" in html
    assert "List-Unsubscribe" not in sink.mails[0]
    found = content(program.get(f"/messages/{content(made)['id']}"))
    assert (found["state"], found["customer_id"]) == ("accepted", reader)
    assert lacking["id"] != found["id"]
    # Marketing asks for consent as always, and the list of sends is not filled with receipts.
    Customer.objects.filter(pk=reader).update(erased_at=timezone.now(), code="x")
    refused = program.post("/messages", body)
    assert (refused.status_code, content(refused)["code"], content(refused)["field"]) == (
        422,
        "not_sendable",
        "customer_id",
    )
    assert program.post("/messages", {**body, "template_id": 999}).status_code == 422
    assert content(program.get("/sends"))["items"] == []
    assert program.get("/messages/00000000-0000-0000-0000-000000000000").status_code == 404


def test_a_campaign_is_written_confirmed_paused_and_read_by_a_program(
    program: Program,
) -> None:
    make_business()
    readers = make_readers(4)
    template = publish(name="News", format="email", en=("Tea", "# New tea")).template_id
    channel = set_up_channel(
        kind="audience", name="File", medium="email", values={"identifier": "email"}, limits=Limits(), by=None,
        now=timezone.now(),
    )  # fmt: skip
    segment = make_list(readers).pk
    body: dict[str, Any] = {
        "name": "Spring", "segment_id": segment, "over": [{"channel_id": channel.pk, "template_id": template}],
        "holdout_bp": 0,
    }  # fmt: skip
    wrong = program.post("/campaigns", {**body, "over": [{"channel_id": 999, "template_id": template}]})
    assert (wrong.status_code, content(wrong)["code"], content(wrong)["field"]) == (
        422,
        "invalid_campaign",
        "over",
    )
    campaign = content(program.post("/campaigns", body, {"Idempotency-Key": "spring"}))
    address = f"/campaigns/{campaign['id']}"
    before = content(program.get(f"{address}/preflight"))
    assert (before["messages"], before["problems"]) == (len(readers), [])
    assert program.get(f"{address}/figures").status_code == 409
    assert program.post(f"{address}/state", {"state": "paused"}).status_code == 409
    assert content(program.post(f"{address}/state", {"state": "scheduled"}))["state"] == "scheduled"
    begin_due(now=timezone.now())
    assert content(program.post(f"{address}/state", {"state": "paused"}))["state"] == "paused"
    work()
    send = Send.objects.get()
    assert content(program.get(f"/sends/{send.pk}"))["funnel"]["under_way"] == len(readers)
    assert content(program.post(f"/sends/{send.pk}/state", {"state": "running"}))["state"] == "running"
    work()
    found = content(program.get("/sends"))["items"][0]
    assert (found["state"], found["funnel"]["reached"]) == ("finished", len(readers))
    page = content(program.get(f"/sends/{send.pk}/deliveries", {"limit": 3, "state": "accepted"}))
    assert (len(page["items"]), page["next"] is not None) == (3, True)
    figures = content(program.get(f"{address}/figures"))
    assert (figures["sent"], figures["attributed_orders"], figures["incremental"]) == (4, 0, None)
    assert content(program.post(f"/sends/{send.pk}/retry", {})) == {"tried_again": 0}
    assert content(program.get("/campaigns"))["items"][0]["state"] == "finished"
    changed = program.client.put(f"/api/v1{address}", body, content_type="application/json")
    assert (changed.status_code, content(changed)["code"]) == (409, "campaign_state")
    assert [one["medium"] for one in content(program.get("/channels"))["items"]] == ["email"]
    assert Delivery.objects.filter(state="accepted").count() == len(readers)


def test_a_program_tries_one_message_again_and_reads_those_of_a_reason_and_a_channel(
    program: Program,
) -> None:
    make_business()
    readers = make_readers(3)
    with mail_sink(refusal="552 5.2.2 mailbox full") as sink:
        channel = smtp_channel(sink.port)
        send = make_send(readers, channel)
        work()
        found = content(
            program.get(f"/sends/{send.pk}/deliveries", {"reason": "refused", "channel_id": channel.pk})
        )
        assert [one["state"] for one in found["items"]] == ["failed"] * 3
        for other in ({"reason": "cap"}, {"channel_id": channel.pk + 1}):
            assert content(program.get(f"/sends/{send.pk}/deliveries", other))["items"] == []
        sink.refusal = ""
        [first, *_others] = found["items"]
        tried = program.post(f"/messages/{first['id']}/retry", {}, {"Idempotency-Key": "again"})
        assert (tried.status_code, content(tried)["state"]) == (200, "pending")
        work()
        assert (
            program.post(f"/messages/{first['id']}/retry", {}, {"Idempotency-Key": "again"}).status_code
            == 200
        )
        work()
    assert len(sink.mails) == 1
    refused = program.post(f"/messages/{first['id']}/retry", {})
    assert (refused.status_code, content(refused)["code"]) == (409, "send_state")
    assert program.post(f"/messages/{uuid4()}/retry", {}).status_code == 404
