"""What people do: events, where they come from, and who was behind them before they said so.

The tables of events carry no foreign keys. They are filled a hundred thousand rows a second, from rows that the same
transaction made or looked up, and PostgreSQL would check each key of each row.
"""

import pghistory
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from regulars.shop.models.record import Customer, Product, Store


@pghistory.track()
class EventSource(models.Model):
    """A place that tells of behaviour: a site, an app, a server, an export of another tool."""

    code = models.CharField(_("code"), max_length=64, unique=True, db_collation="C")
    name = models.CharField(_("name"), max_length=200)
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="sources")

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Visitor(models.Model):
    """Somebody without a name: a browser or a device, by the id that it gave itself in a store's sites and apps."""

    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="visitors", db_index=False)
    anonymous_id = models.CharField(max_length=200, db_collation="C")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("store", "anonymous_id"), name="shop_visitor_once"),
            models.CheckConstraint(condition=~Q(anonymous_id=""), name="shop_visitor_not_empty"),
        )

    def __str__(self) -> str:
        return self.anonymous_id


class VisitorLink(models.Model):
    """A visitor said to be a customer, first at `since_at`.

    What a visitor did without a name belongs to the customer they had last said to be, and before they said anything
    to the first one: so a browser that two people share tells each what was theirs, whatever arrived first.
    """

    visitor = models.ForeignKey(Visitor, on_delete=models.CASCADE, related_name="links", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="visitor_links")
    since_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("visitor", "customer"), name="shop_visitor_link_once"),
        )

    def __str__(self) -> str:
        return f"{self.visitor_id} is {self.customer_id}"


class Message(models.Model):
    """The id of an event that was taken in, for ever: what makes an event arrive once.

    `key` is the first half of the SHA-256 of the sender's message id. A unique index on a partitioned table must
    contain the month, and the month of a repeated event may differ; so the ids have a narrow table of their own.
    """

    pk = models.CompositePrimaryKey("source_id", "key")
    source = models.ForeignKey(
        EventSource, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    key = models.UUIDField()

    def __str__(self) -> str:
        return f"{self.source_id}:{self.key}"


class Event(models.Model):
    """Something that a visitor or a customer did. Partitioned by the month of `at`, in UTC.

    `is_named` says that the event itself told who did it; otherwise `customer` follows from the visitor's links.
    `order_code` is set for what happened to an order.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    day = models.IntegerField()
    source = models.ForeignKey(
        EventSource,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="behaviour",
    )
    visitor = models.ForeignKey(
        Visitor,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="behaviour",
    )
    customer = models.ForeignKey(
        Customer,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="behaviour",
    )
    is_named = models.BooleanField()
    name = models.CharField(max_length=200)
    product = models.ForeignKey(
        Product,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="behaviour",
    )
    order_code = models.CharField(max_length=200, blank=True, default="", db_collation="C")
    url = models.CharField(max_length=2000, blank=True, default="")
    properties = models.JSONField(default=dict)

    class Meta:
        # Made by the migration: Django does not know partitions.
        indexes = (
            models.Index(
                F("customer"),
                F("at").desc(),
                name="shop_event_customer_at",
                condition=Q(customer__isnull=False),
            ),
            models.Index(
                F("visitor"), F("at").desc(), name="shop_event_visitor_at", condition=Q(visitor__isnull=False)
            ),
            models.Index(fields=("order_code",), name="shop_event_order", condition=~Q(order_code="")),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.at:%Y-%m-%d %H:%M}"
