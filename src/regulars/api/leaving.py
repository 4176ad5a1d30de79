"""What marks those who left."""

from datetime import date

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from regulars.analytics.churn import Characteristic
from regulars.api.contract import terms
from regulars.insights import leaving_words, queries
from regulars.insights.leaving import Looked
from regulars.kernel.days import date_of_day
from regulars.staff.rules import Capability

router = Router()


class CharacteristicView(Schema):
    """How active customers with a characteristic left, beside active customers who came as often."""

    kind: str = Field(description="`category`, `stage`, `ticket` or `price`.")
    level: str = Field(description="Which category, stage, kind of ticket; of a price `rose` or `fell`.")
    name: str = Field(description="Both in the language of `Accept-Language`.")
    customers: int = Field(description="Different customers who had it on a day looked back from.")
    left_share: float = Field(description="The share of them that left.")
    others_left_share: float = Field(description="The share of all others that left.")
    difference: float = Field(
        description="By how much more of them left than of customers who came as often, in shares; below 0: fewer."
    )
    low: float = Field(description="Lower end of its 95 % interval.")
    high: float = Field(description="Upper end.")
    p_value: float
    adjusted_p_value: float = Field(
        description="With regard to how many were looked at (Benjamini-Hochberg)."
    )
    marks: bool = Field(description="Whether the adjusted value is below .05.")

    @classmethod
    def of(cls, one: Characteristic) -> "CharacteristicView":
        return cls(**vars(one), name=leaving_words.name(one))


class LeavingView(Schema):
    """What marks those who left; null days and nothing found before the shop was learnt."""

    as_of_day: date | None = Field(description="The last day that was looked at.")
    looked_back_from: list[date] = Field(description="Empty where the record is too short.")
    lead_days: int | None = Field(description="Who left did not buy from so many days after that day on,")
    horizon_days: int | None = Field(description="for so many days.")
    every_nth: int | None = Field(description="Of a large shop every n-th customer is looked at.")
    count: int = Field(description="How many characteristics were looked at.")
    found: list[CharacteristicView] = Field(description="The most certain of them first, at most 200.")

    @classmethod
    def of(cls, looked: Looked | None) -> "LeavingView":
        if looked is None:
            return cls(
                as_of_day=None,
                looked_back_from=[],
                lead_days=None,
                horizon_days=None,
                every_nth=None,
                count=0,
                found=[],
            )
        return cls(
            as_of_day=date_of_day(looked.as_of_day),
            looked_back_from=[date_of_day(day) for day in looked.as_of_days],
            lead_days=looked.lead_days,
            horizon_days=looked.horizon_days,
            every_nth=looked.every_nth,
            count=looked.count,
            found=[CharacteristicView.of(one) for one in looked.found],
        )


@router.get("/characteristics", response=LeavingView, **terms("Figures", Capability.VIEW_REPORTS))
def read_characteristics(request: HttpRequest) -> LeavingView:
    """Read what marks those who left: categories, stages, tickets and price changes, with effect sizes."""
    return LeavingView.of(queries.leaving())
