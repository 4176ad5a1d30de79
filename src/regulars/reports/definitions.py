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
    Definition(
        key="p_alive",
        name=_("P(alive)"),
        meaning=_("How probably the customer is still one: has not left for good. It falls the longer the silence is beside the customer's own rhythm, and jumps back with an order."),
        formula=_("the best model of purchase and dropout (BG/NBD, MBG/NBD, Pareto/NBD, MBG/CNBD-k) by back-test, on the customer's orders up to the day of the last step"),
        unit="share",
    ),
    Definition(
        key="expected_orders",
        name=_("Expected orders, 90 days"),
        meaning=_("How many days with an order to expect of the customer in 90 days. A mean: of ten customers with 0.3, three order once."),
        formula=_("expected purchases of the model, or of the plain rate where that forecast this shop's own past better"),
        unit="orders",
    ),
    Definition(
        key="clv_minor",
        name=_("Customer lifetime value"),
        meaning=_("What the customer will probably earn the shop in the next 365 days: contribution margin, with what was earned already left out. Money in a year counts a tenth less."),
        formula=_("expected orders x expected order value (Gamma-Gamma) x margin share of the business, discounted by 10% a year"),
        unit="money",
    ),
    Definition(
        key="next_purchase",
        name=_("Next purchase"),
        meaning=_("By when half of those who come again after as long a silence, measured in their own purchase cycles, will have come. Four in five of them come inside the interval; whether the customer comes at all is P(alive)."),
        formula=_("last order + purchase cycle of the customer x the 50% point of the shop's waits that lasted at least as long; interval from the 10% to the 90% point"),
        unit="days",
    ),
    Definition(
        key="churn_probability",
        name=_("Churn alert"),
        meaning=_("How probably a customer with a steady habit will not order at all in the four weeks (or one purchase cycle, if longer) that begin in 14 days: early enough to do something."),
        formula=_("calibrated logistic regression on silence, slowing, visits, gaps and spend, learnt from earlier days of this shop"),
        unit="share",
    ),
    Definition(
        key="due_product",
        name=_("Product due"),
        meaning=_("When the customer will need a product again that they bought at least twice and did not give back. A larger pack delays it."),
        formula=_("last purchase + quantity x days a unit lasts this customer (own intervals, shrunken to the product's, the category's and the shop's)"),
        unit="days",
    ),
    Definition(
        key="need_price",
        name=_("Price-sensitive"),
        meaning=_("How much the customer waits for discounts."),
        formula=_("share of purchases with a discount, shrunken to the shop's by 5 purchases"),
        unit="share",
    ),
    Definition(
        key="need_quality",
        name=_("Quality-oriented"),
        meaning=_("Where the customer's purchases stand between the cheapest and the dearest product of their category."),
        formula=_("mean price rank within the category (0 cheapest, 1 dearest), shrunken to one half by 5 purchases"),
        unit="share",
    ),
    Definition(
        key="need_brand",
        name=_("Brand-loyal"),
        meaning=_("How often the customer, buying of a category again, stays with the brand of the time before."),
        formula=_("repeat purchases of a category with the same brand / all of them, shrunken to the shop's by 5 purchases"),
        unit="share",
    ),
)  # fmt: skip
DEFINITIONS = {definition.key: definition for definition in _ALL}
