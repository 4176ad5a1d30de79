"""Where insights keep what they understood of a person: tables, and the Parquet files beside them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from regulars.insights import facts
from regulars.insights.lock import sole_computation
from regulars.insights.models import DueProduct, Profile, ProfileChange, Recommendation, Taste
from regulars.kernel.progress import no_progress
from regulars.shop.places import Person, SearchPlace, TablePlace, finish_with, register

_HIDDEN = ("id", "customer")


def _archives() -> list[Path]:
    return sorted(Path(settings.HOME.facts).glob(f"{facts.EVENTS.name}/*/{facts.ARCHIVED}"))


def _read_archives(person: Person) -> Iterable[Mapping[str, Any]]:
    files = _archives()
    if not files:
        return []
    rows = pl.scan_parquet(files, hive_partitioning=False).filter(pl.col("customer_id").is_in(person.ids))
    return rows.sort("at_us").collect().to_dicts()


def _nothing_yet(_person: Person) -> int:
    """Files are cleared after the erasure has committed: see `clear_files`."""
    return 0


@finish_with
def clear_files(customer_ids: Sequence[int]) -> None:
    """Take customers out of archived behaviour and the file of profiles, and write the facts anew.

    Each file is complete on the disk before it takes the old one's place.

    Raises:
        RunInProgressError: Another process computes insights now; the job tries again.
    """
    folder = Path(settings.HOME.facts)
    with sole_computation():
        kept = (folder / facts.HISTORIES.name).glob("*.parquet")
        for file in (*_archives(), *kept, folder / "profiles" / "data.parquet"):
            if file.exists():
                _without(file, customer_ids)
        facts.export(facts_folder=folder, progress=no_progress)


def _without(file: Path, customer_ids: Sequence[int]) -> None:
    rows = pl.scan_parquet(file)
    theirs = pl.col("customer_id").is_in(list(customer_ids))
    if not rows.filter(theirs).limit(1).collect().height:
        return
    staged = file.with_suffix(".writing")
    rows.filter(~theirs).sink_parquet(staged, sync_on_close="all")
    staged.rename(file)


def register_insights() -> None:
    """Register what insights keep. Labels and their moves stay: they are figures of an order history without a person."""
    figures = _("Figures of an order history without a person.")
    register(
        TablePlace(model=Profile, label=_("What we understand"), strip={}, why=figures, hidden=_HIDDEN),
        TablePlace(
            model=ProfileChange,
            label=_("Moves between labels"),
            strip={},
            why=figures,
            hidden=(*_HIDDEN, "run"),
        ),
        TablePlace(model=Taste, label=_("Needs and tastes"), hidden=(*_HIDDEN, "mark")),
        TablePlace(model=DueProduct, label=_("Products due"), hidden=_HIDDEN),
        TablePlace(model=Recommendation, label=_("Recommendations"), hidden=_HIDDEN),
        SearchPlace(
            name="archived_events",
            label=_("What they did, archived"),
            read=_read_archives,
            erase=_nothing_yet,
        ),
    )
