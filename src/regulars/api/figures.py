"""The shop's figures."""

from datetime import date

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from regulars.api.contract import terms
from regulars.api.money import Money
from regulars.api.orders import Period
from regulars.kernel.days import date_of_day, day_of_date
from regulars.reports.queries import kpis
from regulars.shop.queries import business
from regulars.staff.rules import Capability

router = Router()


class BeforeRefunds(Schema):
    """The same period counted before refunds are taken off."""

    lines: int
    orders: int
    customers: int
    revenue: Money
    repurchase_rate: float | None = Field(ge=0, le=1)


class KpisView(Schema):
    """The figures of a period; the definitions stand in the glossary."""

    as_of_day: date | None = Field(
        description="The day of the latest run; null before the first, when all is known."
    )
    customers: int = Field(description="Customers with a valid order in the period.")
    orders: int = Field(description="Valid orders in the period.")
    revenue: Money = Field(description="Net amount of those orders.")
    repurchase_rate: float | None = Field(
        ge=0,
        le=1,
        description="Share of those customers with at least two valid orders in the period; null without customers.",
    )
    repeat_revenue_share: float | None = Field(
        ge=0, le=1, description="Share of the revenue that repeat orders brought; null without revenue."
    )
    average_order: Money | None = Field(description="Revenue by order; null without orders.")
    refunds_matched: int = Field(description="Refund lines matched to an order.")
    refunds_unmatched: int = Field(description="Refund lines that no order could be found for.")
    lines_accepted: int = Field(description="Order lines of the period in the record.")
    lines_rejected: int = Field(
        description="Lines that imports could not take in. They have no day, so the period does not matter."
    )
    before_refunds: BeforeRefunds


@router.get("/kpis", response=KpisView, **terms("Figures", Capability.VIEW_REPORTS))
def get_kpis(request: HttpRequest, parameters: Query[Period]) -> KpisView:
    """Read the figures of a period, or of all time without one."""
    figures = kpis(
        start_day=None if parameters.from_day is None else day_of_date(parameters.from_day),
        end_day=None if parameters.to_day is None else day_of_date(parameters.to_day),
    )
    currency = business().currency
    before = figures.before_refunds
    return KpisView(
        as_of_day=None if figures.as_of is None else date_of_day(figures.as_of),
        customers=figures.customers,
        orders=figures.orders,
        revenue=Money(amount_minor=figures.revenue_minor, currency=currency),
        repurchase_rate=figures.repurchase_rate,
        repeat_revenue_share=figures.repeat_revenue_share,
        average_order=None
        if figures.average_order_minor is None
        else Money(amount_minor=figures.average_order_minor, currency=currency),
        refunds_matched=figures.refunds_matched,
        refunds_unmatched=figures.refunds_unmatched,
        lines_accepted=figures.lines_accepted,
        lines_rejected=figures.lines_rejected,
        before_refunds=BeforeRefunds(
            lines=before.lines,
            orders=before.orders,
            customers=before.customers,
            revenue=Money(amount_minor=before.revenue_minor, currency=currency),
            repurchase_rate=before.repurchase_rate,
        ),
    )
