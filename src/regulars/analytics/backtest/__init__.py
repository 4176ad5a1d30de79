"""The back-test (回测): does a model forecast this shop better than a simple rule would?

`run` forecasts days that have already been, from what was known before them, and says for each model whether to
use it or the rule.
"""

from regulars.analytics.backtest.keeping import dump, load
from regulars.analytics.backtest.results import (
    MODELS,
    Bin,
    Compared,
    Data,
    Listed,
    Measured,
    ModelName,
    Reason,
    Report,
    Result,
    Verdict,
)
from regulars.analytics.backtest.running import LEAST_CUSTOMERS, run

__all__ = [
    "LEAST_CUSTOMERS",
    "MODELS",
    "Bin",
    "Compared",
    "Data",
    "Listed",
    "Measured",
    "ModelName",
    "Reason",
    "Report",
    "Result",
    "Verdict",
    "dump",
    "load",
    "run",
]
