"""What a page shows while nothing is understood of any customer: why, and the next step."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from regulars.console.components import Words
from regulars.insights import queries as insights
from regulars.shop import queries as shop
from regulars.staff.models import User
from regulars.staff.rules import Capability, may


def nothing_understood_yet(request: HttpRequest, *, title: Words) -> HttpResponse:
    """Answer with the next step: import a file, or wait for the run."""
    return render(
        request,
        "console/waiting.html",
        {
            "title": title,
            "has_customers": shop.has_customers(),
            "is_running": insights.current_run() is not None,
            "may_import": may(cast("User", request.user).role, Capability.RUN_IMPORTS),
        },
    )
