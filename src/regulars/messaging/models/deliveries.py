"""The ledger: one row for each message that was decided on, written before anything is sent."""

import uuid
from typing import Any

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.messaging.models.channels import Channel
from regulars.offers.models import Offer
from regulars.shop.models import Customer
from regulars.shop.models.consents import Purpose


@pghistory.track(exclude=["finished_at", "is_complete"])
class Send(models.Model):
    """One step of a source on its way to its customers: what pauses, goes on and is cancelled as a whole.

    `kind`, `source_id` and `step` say what it comes from. Higher `priority` goes first. What a transactional send (a receipt, a
    reply) says has to be said: neither consent to marketing, nor caps, nor quiet hours hold it back; `counts` says whether its
    messages use up caps. No message is begun after `expires_at`. `is_complete` once everybody is in the ledger; it is
    finished when, after that, no delivery is under way: a count, noted in `finished_at` by whoever found it so.
    `over` has the channels in the order in which they are tried: whom one refuses for good gets the message over the next.
    `offer` is what its messages bring codes of: who has used it as often as they may gets none of them.
    """

    class State(models.TextChoices):
        RUNNING = "running", pgettext_lazy("send", "Sending")
        PAUSED = "paused", pgettext_lazy("send", "Paused")
        CANCELLED = "cancelled", pgettext_lazy("send", "Cancelled")

    kind = models.CharField(max_length=30, db_collation="C")
    source_id = models.BigIntegerField()
    step = models.CharField(max_length=60, blank=True, db_collation="C")
    label = models.CharField(_("name"), max_length=200)
    purpose = models.CharField(max_length=20, choices=Purpose)
    tag = models.CharField(_("tag"), max_length=60, blank=True, db_collation="C")
    priority = models.SmallIntegerField(default=50)
    is_transactional = models.BooleanField(default=False)
    counts = models.BooleanField(default=True)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    trouble = models.CharField(max_length=500, blank=True, default="")
    expires_at = models.DateTimeField(null=True, blank=True)
    holdout_bp = models.PositiveIntegerField(default=0)
    over = ArrayField(models.BigIntegerField(), default=list, db_default=[], blank=True)
    offer = models.ForeignKey(
        Offer, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    is_complete = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("kind", "source_id", "step"), name="messaging_send_once"),
            models.CheckConstraint(
                condition=Q(state__in=("running", "paused", "cancelled")), name="messaging_send_state"
            ),
            models.CheckConstraint(condition=Q(purpose__in=Purpose.values), name="messaging_send_purpose"),
            models.CheckConstraint(
                condition=Q(priority__gte=0, priority__lte=100, holdout_bp__lte=10_000),
                name="messaging_send_ranges",
            ),
        )

    def __str__(self) -> str:
        return self.label


# What its channel will not take: it failed, came back, or its address turned out to be dead while it waited.
_REFUSED = Q(state__in=("failed", "bounced")) | Q(state="suppressed", reason="hard_bounce")


class Delivery(models.Model):
    """One message to one customer over one channel, from the decision to its end.

    `token` names it outside (Message-ID, links, webhooks) and stays the same at every try. `generation` counts the claims: what
    a sender writes counts only while the row still has the generation that it claimed. `worker` names the session of the database
    that the claim lasts as long as, `lease_until` how long it is believed without asking. `reason` says why it was suppressed,
    failed, is uncertain, or waits. `counted_at` is when it began to use up caps. An answer that was cut off leaves
    `was_uncertain`: the customer may have the message twice. `instead_of` is the same customer's message over another channel
    that was refused for good.
    """

    class State(models.TextChoices):
        PENDING = "pending", pgettext_lazy("delivery", "Waiting")
        CLAIMED = "claimed", pgettext_lazy("delivery", "Next")
        SENDING = "sending", pgettext_lazy("delivery", "Being sent")
        ACCEPTED = "accepted", pgettext_lazy("delivery", "Accepted")
        DELIVERED = "delivered", pgettext_lazy("delivery", "Delivered")
        BOUNCED = "bounced", pgettext_lazy("delivery", "Bounced")
        COMPLAINED = "complained", pgettext_lazy("delivery", "Reported as spam")
        FAILED = "failed", pgettext_lazy("delivery", "Failed")
        UNCERTAIN = "uncertain", pgettext_lazy("delivery", "Uncertain")
        SUPPRESSED = "suppressed", pgettext_lazy("delivery", "Held back")

    UNDER_WAY = (State.PENDING, State.CLAIMED, State.SENDING)
    # The channel took it on: what the glossary calls an exposure.
    REACHED = (State.ACCEPTED, State.DELIVERED, State.COMPLAINED)

    send = models.ForeignKey(Send, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="deliveries", db_constraint=False, db_index=False
    )
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    token = models.UUIDField(default=uuid.uuid4, db_default=models.Func(function="gen_random_uuid"))
    state = models.CharField(max_length=10, choices=State, default=State.PENDING, db_default="pending")
    reason = models.CharField(max_length=40, blank=True, default="", db_default="")
    trouble = models.CharField(max_length=500, blank=True, default="", db_default="")
    due_at = models.DateTimeField()
    generation = models.IntegerField(default=0, db_default=0)
    worker = models.BigIntegerField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    attempts = models.SmallIntegerField(default=0, db_default=0)
    was_uncertain = models.BooleanField(default=False, db_default=False)
    address = models.CharField(max_length=320, blank=True, default="", db_default="")
    provider_id = models.CharField(max_length=200, blank=True, default="", db_default="", db_collation="C")
    segments = models.SmallIntegerField(default=0, db_default=0)
    cost_minor = models.DecimalField(max_digits=14, decimal_places=4, default=0, db_default=0)
    instead_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField()
    counted_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("send", "customer", "channel"), name="messaging_delivery_once"),
            models.UniqueConstraint(fields=("token",), name="messaging_delivery_token"),
            # A refused message is passed on once. Its send is the same; it stands first so that a send's can be found.
            models.UniqueConstraint(
                fields=("send", "instead_of"), condition=Q(instead_of__isnull=False), name="messaging_delivery_passed_on"
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=(
                        "pending", "claimed", "sending", "accepted", "delivered", "bounced", "complained", "failed",
                        "uncertain", "suppressed",
                    )
                ),
                name="messaging_delivery_state",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("claimed", "sending"))
                | Q(worker__isnull=False, lease_until__isnull=False, claimed_at__isnull=False),
                name="messaging_delivery_claimed_by",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("suppressed", "failed", "uncertain", "bounced")) | ~Q(reason=""),
                name="messaging_delivery_reason",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("accepted", "delivered", "complained")) | Q(accepted_at__isnull=False),
                name="messaging_delivery_accepted_at",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("pending", "claimed", "sending"), settled_at=None)
                | (~Q(state__in=("pending", "claimed", "sending")) & Q(settled_at__isnull=False)),
                name="messaging_delivery_settled_at",
            ),
        )  # fmt: skip
        indexes = (
            models.Index(
                fields=("send", "channel", "due_at", "id"),
                condition=Q(state__in=("pending", "claimed", "sending")),
                name="messaging_delivery_due",
            ),
            models.Index(
                fields=("lease_until",),
                condition=Q(state__in=("claimed", "sending")),
                name="messaging_delivery_leases",
            ),
            models.Index(
                fields=("worker",),
                condition=Q(state="uncertain", worker__isnull=False),
                name="messaging_delivery_doubted",
            ),
            models.Index(fields=("settled_at",), condition=_REFUSED, name="messaging_delivery_refused"),
            models.Index(fields=("customer", "-created_at"), name="messaging_delivery_customer"),
            models.Index(
                fields=("customer", "counted_at"),
                condition=Q(counted_at__isnull=False),
                name="messaging_delivery_counted",
            ),
            models.Index(
                fields=("channel", "provider_id"), condition=~Q(provider_id=""), name="messaging_delivery_provider"
            ),
            models.Index(fields=("channel", "-accepted_at"), name="messaging_delivery_accepted"),
            # Where a send stands is counted from this alone.
            models.Index(
                fields=("send", "state", "reason"), include=("cost_minor", "was_uncertain"), name="messaging_delivery_tally"
            ),
        )  # fmt: skip
        triggers: Any = (
            pgtrigger.Trigger(
                name="states",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state__df=pgtrigger.F("new__state"))
                | pgtrigger.Q(old__generation__df=pgtrigger.F("new__generation")),
                func="""
                IF NEW.generation < OLD.generation THEN
                    RAISE EXCEPTION 'delivery %: the generation never falls', OLD.id USING ERRCODE = 'check_violation';
                END IF;
                IF OLD.state <> NEW.state AND NOT (CASE OLD.state
                    WHEN 'pending' THEN NEW.state = 'suppressed'
                        OR (NEW.state = 'claimed' AND NEW.generation = OLD.generation + 1)
                    WHEN 'claimed' THEN NEW.state IN ('pending', 'sending', 'suppressed', 'failed')
                    WHEN 'sending' THEN NEW.state IN ('pending', 'accepted', 'failed', 'uncertain', 'bounced')
                    WHEN 'uncertain' THEN NEW.state IN ('pending', 'accepted', 'delivered', 'bounced', 'complained')
                    WHEN 'accepted' THEN NEW.state IN ('delivered', 'bounced', 'complained', 'failed')
                    WHEN 'delivered' THEN NEW.state IN ('bounced', 'complained')
                    ELSE NEW.state = 'pending'
                END) THEN
                    RAISE EXCEPTION 'delivery %: from % to % leads no way', OLD.id, OLD.state, NEW.state
                        USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
                """,
            ),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return f"{self.send_id} to {self.customer_id}: {self.state}"
