"""What the merchant wants to know of customers beyond the record's own columns: tags and typed attributes."""

import pghistory
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from regulars.shop.models.record import Customer
from regulars.shop.rules import label_of


@pghistory.track()
class Tag(models.Model):
    """A word put on customers, by a person or a file.

    A tag that was removed keeps its customers for as long as that can be undone, and is nowhere to be seen.
    """

    class Colour(models.TextChoices):
        GREY = "grey", _("Grey")
        BLUE = "blue", _("Blue")
        TEAL = "teal", _("Teal")
        GREEN = "green", _("Green")
        AMBER = "amber", _("Amber")
        RED = "red", _("Red")
        PINK = "pink", _("Pink")
        VIOLET = "violet", _("Violet")

    name = models.CharField(_("name"), max_length=60)
    description = models.CharField(_("description"), max_length=300, blank=True)
    colour = models.CharField(
        _("colour"), max_length=20, choices=Colour, default=Colour.GREY, db_default=Colour.GREY
    )
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(Lower("name"), name="shop_tag_once", condition=Q(removed_at=None)),
            models.CheckConstraint(condition=~Q(name=""), name="shop_tag_name"),
        )

    def __str__(self) -> str:
        return self.name


class Tagging(models.Model):
    """A tag on a customer; `source` says who or what put it there."""

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="taggings", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="taggings")
    source = models.CharField(max_length=200, blank=True)
    tagged_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("tag", "customer"), name="shop_tagging_once"),)

    def __str__(self) -> str:
        return f"{self.tag_id} on {self.customer_id}"


class TaggingBatch(models.Model):
    """Customers who were given a tag, or lost it, at once: what a person did, and may take back.

    `name` outlives the tag. `undoes` is the batch that this one took back.
    """

    tag = models.ForeignKey(Tag, on_delete=models.SET_NULL, null=True, related_name="batches")
    name = models.CharField(max_length=60)
    is_put = models.BooleanField()
    at = models.DateTimeField()
    source = models.CharField(max_length=200, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    undoes = models.OneToOneField(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="undone_by"
    )

    def __str__(self) -> str:
        return f"{'+' if self.is_put else '-'}{self.name}"


class TaggingChange(models.Model):
    """One customer of a batch, with what is needed to put a tag back as it was."""

    batch = models.ForeignKey(TaggingBatch, on_delete=models.CASCADE, related_name="changes", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="tag_changes")
    former_source = models.CharField(max_length=200, blank=True, default="", db_default="")
    former_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("batch", "customer"), name="shop_tagging_change_once"),
        )

    def __str__(self) -> str:
        return f"{self.batch_id}: {self.customer_id}"


@pghistory.track()
class AttributeDefinition(models.Model):
    """An attribute that the merchant added: its name in data, its words, and what a value may be.

    `minimum` and `maximum` bound a number; `choices` are what a choice may be. Money is kept in minor units of the base
    currency. A yearly date is a birthday: its year is 1904 where nobody said which.
    """

    class Type(models.TextChoices):
        TEXT = "text", _("Text")
        NUMBER = "number", _("Number")
        MONEY = "money", _("Money")
        FLAG = "flag", _("Yes or no")
        DATE = "date", _("Date")
        YEARLY = "yearly", _("Day of every year, such as a birthday")
        CHOICE = "choice", _("One of several")
        CHOICES = "choices", _("Some of several")

    name = models.CharField(_("name in data"), max_length=60, unique=True, db_collation="C")
    label = models.CharField(_("label"), max_length=100)
    label_zh = models.CharField(_("label in Chinese"), max_length=100, blank=True, default="", db_default="")
    is_customers = models.BooleanField(_("customers may change it"), default=False, db_default=False)
    type = models.CharField(_("type"), max_length=20, choices=Type)
    choices = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    minimum = models.DecimalField(_("at least"), max_digits=20, decimal_places=6, null=True, blank=True)
    maximum = models.DecimalField(_("at most"), max_digits=20, decimal_places=6, null=True, blank=True)

    class Meta:
        ordering = ("label", "name")
        constraints = (
            models.CheckConstraint(
                condition=Q(
                    type__in=("text", "number", "money", "flag", "date", "yearly", "choice", "choices")
                ),
                name="shop_attribute_type_known",
            ),
            models.CheckConstraint(condition=Q(name__regex=r"^[a-z][a-z0-9_]*$"), name="shop_attribute_name"),
            models.CheckConstraint(
                condition=Q(minimum__isnull=True) | Q(maximum__isnull=True) | Q(minimum__lte=F("maximum")),
                name="shop_attribute_bounds",
            ),
        )

    def __str__(self) -> str:
        return self.label

    @property
    def shown_label(self) -> str:
        """The label in the language of the moment."""
        return label_of(self.label, self.label_zh)


class AttributeValue(models.Model):
    """A customer's value of an attribute, in the one column of the attribute's type, as last told."""

    definition = models.ForeignKey(
        AttributeDefinition, on_delete=models.CASCADE, related_name="values", db_index=False
    )
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="attribute_values")
    text = models.CharField(max_length=1000, null=True)  # noqa: DJ001  null: the attribute has another type
    number = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    flag = models.BooleanField(null=True)
    date = models.DateField(null=True)
    choices = ArrayField(models.CharField(max_length=100), null=True)
    source = models.CharField(max_length=200, blank=True)
    told_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("definition", "customer"), name="shop_attribute_value_once"),
            models.CheckConstraint(
                condition=Q(
                    Exact(
                        models.Func(
                            F("text"),
                            F("number"),
                            F("flag"),
                            F("date"),
                            F("choices"),
                            function="num_nonnulls",
                            output_field=models.IntegerField(),
                        ),
                        1,
                    )
                ),
                name="shop_attribute_value_typed",
            ),
        )

    def __str__(self) -> str:
        return f"{self.definition_id} of {self.customer_id}"
