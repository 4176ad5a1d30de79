"""Who moved from one label to another between any two days, by today's rules over what was known on each."""

from pathlib import Path

import polars as pl

from regulars.analytics import lifecycle
from regulars.insights import facts, labels
from regulars.insights.engines import in_memory
from regulars.insights.operations import current_policy, read_policy


def moves(*, from_day: int, to_day: int, facts_folder: Path) -> dict[str, pl.DataFrame]:
    """Return how many customers moved, by `stage` and by `tier`: before, after, customers; those who stayed too.

    The store's cycle is that of the later day, so that customers move and not the yardstick. Cost: two computations of all labels.

    Args:
        from_day: The earlier day, at its end.
        to_day: The later day, at its end.
        facts_folder: Where the facts lie.
    """
    rules = read_policy(current_policy())
    orders = facts.scan_polars(facts.ORDERS, facts_folder=facts_folder)
    customers = facts.scan_polars(facts.CUSTOMERS, facts_folder=facts_folder)
    after = labels.compute(orders=orders, customers=customers, as_of_day=to_day, rules=rules)
    before = labels.compute(
        orders=orders, customers=customers, as_of_day=from_day, rules=rules, store=after.measured
    )
    found = {}
    for label in ("stage", "tier"):
        counted = in_memory(lifecycle.migration(before.profiles, after.profiles, label=label))
        found[label] = counted.fill_null("").sort("before", "after")
    return found
