"""Which playbook suits which customer. The first rule that holds gives the customer's one action.

At stake is the contribution margin of what the customer bought in the 365 days that end with their last order: what a
year of this customer has been worth, seen rather than forecast. It says how much there is to lose or to repeat, not
what the action will earn; that is what hold-outs measure.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from regulars.insights.models import DueProduct, Profile
from regulars.insights.queries import is_late

Way = Literal["call", "message"]

# Someone who bought this recently is thanked first, before anything is offered.
WELCOME_DAYS = 7
# A reminder is welcome from three quarters of the customer's own cycle on.
REMIND_FROM = 0.75
OWN_RHYTHM_ORDERS = 3
# After half a year nobody remembers the person who calls.
CALL_WITHIN_DAYS = 183
# From an even chance on that the customer does not come.
ALERT_FROM = 0.5


@dataclass(frozen=True, kw_only=True)
class Playbook:
    """One thing to do for a customer.

    `when` takes the day and says which profiles it suits. After somebody did it or turned it down, the same customer is
    not suggested for it again within `rest_days`.
    """

    code: str
    name: Promise
    advice: Promise
    way: Way
    rest_days: int
    when: Callable[[int], Q]


_STILL_HERE = (Profile.Stage.NEW, Profile.Stage.GROWING, Profile.Stage.MATURE)
_GONE = (Profile.Stage.LAPSED_SHORT, Profile.Stage.LAPSED_LONG)
_SPENDS_MUCH = Q(cell__endswith="M")
_CAME_OFTEN = Q(cell__contains="F")
_NOT_WORTH_PAYING_FOR = Q(cell__in=("", "rfm"))


def _running_out(day: int) -> "QuerySet[DueProduct]":
    """Return what a customer buys again and again and is about to run out of, or lately did."""
    return DueProduct.objects.filter(
        customer_id=OuterRef("customer_id"), soon_day__lte=day, late_day__gte=day
    )


def _late(day: int) -> Q:
    """Later than four in five customers of this rhythm; as long as no rhythm is known, every lapsed one is."""
    return Q(late_day__isnull=True) | is_late(day)


PLAYBOOKS = (
    Playbook(
        code="vip_at_risk_call",
        name=_("Call a slipping big spender"),
        advice=_(
            "A person they know phones, asks what went wrong, writes down the reason, and offers a plan made for them."
        ),
        way="call",
        rest_days=60,
        when=lambda day: _SPENDS_MUCH & _late(day) & Q(stage__in=_GONE, last_day__gt=day - CALL_WITHIN_DAYS),
    ),
    Playbook(
        code="churn_alert",
        name=_("Churn alert: act before they leave"),
        advice=_(
            "Their habit is fading. Ask what is missing, remind them of what they like, and settle complaints first; no discount before that."
        ),
        way="message",
        rest_days=30,
        when=lambda _day: Q(churn_probability__gte=ALERT_FROM, stage__in=_STILL_HERE) & ~_NOT_WORTH_PAYING_FOR,
    ),
    Playbook(
        code="win_back_short",
        name=_("Win back: a gift for returning soon"),
        advice=_(
            "Say that you miss them, show what is new since their last order, and give a code or a gift that ends soon."
        ),
        way="message",
        rest_days=30,
        when=lambda day: Q(stage=Profile.Stage.LAPSED_SHORT) & _late(day) & ~_NOT_WORTH_PAYING_FOR,
    ),
    Playbook(
        code="win_back_long",
        name=_("Win back: ask why, once"),
        advice=_(
            "Ask in a short questionnaire why they left, and thank them with a spend-X-save-Y code. One try, then rest."
        ),
        way="message",
        rest_days=180,
        when=lambda _day: Q(stage=Profile.Stage.LAPSED_LONG) & (_SPENDS_MUCH | _CAME_OFTEN),
    ),
    Playbook(
        code="slowing_down",
        name=_("Wake up a slowing customer"),
        advice=_(
            "They are later than usual. Remind them of what they buy, tell them what was improved, no discount at first."
        ),
        way="message",
        rest_days=30,
        when=lambda _day: (
            Q(stage__in=(Profile.Stage.DECLINING, Profile.Stage.LAPSED_SHORT), orders__gt=1)
            & ~_NOT_WORTH_PAYING_FOR
        ),
    ),
    Playbook(
        code="first_order_welcome",
        name=_("Welcome after the first order"),
        advice=_(
            "Thank them, send a care guide or how-to for what they bought, and ask whether they are satisfied."
        ),
        way="message",
        rest_days=365,
        when=lambda day: Q(stage=Profile.Stage.NEW, last_day__gt=day - WELCOME_DAYS),
    ),
    Playbook(
        code="second_order_incentive",
        name=_("Bring about the second order"),
        advice=_(
            "Give a reason to come back within 30 days: a gift, or a code for what goes with the first purchase."
        ),
        way="message",
        rest_days=60,
        when=lambda day: (
            Q(stage=Profile.Stage.NEW, last_day__lte=day - WELCOME_DAYS)
            | Q(stage=Profile.Stage.LAPSED_SHORT, orders=1, late_day__gte=day)
        ),
    ),
    Playbook(
        code="replenish_due",
        name=_("Remind: time to buy again"),
        advice=_(
            "By their own rhythm they are about to run out. Remind them of what they buy, with related products beside it."
        ),
        way="message",
        rest_days=14,
        when=lambda day: (
            Q(stage__in=_STILL_HERE)
            & (
                Q(orders__gte=OWN_RHYTHM_ORDERS, last_day__lte=day - REMIND_FROM * F("cycle_days"))
                | Q(Exists(_running_out(day)))
            )
        ),
    ),
    Playbook(
        code="vip_account_manager_call",
        name=_("VIP: the account manager gets in touch"),
        advice=_(
            "Introduce yourself or ask how things are, give early access to what is new, and agree on the coming year."
        ),
        way="call",
        rest_days=90,
        when=lambda _day: Q(tier=Profile.Tier.VIP, stage__in=_STILL_HERE),
    ),
    Playbook(
        code="potential_raise_frequency",
        name=_("Potential: make a big spender come more often"),
        advice=_(
            "Suggest what goes with their last purchase, and give regulars' prices for a few weeks."
        ),
        way="message",
        rest_days=30,
        when=lambda _day: Q(tier=Profile.Tier.POTENTIAL, stage__in=_STILL_HERE) & _SPENDS_MUCH,
    ),
    Playbook(
        code="potential_raise_value",
        name=_("Potential: make a frequent buyer's basket bigger"),
        advice=_(
            "Offer a bundle, a larger pack, or a gift from a sum a little above their usual order."
        ),
        way="message",
        rest_days=30,
        when=lambda _day: Q(tier=Profile.Tier.POTENTIAL, stage__in=_STILL_HERE),
    ),
    Playbook(
        code="general_bundle",
        name=_("General: a bundle for those who are here"),
        advice=_("Automation only: buy three get one, points about to expire, an invitation to the community."),
        way="message",
        rest_days=60,
        when=lambda _day: Q(tier=Profile.Tier.GENERAL, stage__in=_STILL_HERE) & ~_NOT_WORTH_PAYING_FOR,
    ),
)  # fmt: skip
BY_CODE = {playbook.code: playbook for playbook in PLAYBOOKS}
