"""What insights can be asked of a customer: labels, figures, forecasts, what their purchases say."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from regulars.insights.models import Profile, Taste
from regulars.shop import registry
from regulars.shop.queries import brands, categories
from regulars.shop.registry import CustomerAttribute, Source

_STANDING = _("Where they stand")
_BOUGHT = _("What they spent, and when")
_AHEAD = _("What lies ahead")
_WANTS = _("What they want")

PROFILE = Source(name="profile", table="insights_profile", changes="run")
TASTE = Source(name="taste", table="insights_taste", changes="run")
DUE = Source(name="due_products", table="insights_dueproduct", is_many=True, changes="run")
RECOMMENDED = Source(
    name="recommended",
    table="(SELECT r.customer_id, p.category FROM insights_recommendation r JOIN shop_product p ON p.id = r.product_id)",
    is_many=True,
    changes="run",
)


def register() -> None:
    """Offer the attributes of profiles, tastes and products due."""
    registry.register(*_standing(), *_bought(), *_ahead(), *_wants())


def _named(names: Iterable[str]) -> list[tuple[str, str]]:
    return [(name, name) for name in names]


def _standing() -> list[CustomerAttribute]:
    scores = (("r", _("Recency score")), ("f", _("Frequency score")), ("m", _("Monetary score")))
    return [
        CustomerAttribute(
            key="tier",
            group=_STANDING,
            label=_("Tier"),
            type="choice",
            source=PROFILE,
            sql="nullif({s}.tier, '')",
            choices=lambda: Profile.Tier.choices,
            help=_("VIP, potential, general or at risk. Who has no valid order in the window has none."),
        ),
        CustomerAttribute(
            key="stage",
            group=_STANDING,
            label=_("Stage"),
            type="choice",
            source=PROFILE,
            sql="{s}.stage",
            choices=lambda: Profile.Stage.choices,
            help=_("Where the customer is in the life of a buyer, from prospect to lapsed."),
        ),
        CustomerAttribute(
            key="cell",
            group=_STANDING,
            label=_("RFM group"),
            type="choice",
            source=PROFILE,
            sql="nullif({s}.cell, '')",
            choices=lambda: Profile.Cell.choices,
            help=_("One of eight: recent or not, often or not, much or not."),
        ),
        *(
            CustomerAttribute(
                key=f"score.{score}",
                group=_STANDING,
                label=label,
                type="count",
                source=PROFILE,
                sql=f"{{s}}.{score}",
                help=_("From 1 to 5; 5 is best."),
            )
            for score, label in scores
        ),
    ]


def _bought() -> list[CustomerAttribute]:
    return [
        CustomerAttribute(
            key="orders",
            group=_BOUGHT,
            label=_("Orders"),
            type="count",
            source=PROFILE,
            sql="{s}.orders",
            help=_("Valid orders of the whole history."),
        ),
        CustomerAttribute(
            key="spent",
            group=_BOUGHT,
            label=_("Spent"),
            type="money",
            source=PROFILE,
            sql="{s}.monetary_minor",
            help=_("Net amount in the window that the settings name."),
        ),
        CustomerAttribute(
            key="spent_year",
            group=_BOUGHT,
            label=_("Spent in their last year"),
            type="money",
            source=PROFILE,
            sql="{s}.year_minor",
            help=_("Net amount of the 365 days that end with the last order."),
        ),
        CustomerAttribute(
            key="first_order",
            group=_BOUGHT,
            label=_("First order"),
            type="day",
            source=PROFILE,
            sql="{s}.first_day",
        ),
        CustomerAttribute(
            key="last_order",
            group=_BOUGHT,
            label=_("Last order"),
            type="day",
            source=PROFILE,
            sql="{s}.last_day",
        ),
        CustomerAttribute(
            key="cycle",
            group=_BOUGHT,
            label=_("Purchase cycle, days"),
            type="number",
            source=PROFILE,
            sql="{s}.cycle_days",
            help=_("After how many days the next order is expected."),
        ),
    ]


def _ahead() -> list[CustomerAttribute]:
    return [
        CustomerAttribute(
            key="due",
            group=_AHEAD,
            label=_("Next order due"),
            type="day",
            source=PROFILE,
            sql="{s}.due_day",
            help=_("The day on which the customer's purchase cycle is over."),
        ),
        CustomerAttribute(
            key="late",
            group=_AHEAD,
            label=_("Late after"),
            type="day",
            source=PROFILE,
            sql="{s}.late_day",
            help=_("By the end of this day four in five such customers have come again."),
        ),
        CustomerAttribute(
            key="next_purchase",
            group=_AHEAD,
            label=_("Next purchase"),
            type="day",
            source=PROFILE,
            sql="{s}.next_day",
            help=_("When the customer will most likely buy again, if at all."),
        ),
        CustomerAttribute(
            key="churn",
            group=_AHEAD,
            label=_("May not come back"),
            type="share",
            source=PROFILE,
            sql="{s}.churn_probability",
            help=_("Probability of the churn alert. Who is not active has none."),
        ),
        CustomerAttribute(
            key="alive",
            group=_AHEAD,
            label=_("Still a customer"),
            type="share",
            source=PROFILE,
            sql="{s}.p_alive",
            help=_("Probability that the customer still buys here at all."),
        ),
        CustomerAttribute(
            key="expected_orders",
            group=_AHEAD,
            label=_("Expected orders, 90 days"),
            type="number",
            source=PROFILE,
            sql="{s}.expected_orders",
        ),
        CustomerAttribute(
            key="clv",
            group=_AHEAD,
            label=_("Lifetime value"),
            type="money",
            source=PROFILE,
            sql="{s}.clv_minor",
            help=_("Expected margin of the next 365 days."),
        ),
        CustomerAttribute(
            key="product_due",
            group=_AHEAD,
            label=_("A product runs out"),
            type="day",
            source=DUE,
            sql="{s}.due_day",
            help=_("When the customer needs a product again that they buy again and again."),
        ),
    ]


def _wants() -> list[CustomerAttribute]:
    return [
        CustomerAttribute(
            key="need",
            group=_WANTS,
            label=_("Need"),
            type="choice",
            source=TASTE,
            sql="nullif({s}.need, '')",
            choices=lambda: Taste.Need.choices,
            help=_("What stands out most in the customer's purchases."),
        ),
        CustomerAttribute(
            key="prefers_category",
            group=_WANTS,
            label=_("Preferred category"),
            type="choice",
            source=TASTE,
            sql="nullif({s}.category, '')",
            choices=lambda: _named(categories()),
        ),
        CustomerAttribute(
            key="prefers_brand",
            group=_WANTS,
            label=_("Preferred brand"),
            type="choice",
            source=TASTE,
            sql="nullif({s}.favourite_brand, '')",
            choices=lambda: _named(brands()),
        ),
        CustomerAttribute(
            key="variety",
            group=_WANTS,
            label=_("Variety"),
            type="share",
            source=TASTE,
            sql="{s}.variety",
            help=_("0 buys always the same, 1 always something else."),
        ),
        CustomerAttribute(
            key="recommended_category",
            group=_WANTS,
            label=_("Will most likely buy from"),
            type="choice",
            source=RECOMMENDED,
            sql="nullif({s}.category, '')",
            choices=lambda: _named(categories()),
            help=_("Categories among the products recommended to the customer."),
        ),
    ]
