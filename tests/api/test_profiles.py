import pytest
from django.utils.translation import override

from regulars.insights.models import Profile, Recommendation, Run
from regulars.insights.reasons import explain
from tests.api.clients import Program, content
from tests.api.rows import make_profile, make_shop
from tests.shop.factories import make_customer, make_product

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_a_profile_says_each_label_with_its_reason_in_words(program: Program) -> None:
    alice, *_ = make_shop()
    document = content(program.get(f"/customers/{alice.pk}/profile"))
    labels = {label.pop("label"): label for label in document.pop("labels")}
    assert document == {
        "customer_id": alice.pk,
        "customer_code": "alice",
        "as_of_day": "2024-10-05",
        "orders": 3,
        "recency_days": 1,
        "frequency": 3,
        "monetary": {"amount_minor": 6_000, "currency": "GBP"},
        "year": {"amount_minor": 0, "currency": "GBP"},
        "r": 5,
        "f": 5,
        "m": 5,
        "first_order_day": "2024-06-26",
        "last_order_day": "2024-10-04",
        "cycle_days": 50.0,
        "rhythm_days": None,
        "due_day": "2024-11-23",
        "late_day": "2024-12-13",
        "scored_day": None,
        "p_alive": None,
        "expected_orders": None,
        "clv": None,
        "next_purchase": None,
        "churn": None,
        "need": None,
        "preferred_category": None,
        "preferred_brand": None,
        "due_products": [],
        "recommendations": [],
        "rules": {},
    }
    assert labels["tier"] == {
        "value": "VIP",
        "name": "VIP",
        "reason": "Buys often (3 orders, from 3 orders is often) and spends much (£60.00, from £50.00 is much).",
    }
    assert labels["stage"]["value"] == "growing"
    assert labels["stage"]["reason"] == "Came back 2 times, last 1 day ago; expected about every 50 days."
    assert (labels["cell"]["value"], labels["cell"]["name"]) == ("RFM", "Keep")


@pytest.mark.parametrize(
    ("accepted", "language"), [("fr, en;q=0.5", "en"), ("zh-CN", "zh-hans"), ("zh-hans, en;q=0.5", "zh-hans")]
)
def test_reasons_and_names_come_in_the_callers_language(
    program: Program, accepted: str, language: str
) -> None:
    alice, *_ = make_shop()
    response = program.get(f"/customers/{alice.pk}/profile", headers={"accept-language": accepted})
    assert response["Content-Language"] == language
    profile = Profile.objects.get(customer=alice)
    with override(language):
        expected = [
            ("stage", str(profile.get_stage_display()), explain("stage", profile.reasons["stage"])),
            ("cell", str(profile.get_cell_display()), explain("cell", profile.reasons["cell"])),
            ("tier", str(profile.get_tier_display()), explain("tier", profile.reasons["tier"])),
        ]
    labels = content(response)["labels"]
    assert [(label["label"], label["name"], label["reason"]) for label in labels] == expected


def test_a_profile_without_a_finished_run_is_not_there_yet(program: Program) -> None:
    customer = make_customer()
    make_profile(customer)
    assert program.get(f"/customers/{customer.pk}/profile").status_code == 404


def test_a_profile_says_what_to_expect_of_the_customer(program: Program) -> None:
    alice, *_ = make_shop()
    Profile.objects.filter(customer=alice).update(
        scored_day=20_000, p_alive=0.9, expected_orders=1.5, clv_minor=5_000, next_from_day=20_003, next_day=20_010,
        next_until_day=20_030, churn_probability=0.25,
        churn_reasons=[{"code": "tickets", "value": 2, "typical": 0, "effect": 0.1}],
    )  # fmt: skip
    Run.objects.update(
        thresholds=Run.objects.get().thresholds
        | {"alert": {"lead_days": 14, "horizon_days": 28, "recent_days": 90}}
    )
    product = make_product(code="wipes")
    Recommendation.objects.create(customer=alice, rank=1, product=product, score=0.4, reason="bought_before")
    document = content(program.get(f"/customers/{alice.pk}/profile"))
    assert document["clv"] == {"amount_minor": 5_000, "currency": "GBP"}
    assert document["next_purchase"] == {
        "day": "2024-10-14",
        "from_day": "2024-10-07",
        "until_day": "2024-11-03",
    }
    assert document["churn"] == {
        "probability": 0.25,
        "lead_days": 14,
        "horizon_days": 28,
        "reasons": ["Complaints in the last 90 days: 2; active customers usually 0."],
    }
    assert [one["product"]["code"] for one in document["recommendations"]] == ["wipes"]
