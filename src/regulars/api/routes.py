"""The API with all its operations, in the order of the reference."""

from regulars.api import (
    account,
    actions,
    backtests,
    campaigns,
    consents,
    customers,
    experiments,
    figures,
    imports,
    joins,
    journeys,
    leaving,
    offers,
    orders,
    playbooks,
    reviews,
    sayings,
    segments,
    sends,
    templates,
)
from regulars.api.contract import make_api

api = make_api()
for chapter in (
    customers,
    joins,
    sayings,
    consents,
    segments,
    templates,
    sends,
    campaigns,
    offers,
    journeys,
    playbooks,
    orders,
    figures,
    experiments,
    reviews,
    backtests,
    leaving,
    imports,
    actions,
    account,
):
    api.add_router("", chapter.router)
