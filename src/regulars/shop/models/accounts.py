"""Companies that buy: an account, the people who order for it, and who looks after it."""

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from regulars.shop.models.record import Customer


@pghistory.track()
class Account(models.Model):
    """A company. Its orders are those placed for it, whoever of its contacts placed them."""

    code = models.CharField(_("account id"), max_length=200, unique=True, db_collation="C")
    name = models.CharField(_("name"), max_length=200, blank=True)
    industry = models.CharField(_("industry"), max_length=200, blank=True)
    country = models.CharField(_("country"), max_length=100, blank=True)
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="accounts",
        verbose_name=_("account manager"),
    )
    recorded_at = models.DateTimeField(auto_now_add=True, db_default=models.functions.Now())

    class Meta:
        constraints = (models.CheckConstraint(condition=~Q(code=""), name="shop_account_code"),)

    def __str__(self) -> str:
        return self.name or self.code


class Contact(models.Model):
    """A customer who acts for an account, in a role: buyer, decides, pays. One customer may act for several.

    The new orders of one who `brings_orders` are the account's; those of a customer go to one account at most.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="contacts", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="contacts")
    role = models.CharField(_("role"), max_length=100, blank=True)
    brings_orders = models.BooleanField(_("new orders are the account's"), default=False, db_default=False)
    since_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "customer"), name="shop_contact_once"),)

    def __str__(self) -> str:
        return f"{self.customer_id} of {self.account_id}"
