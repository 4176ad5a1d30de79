"""Results as JSON and back, for whoever keeps them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from regulars.analytics.backtest.results import Bin, Compared, Data, Listed, Measured, Reason, Result


def dump(result: Result) -> dict[str, Any]:
    """Return a result as plain JSON; `load` gives the same result again."""
    return asdict(result)


def load(kept: Mapping[str, Any]) -> Result:
    """Return the result that `dump` wrote."""
    return Result(
        **{
            **kept,
            "reason": Reason(kept["reason"]),
            "compared": None if kept["compared"] is None else Compared(**kept["compared"]),
            "measured": tuple(Measured(**found) for found in kept["measured"]),
            "calibration": tuple(Bin(**found) for found in kept["calibration"]),
            "listed": None if kept["listed"] is None else Listed(**kept["listed"]),
            "data": tuple(Data(**found) for found in kept["data"]),
            "origins": tuple(kept["origins"]),
            "variants": tuple(kept["variants"]),
        }
    )
