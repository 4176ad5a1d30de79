"""Offers, their codes, and what became of each use. What may never be passed is a constraint of the database."""

import pghistory
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.shop.models import Customer, Order, Store


# What people change is history; that it was used once more is not.
@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(
        condition=pghistory.AnyChange(
            "name", "words", "words_zh", "benefit", "goods", "stores", "least_minor", "most_minor", "starts_at",
            "ends_at", "code_days", "per_customer", "stock", "budget_minor", "holder_only", "stacking", "state",
        )
    ),
)  # fmt: skip
class Offer(models.Model):
    """Something a shop gives to those who buy. `benefit` and `goods` are read by `reading`.

    `uses` and `cost_minor` count what is reserved or redeemed now; no writer can bring them past `stock` and `budget_minor`.
    """

    class Kind(models.TextChoices):
        PERCENT = "percent", pgettext_lazy("kind of offer", "Percent off")
        AMOUNT = "amount", pgettext_lazy("kind of offer", "Amount off")
        THRESHOLD = "threshold", _("Spend X, save Y")
        BUNDLE = "bundle", _("Bundle at a price")
        BUY_GET = "buy_get", _("Buy some, get some")
        FREE_SHIPPING = "free_shipping", _("Free shipping")
        GIFT = "gift", _("Gift or sample")

    class Stacking(models.TextChoices):
        ALONE = "alone", _("With no other offer")
        OTHER_KINDS = "other_kinds", _("With offers on something else")
        ANY = "any", _("With any other that allows it")

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("offer", "Draft")
        LIVE = "live", pgettext_lazy("offer", "Running")
        PAUSED = "paused", pgettext_lazy("offer", "Paused")
        ENDED = "ended", pgettext_lazy("offer", "Ended")

    class Codes(models.TextChoices):
        UNIQUE = "unique", _("A code of their own for everybody")
        SHARED = "shared", _("One code for all")

    name = models.CharField(_("name"), max_length=100)
    words = models.CharField(_("words for customers"), max_length=300, blank=True)
    words_zh = models.CharField(_("words for customers, in Chinese"), max_length=300, blank=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    benefit = models.JSONField(_("benefit"))
    goods = models.JSONField(_("goods"), default=dict)
    stores = ArrayField(models.CharField(max_length=64), verbose_name=_("stores"), default=list)
    least_minor = models.BigIntegerField(_("from a sum of"), default=0)
    most_minor = models.BigIntegerField(_("at most off an order"), null=True)
    starts_at = models.DateTimeField(_("begins"))
    ends_at = models.DateTimeField(_("ends"), null=True)
    code_days = models.PositiveIntegerField(_("days a code is good for"), null=True)
    per_customer = models.PositiveIntegerField(_("times a customer"), null=True)
    stock = models.PositiveIntegerField(_("times in all"), null=True)
    budget_minor = models.BigIntegerField(_("budget"), null=True)
    codes = models.CharField(_("codes"), max_length=10, choices=Codes, default=Codes.UNIQUE)
    prefix = models.CharField(_("codes begin with"), max_length=12, blank=True)
    holder_only = models.BooleanField(_("only for whom the code was given to"), default=False)
    stacking = models.CharField(_("goes together"), max_length=20, choices=Stacking, default=Stacking.ALONE)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    uses = models.PositiveIntegerField(default=0, editable=False)
    cost_minor = models.BigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(stock=None) | Q(uses__lte=F("stock")), name="offers_within_stock"
            ),
            models.CheckConstraint(
                condition=Q(budget_minor=None) | Q(cost_minor__lte=F("budget_minor")),
                name="offers_within_budget",
            ),
            models.CheckConstraint(
                condition=Q(uses__gte=0, cost_minor__gte=0, least_minor__gte=0), name="offers_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")), name="offers_end_after_start"
            ),
            models.CheckConstraint(
                condition=Q(state__in=("draft", "live", "paused", "ended")), name="offers_state_known"
            ),
            models.UniqueConstraint(
                models.functions.Lower("name"), condition=~Q(state="ended"), name="offers_name_once"
            ),
        )

    def __str__(self) -> str:
        return self.name


class Coupon(models.Model):
    """A code of an offer: of one person, of whoever has it, or, shared, of all.

    `source` says who gave it to its holder, such as `journey 12`; the same source gives a person one code of an offer.
    """

    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="coupons", db_index=False)
    code = models.CharField(max_length=60, unique=True, db_collation="C")
    holder = models.ForeignKey(
        Customer, on_delete=models.SET_NULL, null=True, blank=True, related_name="coupons", db_index=False
    )
    source = models.CharField(max_length=100, blank=True, default="", db_default="")
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    voided_at = models.DateTimeField(null=True)
    # Null of a shared code, which is as often good as its offer.
    most_uses = models.PositiveIntegerField(null=True, default=1, db_default=1)
    uses = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(most_uses=None) | Q(uses__lte=F("most_uses")), name="offers_coupon_within_uses"
            ),
            models.UniqueConstraint(
                fields=("holder", "offer", "source"),
                condition=Q(holder__isnull=False),
                name="offers_coupon_once_a_source",
            ),
        )
        indexes = (models.Index(fields=("offer", "id"), name="offers_coupon_offer"),)

    def __str__(self) -> str:
        return self.code


class Redemption(models.Model):
    """One use of a code: held for a basket, then redeemed by an order or given back.

    Codes of one basket share a `reservation`. `off_minor` is what it takes off the order, `cost_minor` that and what gifts
    cost. A use that a shop granted although the offer did not is told of as `beyond`: the money is gone all the same.
    """

    class State(models.TextChoices):
        RESERVED = "reserved", pgettext_lazy("coupon", "Held for a basket")
        REDEEMED = "redeemed", pgettext_lazy("coupon", "Redeemed")
        RELEASED = "released", pgettext_lazy("coupon", "Given back")
        BEYOND = "beyond", pgettext_lazy("coupon", "Redeemed beyond the limits")

    reservation = models.UUIDField(db_index=True)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="redemptions", db_index=False)
    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="redemptions", db_index=False)
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, null=True, blank=True, related_name="redemptions", db_index=False
    )
    state = models.CharField(max_length=10, choices=State)
    off_minor = models.BigIntegerField()
    cost_minor = models.BigIntegerField()
    store = models.ForeignKey(
        Store, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    order_code = models.CharField(max_length=200, blank=True, default="", db_collation="C")
    order = models.ForeignKey(
        Order, on_delete=models.SET_NULL, null=True, blank=True, related_name="redemptions"
    )
    # Who told it: `api`, or `event 17` or `order 17` of the record.
    source = models.CharField(max_length=100)
    reserved_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    redeemed_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            # Whoever tells of it, and however often: one code is used once on one order.
            models.UniqueConstraint(
                fields=("coupon", "store", "order_code"),
                condition=~Q(order_code="") & ~Q(state="released"),
                nulls_distinct=False,
                name="offers_redemption_once_an_order",
            ),
            models.CheckConstraint(
                condition=Q(off_minor__gte=0, cost_minor__gte=0), name="offers_redemption_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(state__in=("reserved", "redeemed", "released", "beyond")),
                name="offers_redemption_state_known",
            ),
        )
        indexes = (
            models.Index(fields=("offer", "state", "redeemed_at"), name="offers_redemption_offer"),
            models.Index(
                fields=("customer", "offer"),
                condition=Q(customer__isnull=False),
                name="offers_redemption_customer",
            ),
            models.Index(
                fields=("expires_at",), condition=Q(state="reserved"), name="offers_redemption_expiry"
            ),
            models.Index(
                fields=("store", "order_code"),
                condition=Q(order__isnull=True) & ~Q(order_code=""),
                name="offers_redemption_unlinked",
            ),
        )

    def __str__(self) -> str:
        return f"{self.coupon_id}: {self.state}"
