"""The record. A foreign key that begins another index has none of its own: bulk imports pay for each."""

from typing import Any, ClassVar

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce, Collate, Concat, Lower, NullIf
from django.utils.translation import gettext_lazy as _


class Grams(Func):
    """Every two neighbouring characters of a text, in lower case, as an array that a GIN index can hold.

    Two rather than the three of pg_trgm: a Chinese name has two or three characters, and pg_trgm finds none
    of them in a cluster of the C locale. The function is made by the migration `search`.
    """

    function = "shop_grams"
    arity = 1
    output_field: ClassVar[Any] = ArrayField(models.TextField())


@pghistory.track()
class Business(models.Model):
    """The merchant: one row, which decides where midnight is and what money is counted in."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField(_("name"), max_length=200)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    currency = models.CharField(_("base currency"), max_length=3, default="USD")
    margin_bp = models.PositiveIntegerField(
        _("contribution margin, hundredths of a percent"),
        default=3000,
        validators=(MinValueValidator(0), MaxValueValidator(10_000)),
    )
    event_months = models.PositiveSmallIntegerField(
        _("months of behaviour kept in the database"), default=24, db_default=24
    )
    # Of 10,000 customers, how many get no advertising at all, to measure against; and since when it is that many.
    holdout_bp = models.PositiveIntegerField(_("global hold-out"), default=500, db_default=500)
    holdout_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(id=1), name="shop_business_one_row"),
            models.CheckConstraint(condition=Q(margin_bp__lte=10_000), name="shop_business_margin_share"),
            models.CheckConstraint(condition=Q(event_months__gte=1), name="shop_business_event_months"),
            models.CheckConstraint(condition=Q(holdout_bp__lte=5_000), name="shop_business_holdout"),
        )

    def __str__(self) -> str:
        return self.name


class Store(models.Model):
    """A place where the merchant sells: a Taobao shop, an own site, a counter."""

    code = models.CharField(_("code"), max_length=64, unique=True, db_collation="C")
    name = models.CharField(_("name"), max_length=200)

    def __str__(self) -> str:
        return self.name


@pghistory.track(
    pghistory.ManualEvent("was"),  # type: ignore[no-untyped-call]  # pghistory tells no types
    pghistory.ManualEvent("told"),  # type: ignore[no-untyped-call]  # as above
    fields=["code", "language"],
    model_name="CustomerEvent",
)
class Customer(models.Model):
    """A buyer. `code` is the merchant's own id for them, the customer_id of every export.

    One who was found to be somebody else keeps the row, without a history, and `merged_into` names who that is:
    never one who was merged in turn.
    """

    code = models.CharField(_("customer id"), max_length=200, unique=True, db_collation="C")
    name = models.CharField(_("name"), max_length=200, blank=True)
    country = models.CharField(_("country"), max_length=100, blank=True)
    # When a file of customers last said who this is; what an older order calls them does not count against it.
    described_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField(auto_now_add=True, db_default=models.functions.Now())
    # When the name and the country were last told by somebody who says when; null for what orders told.
    name_at = models.DateTimeField(null=True, editable=False)
    country_at = models.DateTimeField(null=True, editable=False)
    # What they are spoken to in; empty for the shop's choice.
    language = models.CharField(_("language"), max_length=10, blank=True, default="", db_default="")
    # When others told the language; null for what customers chose themselves, which nobody else changes.
    language_at = models.DateTimeField(null=True, editable=False)
    # From then on the row holds nothing by which the person can be told; their orders are figures.
    erased_at = models.DateTimeField(null=True, editable=False)
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="absorbed", db_index=False
    )
    # What lists are sorted by: the name, or the code of those without one. The collation is named because
    # the two columns have different ones.
    sort_name = models.GeneratedField(
        expression=Lower(Collate(Coalesce(NullIf(F("name"), Value("")), F("code")), "default")),
        output_field=models.CharField(max_length=200),
        db_persist=True,
    )

    class Meta:
        indexes = (
            # The leading blank marks the start of a word, so that one character finds what begins with it.
            GinIndex(
                Grams(Concat(Value(" "), "code", Value(" "), "name")),
                name="shop_customer_grams",
            ),
            models.Index(fields=("sort_name", "id"), name="shop_customer_sort_name"),
            models.Index(fields=("country", "id"), name="shop_customer_country"),
            models.Index(
                fields=("merged_into",),
                name="shop_customer_merged_into",
                condition=Q(merged_into__isnull=False),
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("id")),
                name="shop_customer_not_itself",
            ),
        )

    def __str__(self) -> str:
        return self.name or self.code

    @property
    def has_chosen_language(self) -> bool:
        """Whether they said themselves what they want to be spoken to in."""
        return bool(self.language) and self.language_at is None


class Identifier(models.Model):
    """One way to recognise a customer: at least one each, none of any kind required.

    `store` is set for kinds that a store gives out, so that buyer 17 of one shop is not buyer 17 of another.
    """

    class Kind(models.TextChoices):
        EXTERNAL = "external", _("Customer id")
        EMAIL = "email", _("E-mail")
        PHONE = "phone", _("Phone")
        OUID = "ouid", _("OUID")
        OMID = "omid", _("OMID")
        OPENID = "openid", _("OpenID")

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="identifiers")
    kind = models.CharField(max_length=20, choices=Kind)
    store = models.ForeignKey(Store, on_delete=models.PROTECT, null=True, blank=True)
    value = models.CharField(max_length=320, db_collation="C")
    # Who told it first, in the words of a `source` elsewhere: `import 12`, `track:1f0a`, `staff`; empty for what is not known.
    source = models.CharField(max_length=200, blank=True, default="", db_default="")
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            # By value first: whoever pastes one, or uploads a list of them, need not know the kind.
            models.UniqueConstraint(
                fields=("value", "kind", "store"), nulls_distinct=False, name="shop_identifier_once"
            ),
            models.CheckConstraint(condition=~Q(value=""), name="shop_identifier_not_empty"),
        )
        indexes = (GinIndex(Grams(Concat(Value(" "), "value")), name="shop_identifier_grams"),)

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


class Product(models.Model):
    """Something a store sells, by the store's own code for it (SKU)."""

    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="products", db_index=False)
    code = models.CharField(_("product code"), max_length=200, db_collation="C")
    name = models.CharField(_("name"), max_length=300, blank=True)
    category = models.CharField(_("category"), max_length=200, blank=True)
    brand = models.CharField(_("brand"), max_length=200, blank=True)
    pack_size = models.CharField(_("pack size"), max_length=100, blank=True)
    # When a file of products last said what this is; what an older order calls it does not count against it.
    described_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("store", "code"), name="shop_product_once"),)

    def __str__(self) -> str:
        return self.name or self.code


class Order(models.Model):
    """An order in the base currency. `net_minor` and `is_valid` follow from its other columns.

    A valid order is paid, not cancelled, and worth something after its refunds.
    """

    class Status(models.TextChoices):
        PAID = "paid", _("Paid")
        PENDING = "pending", _("Waiting for payment")
        CANCELLED = "cancelled", _("Cancelled")

    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="orders", db_index=False)
    code = models.CharField(_("order number"), max_length=200, db_collation="C")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="orders", db_index=False)
    account = models.ForeignKey(
        "shop.Account", on_delete=models.PROTECT, null=True, blank=True, related_name="orders", db_index=False
    )
    # Which connection or program told its lines; empty for a file.
    sender = models.CharField(max_length=40, blank=True, default="", db_default="", db_collation="C")
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.PAID)
    placed_at = models.DateTimeField(_("placed"))
    day = models.IntegerField(_("order day"))
    amount_minor = models.BigIntegerField(_("amount"))
    discount_minor = models.BigIntegerField(_("discount"), default=0, db_default=0)
    refunded_minor = models.BigIntegerField(_("refunded"), default=0, db_default=0)
    # The codes on it, as they were told, each with what it took off; null where only the order's whole discount is told.
    coupons = models.JSONField(_("codes"), default=dict, db_default=Value({}, models.JSONField()), blank=True)
    net_minor = models.GeneratedField(
        expression=F("amount_minor") - F("refunded_minor"),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )
    is_valid = models.GeneratedField(
        expression=models.ExpressionWrapper(
            Q(status="paid") & Q(amount_minor__gt=F("refunded_minor")), output_field=models.BooleanField()
        ),
        output_field=models.BooleanField(),
        db_persist=True,
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("store", "code"), name="shop_order_once"),
            models.CheckConstraint(condition=Q(amount_minor__gte=0), name="shop_order_amount"),
            models.CheckConstraint(condition=Q(refunded_minor__gte=0), name="shop_order_refunded"),
            models.CheckConstraint(
                condition=Q(status__in=("paid", "pending", "cancelled")), name="shop_order_status_known"
            ),
        )
        indexes = (
            models.Index(fields=("customer", "-day"), name="shop_order_customer_day"),
            models.Index(fields=("day",), name="shop_order_day"),
            models.Index(
                fields=("account", "-day"), name="shop_order_account_day", condition=Q(account__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return self.code


class OrderLine(models.Model):
    """One product of an order. `key` tells lines of an order apart: the line number, or the line's content.

    `amount_minor` is what was paid for the whole quantity, after `discount_minor` was taken off. It is 0 where
    that was less than half of the smallest coin.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines", db_index=False)
    key = models.CharField(max_length=100, db_collation="C")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="lines")
    quantity = models.DecimalField(_("quantity"), max_digits=14, decimal_places=3)
    amount_minor = models.BigIntegerField(_("amount"))
    discount_minor = models.BigIntegerField(_("discount"), default=0, db_default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("order", "key"), name="shop_line_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="shop_line_quantity"),
            models.CheckConstraint(condition=Q(amount_minor__gte=0), name="shop_line_amount"),
        )

    def __str__(self) -> str:
        return f"{self.order_id}/{self.key}"


class Refund(models.Model):
    """Money given back. With an order when one could be matched, else to the customer as a whole."""

    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="refunds", db_index=False)
    key = models.CharField(max_length=300, db_collation="C")
    code = models.CharField(_("refund number"), max_length=200, blank=True, db_collation="C")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="refunds", db_index=False)
    order = models.ForeignKey(Order, on_delete=models.SET_NULL, null=True, blank=True, related_name="refunds")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, null=True, blank=True)
    quantity = models.DecimalField(_("quantity"), max_digits=14, decimal_places=3)
    amount_minor = models.BigIntegerField(_("amount"))
    refunded_at = models.DateTimeField(_("refunded"))
    day = models.IntegerField(_("refund day"))

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("store", "key"), name="shop_refund_once"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="shop_refund_amount"),
        )
        indexes = (models.Index(fields=("customer", "-day"), name="shop_refund_customer_day"),)

    def __str__(self) -> str:
        return self.code or self.key


class ChangedMonth(models.Model):
    """A calendar month of the record that changed: what facts must be written again.

    `version` grows with every change of orders, `events_version` with every change of events, apart because a month
    of events is large; a reader remembers the version it has read.
    """

    month = models.DateField(primary_key=True)
    version = models.BigIntegerField(default=1, db_default=0)
    events_version = models.BigIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} v{self.version}"


class RecordMeasured(models.Model):
    """How complete the record was when it was last counted, for pages that cannot wait: one row."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    at = models.DateTimeField()
    coverage = models.JSONField()
    freshness = models.JSONField()

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="shop_measured_one_row"),)

    def __str__(self) -> str:
        return f"measured at {self.at}"
