"""Customer lifetime value (客户终身价值): who will buy again, how often, and what it is worth.

`summarise` reduces orders to one row for each customer, `fit` learns a model from it, the fit scores every
customer, and `choose` finds out which model to believe by forecasting days that have already been.
"""

from regulars.analytics.clv.choosing import BIAS_LIMIT, CANDIDATES, Caution, Choice, Tried, choose
from regulars.analytics.clv.estimation import Convergence
from regulars.analytics.clv.fits import (
    PURCHASE_MODELS,
    NoAmountsError,
    PurchaseFit,
    PurchaseModel,
    SpendingFit,
    fit,
)
from regulars.analytics.clv.fitting import Estimate, Finding
from regulars.analytics.clv.keeping import dump, load
from regulars.analytics.clv.priors import Belief, Prior
from regulars.analytics.clv.season import Season
from regulars.analytics.clv.summary import SUMMARY, EmptySummaryError, InvalidHistoryError, summarise

__all__ = [
    "BIAS_LIMIT",
    "CANDIDATES",
    "PURCHASE_MODELS",
    "SUMMARY",
    "Belief",
    "Caution",
    "Choice",
    "Convergence",
    "EmptySummaryError",
    "Estimate",
    "Finding",
    "InvalidHistoryError",
    "NoAmountsError",
    "Prior",
    "PurchaseFit",
    "PurchaseModel",
    "Season",
    "SpendingFit",
    "Tried",
    "choose",
    "dump",
    "fit",
    "load",
    "summarise",
]
