"""Churn alert (流失预警): who is about to leave, how probably, and why, early enough to do something."""

from regulars.analytics.churn.fitting import MOST_ROWS, fit
from regulars.analytics.churn.lists import ListLength, list_length
from regulars.analytics.churn.marks import Characteristic, characteristics
from regulars.analytics.churn.model import Because, HeldOut, Model, UnknownModelError, read_reasons
from regulars.analytics.churn.rules import Active, NotEnoughData, Pace, as_of_days, pace
from regulars.analytics.churn.traits import PERIODS, REASONS, Reason, period_days

__all__ = [
    "MOST_ROWS",
    "PERIODS",
    "REASONS",
    "Active",
    "Because",
    "Characteristic",
    "HeldOut",
    "ListLength",
    "Model",
    "NotEnoughData",
    "Pace",
    "Reason",
    "UnknownModelError",
    "as_of_days",
    "characteristics",
    "fit",
    "list_length",
    "pace",
    "period_days",
    "read_reasons",
]
