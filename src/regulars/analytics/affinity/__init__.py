"""Affinity (商品关联): which products go together, and which one a customer wants next.

A basket is what a customer bought on one day.
"""

from regulars.analytics.affinity.forecast import REASONS, choose_weights, next_basket
from regulars.analytics.affinity.measures import Measured, of_lists
from regulars.analytics.affinity.model import Weights
from regulars.analytics.affinity.pairs import also_bought, complement, for_arrivals, popular, upgrade
from regulars.analytics.affinity.ranker import MissingExtraError, Ranker, TooFewBasketsError, fit_ranker
from regulars.analytics.affinity.simple import RULES, Rule, by_rule

__all__ = [
    "REASONS",
    "RULES",
    "Measured",
    "MissingExtraError",
    "Ranker",
    "Rule",
    "TooFewBasketsError",
    "Weights",
    "also_bought",
    "by_rule",
    "choose_weights",
    "complement",
    "fit_ranker",
    "for_arrivals",
    "next_basket",
    "of_lists",
    "popular",
    "upgrade",
]
