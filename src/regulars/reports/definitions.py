"""What every figure means: read by the pages beside it, and by the documentation."""

from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Unit = Literal["customers", "orders", "lines", "refunds", "days", "money", "share"]


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One figure: its name, what it means in a sentence, how it is computed, and what it is counted in."""

    key: str
    name: Promise
    meaning: Promise
    formula: Promise
    unit: Unit


_ALL = (
    Definition(
        key="customers",
        name=_("Customers"),
        meaning=_("Customers with at least one valid order in the period. A valid order is paid, not cancelled, and worth something after refunds."),
        formula=_("number of different customers among the valid orders of the period"),
        unit="customers",
    ),
    Definition(
        key="orders",
        name=_("Valid orders"),
        meaning=_("Orders of the period that are paid, not cancelled, and worth something after refunds."),
        formula=_("number of orders with status paid and amount - refunds > 0"),
        unit="orders",
    ),
    Definition(
        key="revenue_minor",
        name=_("Revenue"),
        meaning=_("What the valid orders of the period are worth after the refunds that could be matched to them, in the base currency."),
        formula=_("sum of (amount - refunds) over valid orders"),
        unit="money",
    ),
    Definition(
        key="repurchase_rate",
        name=_("Repurchase rate"),
        meaning=_("Of the customers who bought in the period, the share who bought at least twice in it. Two orders on one day count as two."),
        formula=_("customers with 2 or more valid orders in the period / customers with 1 or more"),
        unit="share",
    ),
    Definition(
        key="repeat_revenue_share",
        name=_("Revenue from repeat orders"),
        meaning=_("The share of the period's revenue that came from orders after a customer's first valid order, whenever that first one was."),
        formula=_("revenue of orders that are not their customer's first / revenue"),
        unit="share",
    ),
    Definition(
        key="average_order_minor",
        name=_("Average order value"),
        meaning=_("What a valid order of the period is worth on average, after refunds."),
        formula=_("revenue / valid orders, rounded half up"),
        unit="money",
    ),
    Definition(
        key="refunds_matched",
        name=_("Refunds matched to an order"),
        meaning=_("Refund lines of the period for which the order that they give money back for was found. They reduce that order's amount."),
        formula=_("number of refund lines with an order"),
        unit="refunds",
    ),
    Definition(
        key="refunds_unmatched",
        name=_("Refunds without an order"),
        meaning=_("Refund lines of the period whose order is not in the record, for instance because it is older. They are kept with the customer and reduce no order."),
        formula=_("number of refund lines without an order"),
        unit="refunds",
    ),
    Definition(
        key="lines_accepted",
        name=_("Order lines"),
        meaning=_("Order lines of the period in the record, refunds not counted."),
        formula=_("number of order lines"),
        unit="lines",
    ),
    Definition(
        key="lines_rejected",
        name=_("Lines rejected"),
        meaning=_("Lines of the imported files that could not be used; each stands in its import's reject file with the reason. A file imported twice counts once. They have no day, so the period does not matter."),
        formula=_("sum of rejected lines over the latest import of each file"),
        unit="lines",
    ),
    Definition(
        key="new_customers",
        name=_("New customers"),
        meaning=_("Customers whose first valid order lies in the period."),
        formula=_("number of customers with first order day in the period"),
        unit="customers",
    ),
    Definition(
        key="lost_customers",
        name=_("Customers lost"),
        meaning=_("Customers who went a whole purchase cycle without an order during the period: before it they were not yet lost, now they are."),
        formula=_("customers whose time without an order reached one purchase cycle of the shop within the period"),
        unit="customers",
    ),
    Definition(
        key="cycle_days",
        name=_("Purchase cycle"),
        meaning=_("How long customers usually take until they come again: half of them within so many days. Promotions and first orders are left out where they distort it, and each customer counts once."),
        formula=_("median days between two purchase days of a customer"),
        unit="days",
    ),
    Definition(
        key="retention",
        name=_("Cohort retention"),
        meaning=_("Of the customers whose first order lies in one month, the share who bought again in each month after it."),
        formula=_("customers of the cohort with a valid order in the month / customers of the cohort"),
        unit="share",
    ),
    Definition(
        key="at_stake",
        name=_("At stake"),
        meaning=_("What one year of this customer has been worth: the contribution margin of what they bought in the 365 days that end with their last order. Seen, not forecast; it says what there is to lose or to repeat, not what an action will earn."),
        formula=_("net amount of those 365 days x margin share of the business"),
        unit="money",
    ),
)  # fmt: skip
DEFINITIONS = {definition.key: definition for definition in _ALL}
