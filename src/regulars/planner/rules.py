"""Which playbook suits which customer. The first rule that holds gives the customer's one action.

At stake is the contribution margin of what the customer bought in the 365 days that end with their last order: what a
year of this customer has been worth, seen rather than forecast. It says how much there is to lose or to repeat, not
what the action will earn; that is what hold-outs measure.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from regulars.insights.models import DueProduct, Profile
from regulars.insights.queries import is_late
from regulars.journeys.playbooks import Message
from regulars.journeys.playbooks import playbook as library
from regulars.messaging.starters import Said

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
    """One thing to do for a customer, as the playbook of the same code in the library tells it.

    `when` takes the day and says which profiles it suits. After somebody did it or turned it down, the same customer is
    not suggested for it again within `rest_days`.
    """

    code: str
    way: Way
    rest_days: int
    when: Callable[[int], Q]

    @property
    def name(self) -> Said:
        """What it is called."""
        return library(self.code).name

    @property
    def script(self) -> Message | None:
        """What to say on the telephone, as it is written; None for what is not said there."""
        messages = library(self.code).messages.values()
        return next((one for one in messages if one.format == "task" and one.medium == "phone"), None)

    @property
    def advice(self) -> Said:
        """What is done, in a sentence or two."""
        return library(self.code).about


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
        way="call",
        rest_days=60,
        when=lambda day: _SPENDS_MUCH & _late(day) & Q(stage__in=_GONE, last_day__gt=day - CALL_WITHIN_DAYS),
    ),
    Playbook(
        code="churn_alert",
        way="message",
        rest_days=30,
        when=lambda _day: Q(churn_probability__gte=ALERT_FROM, stage__in=_STILL_HERE) & ~_NOT_WORTH_PAYING_FOR,
    ),
    Playbook(
        code="win_back_short",
        way="message",
        rest_days=30,
        when=lambda day: Q(stage=Profile.Stage.LAPSED_SHORT) & _late(day) & ~_NOT_WORTH_PAYING_FOR,
    ),
    Playbook(
        code="win_back_long",
        way="message",
        rest_days=180,
        when=lambda _day: Q(stage=Profile.Stage.LAPSED_LONG) & (_SPENDS_MUCH | _CAME_OFTEN),
    ),
    Playbook(
        code="slowing_down",
        way="message",
        rest_days=30,
        when=lambda _day: (
            Q(stage__in=(Profile.Stage.DECLINING, Profile.Stage.LAPSED_SHORT), orders__gt=1)
            & ~_NOT_WORTH_PAYING_FOR
        ),
    ),
    Playbook(
        code="first_order_welcome",
        way="message",
        rest_days=365,
        when=lambda day: Q(stage=Profile.Stage.NEW, last_day__gt=day - WELCOME_DAYS),
    ),
    Playbook(
        code="second_order_incentive",
        way="message",
        rest_days=60,
        when=lambda day: (
            Q(stage=Profile.Stage.NEW, last_day__lte=day - WELCOME_DAYS)
            | Q(stage=Profile.Stage.LAPSED_SHORT, orders=1, late_day__gte=day)
        ),
    ),
    Playbook(
        code="replenish_due",
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
        way="call",
        rest_days=90,
        when=lambda _day: Q(tier=Profile.Tier.VIP, stage__in=_STILL_HERE),
    ),
    Playbook(
        code="potential_raise_frequency",
        way="message",
        rest_days=30,
        when=lambda _day: Q(tier=Profile.Tier.POTENTIAL, stage__in=_STILL_HERE) & _SPENDS_MUCH,
    ),
    Playbook(
        code="potential_raise_value",
        way="message",
        rest_days=30,
        when=lambda _day: Q(tier=Profile.Tier.POTENTIAL, stage__in=_STILL_HERE),
    ),
    Playbook(
        code="general_bundle",
        way="message",
        rest_days=60,
        when=lambda _day: Q(tier=Profile.Tier.GENERAL, stage__in=_STILL_HERE) & ~_NOT_WORTH_PAYING_FOR,
    ),
)  # fmt: skip
BY_CODE = {playbook.code: playbook for playbook in PLAYBOOKS}
