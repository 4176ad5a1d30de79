"""The API with all its operations, in the order of the reference."""

from regulars.api import (
    account,
    actions,
    backtests,
    consents,
    customers,
    experiments,
    figures,
    imports,
    offers,
    orders,
    sayings,
    segments,
    templates,
)
from regulars.api.contract import make_api

api = make_api()
for chapter in (
    customers,
    sayings,
    consents,
    segments,
    templates,
    offers,
    orders,
    figures,
    experiments,
    backtests,
    imports,
    actions,
    account,
):
    api.add_router("", chapter.router)
