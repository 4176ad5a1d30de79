"""What marks those who left, as a run leaves it behind, without the run."""

from dataclasses import asdict

from regulars.analytics.churn import Characteristic
from regulars.insights.leaving import Looked
from regulars.insights.models import Learning, Run

AS_OF_DAY = 20_000


def make_characteristic(kind: str, level: str, *, difference: float, marks: bool = True) -> Characteristic:
    return Characteristic(
        kind=kind,  # type: ignore[arg-type]  # one of its kinds
        level=level,
        customers=1_200,
        left_share=0.2,
        others_left_share=0.1,
        difference=difference,
        low=difference - 0.02,
        high=difference + 0.02,
        p_value=0.001 if marks else 0.4,
        adjusted_p_value=0.004 if marks else 0.5,
        marks=marks,
    )


def make_looked(*found: Characteristic, as_of_days: tuple[int, ...] = (19_900, 19_914)) -> Looked:
    return Looked(
        as_of_day=AS_OF_DAY,
        as_of_days=as_of_days,
        lead_days=14,
        horizon_days=28,
        recent_days=90,
        needs_days=132,
        every_nth=1,
        count=len(found),
        found=found,
    )


FOUND = make_looked(
    make_characteristic("ticket", "", difference=0.127),
    make_characteristic("category", "=Tea", difference=-0.041),
    make_characteristic("stage", "declining", difference=0.062),
    make_characteristic("price", "rose", difference=0.012, marks=False),
)


def keep(run: Run, looked: Looked = FOUND) -> None:
    """Let a run have found it."""
    run.learning = Learning.objects.create(
        as_of_day=looked.as_of_day, content={"buyers": 1, "leaving": asdict(looked)}
    )
    run.save()
