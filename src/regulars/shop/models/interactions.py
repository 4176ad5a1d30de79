"""What came of getting in touch with customers in person."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.shop.models.record import Customer


class Interaction(models.Model):
    """Somebody of the staff got in touch with a customer, or tried to, and this came of it.

    `about` is what asked for it, such as `action:12`; of one thing one outcome is told.
    """

    class Outcome(models.TextChoices):
        REACHED = "reached", _("Reached, or done")
        NOT_REACHED = "not_reached", _("Not reached")
        DECLINED = "declined", _("Does not want it")

    class Reason(models.TextChoices):
        PRICE = "price", _("Too expensive")
        PRODUCT = "product", _("Not content with what they bought")
        SERVICE = "service", _("Not content with the service")
        DELIVERY = "delivery", _("Trouble with a delivery")
        ELSEWHERE = "elsewhere", _("Buys elsewhere")
        NO_NEED = "no_need", _("Needs nothing now")
        FORGOT = "forgot", _("Had not thought of it")
        OTHER = "other", pgettext_lazy("reason", "Something else")

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="interactions")
    at = models.DateTimeField(_("when"))
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason, blank=True, default="")
    about = models.CharField(_("what asked for it"), max_length=60, unique=True, db_collation="C")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("by"),
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(outcome__in=("reached", "not_reached", "declined")),
                name="shop_interaction_outcome",
            ),
            models.CheckConstraint(
                condition=Q(
                    reason__in=(
                        "", "price", "product", "service", "delivery", "elsewhere", "no_need", "forgot", "other",
                    )
                ),
                name="shop_interaction_reason",
            ),
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.about}: {self.outcome}"
