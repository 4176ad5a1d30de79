import pytest
from django.utils import timezone

from regulars.segments import operations
from regulars.segments.models import Segment
from tests.api.clients import Program, content
from tests.insights.factories import make_profile
from tests.shop.factories import make_business, make_customer

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
VIPS = {"version": 1, "rule": {"all": [{"attribute": "tier", "is": "any_of", "value": ["VIP"]}]}}


def test_a_program_makes_reads_changes_counts_and_pages_a_segment(program: Program) -> None:
    make_business()
    ids = [make_profile(tier="VIP").customer_id for _ in range(3)]
    make_profile()
    made = program.post("/segments", {"name": "Best", "rule": VIPS})
    assert made.status_code == 201
    segment = content(made)
    assert (segment["is_stale"], segment["in_words"]) == (True, "Customers: Tier is VIP")
    operations.refresh_due(now=timezone.now())
    page = content(program.get(f"/segments/{segment['id']}/members", {"limit": 2}))
    seen = [item["customer_id"] for item in page["items"]]
    seen += [item["customer_id"] for item in content(program.get(page["next"]))["items"]]
    assert seen == ids
    assert content(program.post("/segments/count", {"rule": VIPS})) == {"customers": 3, "of": 4}
    refused = program.post(
        "/segments", {"name": "Odd", "rule": {"version": 1, "rule": {"all": [{"is": "x"}]}}}
    )
    assert (refused.status_code, content(refused)["code"]) == (422, "invalid_rule")
    assert content(refused)["path"] == "rule.all[0]"
    assert program.get("/segments/999999").status_code == 404
    assert [item["name"] for item in content(program.get("/segments"))["items"]] == ["Best"]
    assert Segment.objects.get(name="Best").created_by is not None


def test_a_segment_that_is_not_there_is_refused_in_the_callers_language(program: Program) -> None:
    make_business()
    chinese = {"Accept-Language": "zh-hans"}
    assert content(program.get("/segments/99999", headers=chinese))["detail"] == "没有人群 99999"
    rule = {"version": 1, "rule": {"segment": 99999}}
    refused = program.post("/segments", {"name": "Odd", "rule": rule}, chinese)
    assert content(refused)["detail"] == "没有人群 99999"


def test_a_program_puts_customers_on_a_list_and_takes_them_off(program: Program) -> None:
    make_business()
    ann, bob = make_customer(code="A-1"), make_customer(code="A-2")
    made = content(program.post("/segments", {"name": "Fair"}))
    assert (made["kind"], made["rule"], made["size"], made["is_stale"]) == ("list", None, 0, False)
    at = f"/segments/{made['id']}/members"
    told = content(program.post(at, {"add": ["A-1", "A-2", "A-3"]}))
    assert told == {"added": 2, "removed": 0, "unmatched": ["A-3"]}
    assert [one["customer_id"] for one in content(program.get(at))["items"]] == [ann.pk, bob.pk]
    assert content(program.post(at, {"add": ["A-1"], "remove": ["A-2"]}))["removed"] == 1
    assert [one["customer_id"] for one in content(program.get(at))["items"]] == [ann.pk]
    ruled = content(program.post("/segments", {"name": "Best", "rule": VIPS}))
    refused = program.post(f"/segments/{ruled['id']}/members", {"add": ["A-1"]})
    assert (refused.status_code, content(refused)["code"]) == (422, "not_a_list")
