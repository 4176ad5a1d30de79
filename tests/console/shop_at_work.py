"""A shop with customers, labels and actions, as its staff see it, for tests of pages."""

from typing import Any

from regulars.insights.models import Profile, Run
from tests.insights.factories import AS_OF_DAY, make_profile
from tests.insights.factories import make_run as make_plain_run
from tests.shop.factories import make_business, make_customer

THRESHOLDS: dict[str, Any] = {
    "rfm": {
        "customers": 3,
        "recency_days": [180, 72, 33, 15],
        "frequency": [2, 3, 4, None],
        "monetary_minor": [24_732, 48_326, 92_460, 202_677],
        "high_recency_days": 93,
        "high_frequency": 5,
        "high_monetary_minor": 195_732,
        "mean_recency_days": 93.2,
        "mean_frequency": 4.2,
        "mean_monetary_minor": 195_271.1,
    },
    "tiers": {"frequency": 5, "late_days": 93, "monetary_minor": 195_272},
    "tiers_chosen": {"frequency": None, "late_days": None, "monetary_minor": None},
    "stages": {
        "cycle_days": None,
        "long_cycles": 3,
        "short_cycles": 1,
        "growing_repeats": 2,
        "slowing_percent": 200,
    },
    "cuts": {},
    "monetary": "total",
    "window_days": None,
}
_FIGURES = {
    "customers": 1_000,
    "repeat_customers": 312,
    "lost_customers": 40,
    "orders": 2_000,
    "revenue_minor": 5_000_000,
    "new_customers": 120,
    "first_revenue_minor": 1_000_000,
}


def _period(days: int, *, reaches_back: bool) -> dict[str, Any]:
    before = {**_FIGURES, "repeat_customers": 250, "lost_customers": 50} if reaches_back else None
    return {"start_day": AS_OF_DAY + 1 - days, "end_day": AS_OF_DAY + 1, "now": _FIGURES, "before": before}


SUMMARY: dict[str, Any] = {
    "customers": 1_005,
    "buyers": 1_000,
    "first_order_day": AS_OF_DAY - 400,
    "last_order_day": AS_OF_DAY,
    "tiers": [
        {"label": "VIP", "customers": 100, "monetary_minor": 3_000_000},
        {"label": "at_risk", "customers": 200, "monetary_minor": 500_000},
        {"label": "general", "customers": 600, "monetary_minor": 500_000},
        {"label": "potential", "customers": 100, "monetary_minor": 1_000_000},
    ],
    "stages": [{"label": "mature", "customers": 1_000, "monetary_minor": 5_000_000}],
    "cells": [
        {"label": "RFM", "customers": 400, "monetary_minor": 4_000_000},
        {"label": "rfm", "customers": 600, "monetary_minor": 1_000_000},
    ],
    "grid": [
        {"r": 5, "f": 5, "customers": 400, "monetary_minor": 4_000_000},
        {"r": 1, "f": 1, "customers": 600, "monetary_minor": 1_000_000},
    ],
    "migration": {
        "from_day": AS_OF_DAY - 30,
        "stage": [
            {"before": "new", "after": "growing", "customers": 30},
            {"before": "mature", "after": "mature", "customers": 900},
            {"before": "mature", "after": "lapsed_short", "customers": 12},
            {"before": "", "after": "new", "customers": 5},
        ],
        "tier": [],
        "cell": [],
    },
    "periods": {
        "30": _period(30, reaches_back=True),
        "90": _period(90, reaches_back=True),
        "365": _period(365, reaches_back=False),
    },
    "months": [
        {
            "month": 202_409,
            "customers": 500,
            "new_customers": 60,
            "orders": 700,
            "revenue_minor": 2_000_000,
            "first_revenue_minor": 500_000,
            "is_complete": True,
        },
        {
            "month": 202_410,
            "customers": 600,
            "new_customers": 60,
            "orders": 900,
            "revenue_minor": 3_000_000,
            "first_revenue_minor": 500_000,
            "is_complete": False,
        },
    ],
    "cohorts": [],
}


def make_run(**fields: Any) -> Run:  # noqa: ANN401
    """The run that the labels come from, with its business."""
    make_business()
    return make_plain_run(**{"thresholds": THRESHOLDS, "summary": SUMMARY, "profiles": 3, **fields})


def make_people(*, count: int = 3) -> list[Profile]:
    """Customers C1, C2 ...; the first is a VIP and spent most."""
    return [
        make_profile(
            customer=make_customer(
                code=f"C{number}", name="" if number > 1 else "Anna Smith", country="France"
            ),
            tier="VIP" if number == 1 else "general",
            stage="mature" if number == 1 else "growing",
            cell="RFM" if number == 1 else "rfm",
            monetary_minor=100_000 // number,
        )
        for number in range(1, count + 1)
    ]
