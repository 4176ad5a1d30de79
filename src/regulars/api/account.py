"""Who the caller is, and what the figures are counted in."""

from datetime import date, datetime

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema
from pydantic import Field

from regulars.api.contract import terms
from regulars.api.keys import key_of
from regulars.insights.queries import latest_run, policy
from regulars.kernel.days import date_of_day, day_of_instant, zone_named
from regulars.kernel.money import minor_unit_exponent
from regulars.shop.queries import business

router = Router()


class WhoAmI(Schema):
    """The key that called."""

    name: str = Field(examples=["warehouse sync"])
    prefix: str = Field(description="The part of the key that is no secret.", examples=["rgl_c4zq7m2a"])
    scopes: list[str] = Field(examples=[["customers:read", "reports:read"]])
    created_at: datetime
    expires_at: datetime | None = Field(description="Null when it never expires.")


class BusinessView(Schema):
    """The merchant, and the day that every figure is counted to."""

    name: str
    time_zone: str = Field(description="IANA name; decides where midnight is.", examples=["Europe/London"])
    currency: str = Field(description="Base currency, ISO 4217.", examples=["GBP"])
    minor_unit_digits: int = Field(description="Digits of the minor unit: 2 for GBP, 0 for JPY.", ge=0, le=4)
    as_of_day: date = Field(description="The day that the next run of the insights counts to.")
    as_of_is_fixed: bool = Field(
        description="False when as_of_day is today; true when the merchant fixed it."
    )
    profiles_as_of_day: date | None = Field(
        description="The day of the last finished run; null before the first."
    )
    profiles_computed_at: datetime | None


@router.get("/whoami", response=WhoAmI, **terms("Account", None))
def who_am_i(request: HttpRequest) -> WhoAmI:
    """Read the key that is calling. Any key may."""
    key = key_of(request)
    return WhoAmI(
        name=key.name,
        prefix=key.prefix,
        scopes=key.scopes,
        created_at=key.created_at,
        expires_at=key.expires_at,
    )


@router.get("/business", response=BusinessView, **terms("Account", None))
def get_business(request: HttpRequest) -> BusinessView:
    """Read the merchant's currency, time zone and as-of day. Any key may."""
    merchant = business()
    fixed_day = policy().as_of_day
    today = day_of_instant(timezone.now(), zone_named(merchant.time_zone))
    run = latest_run()
    return BusinessView(
        name=merchant.name,
        time_zone=merchant.time_zone,
        currency=merchant.currency,
        minor_unit_digits=minor_unit_exponent(merchant.currency),
        as_of_day=date_of_day(today if fixed_day is None else fixed_day),
        as_of_is_fixed=fixed_day is not None,
        profiles_as_of_day=date_of_day(run.as_of_day) if run else None,
        profiles_computed_at=run.finished_at if run else None,
    )
