"""Segments on the console: listed, written step by step, saved, undone, told on the customer's page."""

import pytest
from django.test import Client
from django.utils import timezone

from regulars.console import segment_builder
from regulars.segments import operations, queries
from regulars.segments.models import Segment
from regulars.segments.rules import OPERATORS, read, write
from regulars.shop import registry
from regulars.shop.models import Customer
from regulars.staff.rules import Role
from tests.console.shop_at_work import make_run
from tests.insights.factories import make_profile
from tests.journeys.campaigns import make_campaign, make_list
from tests.messaging.sending import smtp_channel
from tests.shop.factories import make_business, make_customer, make_line, make_order, make_product
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
VIPS = {"version": 1, "rule": {"all": [{"attribute": "tier", "is": "any_of", "value": ["VIP"]}]}}


def someone(role: Role = Role.MARKETER) -> Client:
    make_business()
    client = Client()
    client.force_login(make_user(role=role))
    return client


def text(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_the_list_teaches_first_and_then_shows_sizes_and_freshness() -> None:
    client = someone()
    page = text(client, "/segments/")
    assert "No segment of your own yet" in page
    assert "They appear once your customers are understood" in page
    make_run()
    make_profile(tier="VIP")
    operations.refresh_all(now=timezone.now(), reason="run")
    operations.create_segment(name="Best <b>", rule=VIPS, now=timezone.now())
    page = text(client, "/segments/")
    assert "Best &lt;b&gt;" in page
    assert "Being worked out" in page
    assert "Viewed often, not bought" in page
    assert "segment/new" not in text(someone(Role.AGENT), "/segments/")


def test_a_rule_is_written_step_by_step_counted_saved_changed_and_taken_back() -> None:
    client = someone()
    tea = make_product(code="T1", category="Tea")
    fans = [make_customer(code=f"fan-{n}") for n in range(3)]
    for fan in fans[:2]:
        make_line(order=make_order(customer=fan), product=tea)
    form = {"0-kind": "group", "0-mode": "all", "0-n": "0", "do": "add:0:bought"}
    step = client.post("/segments/builder/", form)
    assert step["HX-Trigger-After-Settle"] == "rule-changed"
    assert 'name="0-0-kind" value="bought"' in step.content.decode()
    form = {
        "name": "Tea", "description": "", "0-kind": "group", "0-mode": "all", "0-n": "1", "0-0-kind": "bought",
        "0-0-times": "at_least", "0-0-count": "1", "0-0-measure": "orders", "0-0-period": "ever",
        "0-0-categories": "Tea", "0-0-products": "T1, T2",
    }  # fmt: skip
    counted = client.post("/segments/count/", form).content.decode()
    assert "<strong>2</strong>" in counted
    assert "of 3 customers" in counted
    saved = client.post("/segments/new/", form)
    segment = Segment.objects.get(name="Tea")
    assert saved["Location"] == f"/segments/{segment.pk}/"
    assert segment.rule["rule"] == {
        "all": [{"bought": {"categories": ["Tea"], "products": ["T1", "T2"]}, "at_least": 1}]
    }
    assert 'value="T1, T2"' in text(client, f"/segments/{segment.pk}/editing/")
    refused = client.post(f"/segments/{segment.pk}/editing/", form | {"0-0-count": "many"})
    assert refused.status_code == 422
    assert "must be a whole number" in refused.content.decode()
    client.post(f"/segments/{segment.pk}/editing/", form | {"0-0-times": "never"})
    operations.refresh_due(now=timezone.now())
    page = text(client, f"/segments/{segment.pk}/")
    assert "never bought Tea, the product T1, T2" in page
    assert "<strong>1</strong> customer is in this segment" in page
    client.post(f"/segments/{segment.pk}/versions/1/restoring/")
    operations.refresh_due(now=timezone.now())
    make_run()
    for customer in Customer.objects.all():
        make_profile(customer=customer)
    listed = text(client, f"/customers/?segment={segment.pk}")
    assert "Segment: Tea" in listed
    assert ("fan-0" in listed, "fan-2" in listed) == (True, False)
    exported = client.get(f"/customers/export/?segment={segment.pk}&format=csv").getvalue()
    assert exported.decode().count("\n") == 3


def test_what_comes_with_regulars_is_copied_not_edited_and_people_without_the_right_change_nothing() -> None:
    client = someone()
    operations.ensure_built_in(now=timezone.now())
    late = Segment.objects.get(code="late")
    assert client.get(f"/segments/{late.pk}/editing/").status_code == 302
    copy_at = client.post(f"/segments/{late.pk}/duplication/")["Location"]
    assert "Late, and not yet gone" in text(client, copy_at)
    assert client.post(f"/segments/{late.pk}/removal/")["Location"] == f"/segments/{late.pk}/"
    assert Segment.objects.filter(pk=late.pk).exists()
    agent = someone(Role.AGENT)
    assert agent.post("/segments/new/", {}).status_code == 403
    assert "Copy" not in text(agent, f"/segments/{late.pk}/")


def test_every_attribute_can_be_added_asked_in_every_way_and_read_back() -> None:
    make_business()
    attributes = registry.attributes()
    values = {
        "number": {"value": "2.5"}, "count": {"value": "3"}, "money": {"value": "12.50"}, "share": {"value": "40"},
        "text": {"value": "Ann"}, "day": {"value": "2026-01-31"}, "date": {"value": "2026-01-31"},
    }  # fmt: skip
    for key, attribute in attributes.items():
        for operator in OPERATORS[attribute.type]:
            draft = segment_builder.change(
                segment_builder.Draft("group"), do=f"add:0:{key}", attributes=attributes
            )
            [part] = draft.parts
            part.told |= {"is": operator, **values.get(attribute.type, {})}
            if operator in ("in_last", "longer_ago", "in_next", "anniversary_in_next"):
                part.told["value"] = "7"
            part.told |= {"low": part.get("value"), "high": part.get("value")}
            part.lists["value"] = ["x"]
            rule = segment_builder.to_rule(draft, attributes=attributes, currency="GBP")
            node = read(rule, attributes=attributes)
            again = segment_builder.from_rule(
                write(node, attributes=attributes), attributes=attributes, currency="GBP"
            )
            kept = segment_builder.to_rule(again, attributes=attributes, currency="GBP")
            assert read(kept, attributes=attributes) == node
            assert segment_builder.asked(part, attributes=attributes, currency="GBP") is not None


def test_the_customers_page_says_which_segments_and_why_and_a_list_takes_a_file() -> None:
    client = someone()
    profile = make_profile(customer=make_customer(code="A-1"), tier="VIP")
    segment = operations.create_segment(name="Best", rule=VIPS, now=timezone.now())
    operations.refresh_due(now=timezone.now())
    shown = text(client, f"/customers/{profile.customer_id}/segments/")
    assert "Best" in shown
    assert "Tier is VIP" in text(client, f"/customers/{profile.customer_id}/segments/{segment.pk}/")
    at = client.post("/segments/lists/", {"list-name": "Fair"})["Location"]
    told = client.post(f"{at}uploads/", {"pasted": "A-1,first\nA-2\n"}).content.decode()
    assert "<strong>1</strong> customer was found, 1 of them new on the list." in told
    assert "<li>A-2</li>" in told
    assert "Members of both" in text(client, f"{at}profile/")
    off = client.post(f"{at}uploads/", {"pasted": "A-1\nA-2\n", "way": "off"}).content.decode()
    assert "<strong>1</strong> customer was found, 1 of them taken off the list." in off


def test_a_customer_is_put_on_a_list_and_taken_off_where_they_are_looked_at() -> None:
    client, looker = someone(), someone(Role.ANALYST)
    customer = make_customer()
    listed = operations.create_list(name="Fair", now=timezone.now())
    at = f"/customers/{customer.pk}"
    assert f'<option value="{listed.pk}">Fair</option>' in text(client, f"{at}/segments/")
    assert "Fair" not in text(looker, f"{at}/segments/")
    assert client.post(f"{at}/lists/", {"list": listed.pk})["Location"] == f"{at}/"
    assert list(queries.member_ids(listed.pk)) == [customer.pk]
    assert "Take off the list" in text(client, f"{at}/segments/")
    assert "Take off the list" not in text(looker, f"{at}/segments/")
    assert looker.post(f"{at}/lists/{listed.pk}/removal/").status_code == 403
    client.post(f"{at}/lists/{listed.pk}/removal/")
    assert list(queries.member_ids(listed.pk)) == []
    ruled = operations.create_segment(name="Best", rule=VIPS, now=timezone.now())
    client.post(f"{at}/lists/", {"list": ruled.pk})
    assert "is decided by its rule" in text(client, f"{at}/")
    assert client.post(f"{at}/lists/", {"list": "9"}).status_code == 404


def test_a_segment_that_a_campaign_goes_to_is_not_deleted_and_its_page_says_why() -> None:
    client = someone()
    segment = make_list([])
    make_campaign(segment, smtp_channel(9))
    for act in ("removal", "archiving"):
        back = client.post(f"/segments/{segment.pk}/{act}/")
        assert "is used by the campaign “Spring”" in text(client, back["Location"])
    assert Segment.objects.get(pk=segment.pk).archived_at is None


@pytest.mark.parametrize(
    "heading", ["email", "E-Mail", "customer_id", "ID", "phone", "邮箱", "手机号", "客户编号"]
)
def test_the_heading_of_a_list_is_nobody(heading: str) -> None:
    client = someone()
    make_customer(code="A-1")
    at = client.post("/segments/lists/", {"list-name": "Fair"})["Location"]
    told = client.post(f"{at}uploads/", {"pasted": f"{heading}\nA-1\nA-2\n{heading}\n"}).content.decode()
    assert "<strong>1</strong> customer was found" in told
    assert told.count(f"<li>{heading}</li>") == 1
    only = client.post(f"{at}uploads/", {"pasted": "A-1"}).content.decode()
    assert "<strong>1</strong> customer was found" in only


def test_a_group_without_conditions_says_nothing_yet() -> None:
    make_business()
    attributes = registry.attributes()
    draft = segment_builder.Draft("group")
    for do in ("group:0", "group:0-0", "add:0:tier"):
        draft = segment_builder.change(draft, do=do, attributes=attributes)
    tier = {"attribute": "tier", "is": "any_of", "value": []}
    rule = segment_builder.to_rule(draft, attributes=attributes, currency="GBP")
    assert rule == {"version": 1, "rule": {"all": [tier]}}
    # A fault is told at the condition that it is about.
    assert draft.parts[1].path == "rule.all[0]"
