"""What a change of thresholds would do, before it is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
from django.conf import settings

from regulars.insights import engines, facts, labels
from regulars.insights.models import Policy, Run
from regulars.insights.rules import Rules
from regulars.kernel.errors import RegularsError

LABELS = ("tier", "stage", "cell")


class NoRunYetError(RegularsError):
    """There are no profiles that a change could be compared with."""

    code: ClassVar[str] = "no_run_yet"


@dataclass(frozen=True, kw_only=True)
class Move:
    """Customers who would go from the label `before` to `after`; an empty one means without this label."""

    before: str
    after: str
    customers: int


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What would change. `moves` has each label of `LABELS` with its moves, most customers first, nobody who stays.

    Attributes:
        as_of_day: The day of the run compared with.
        customers: All customers of that run.
        moved: Customers whom at least one label would leave.
        counts: Each label with how many customers would have it.
        moves: See above.
        thresholds: What the new rules amount to, as in `Run.thresholds`.
    """

    as_of_day: int
    customers: int
    moved: int
    counts: dict[str, dict[str, int]]
    moves: dict[str, list[Move]]
    thresholds: dict[str, Any]


def preview(
    *,
    rfm: Mapping[str, Any] | None = None,
    tiers: Mapping[str, Any] | None = None,
    stages: Mapping[str, Any] | None = None,
    facts_folder: Path | None = None,
) -> Preview:
    """Return whom `operations.change_policy` with the same arguments would move, without writing anything.

    Reads the facts and the profiles of the latest run as they lie in the facts folder. Cost: that of computing the labels,
    about a second for a million orders.

    Args:
        rfm: As in `change_policy`; None keeps what is set.
        tiers: Likewise.
        stages: Likewise.
        facts_folder: Where the facts lie; None: the home folder's.

    Raises:
        InvalidPolicyError: A field does not exist or has a value without meaning.
        NoRunYetError: No run has finished yet, or its facts are gone.
    """
    policy = Policy.objects.filter(pk=1).first() or Policy()
    rules = Rules.read(
        rfm=policy.rfm if rfm is None else rfm,
        tiers=policy.tiers if tiers is None else tiers,
        stages=policy.stages if stages is None else stages,
    )
    facts_folder = facts_folder or settings.HOME.facts
    run = Run.objects.filter(state=Run.State.DONE).order_by("-pk").first()
    now = facts.read_profiles(facts_folder=facts_folder)
    if run is None or now is None:
        message = "no profiles were computed yet; a preview compares with the latest run"
        raise NoRunYetError(message)
    with engines.reader(engine="polars", facts_folder=facts_folder) as read:
        then = labels.compute(
            orders=read(facts.ORDERS),
            customers=read(facts.CUSTOMERS),
            as_of_day=run.as_of_day,
            rules=rules,
            store=labels.read_store(run.store_cycle["measured"]),
            cycle_rule=run.thresholds.get("rules", {}).get("cycles"),
        )
        fresh = engines.in_memory(then.profiles)
    both = now.select("customer_id", *LABELS).join(
        fresh.select("customer_id", *LABELS), on="customer_id", suffix="_then"
    )
    moves = {label: _moves(both, label) for label in LABELS}
    return Preview(
        as_of_day=run.as_of_day,
        customers=both.height,
        moved=both.filter(
            pl.any_horizontal(pl.col(name) != pl.col(f"{name}_then") for name in LABELS)
        ).height,
        counts={label: dict(fresh.group_by(label).len().sort(label).iter_rows()) for label in LABELS},
        moves=moves,
        thresholds=then.thresholds,
    )


def _moves(both: pl.DataFrame, label: str) -> list[Move]:
    after = f"{label}_then"
    counted = (
        both.filter(pl.col(label) != pl.col(after))
        .group_by(label, after)
        .len()
        .sort(["len", label, after], descending=[True, False, False])
    )
    return [Move(before=before, after=now, customers=count) for before, now, count in counted.iter_rows()]
