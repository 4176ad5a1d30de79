import pghistory
import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from regulars.segments.built_in import BUILT_IN
from regulars.shop.models import Customer, Tag


@pghistory.track(exclude=["state", "size", "full_at", "refreshed_at", "as_of_day", "error"])
class Segment(models.Model):
    """Customers with something in common: by a rule, or named one by one.

    `rule` is the JSON of `segments.rules`, empty for a list. `code` names those that come with Regulars, which are copied and
    not edited. `version` counts the rules it has had. What is known of its members was worked out at `refreshed_at`
    (all of them last at `full_at`) for the business day `as_of_day`. That no longer holds once the rule is `edited`, or while
    it is `waiting` because everything is worked out anew.
    """

    class Kind(models.TextChoices):
        RULE = "rule", _("By a rule")
        LIST = "list", _("A list")

    class State(models.TextChoices):
        EDITED = "edited", _("New rule")
        WAITING = "waiting", _("Waiting")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    code = models.CharField(max_length=60, unique=True, null=True, editable=False, db_collation="C")  # noqa: DJ001  unique
    name = models.CharField(_("name"), max_length=100)
    description = models.CharField(_("description"), max_length=500, blank=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.RULE)
    rule = models.JSONField(default=dict, blank=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    archived_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.EDITED)
    size = models.IntegerField(default=0)
    full_at = models.DateTimeField(null=True)
    refreshed_at = models.DateTimeField(null=True)
    as_of_day = models.IntegerField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(condition=~Q(name=""), name="segments_named"),
            models.CheckConstraint(condition=Q(kind__in=("rule", "list")), name="segments_kind_known"),
            models.CheckConstraint(condition=Q(kind="rule") | Q(rule={}), name="segments_list_without_rule"),
            models.UniqueConstraint(
                fields=("name",), condition=Q(archived_at=None, code=None), name="segments_name_once"
            ),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """What people read: the name, and of those that come with Regulars the word in their language."""
        return str(self.called)

    @property
    def called(self) -> str | Promise:
        """The title, which waits for the language of whoever reads."""
        return self.name if self.code is None else BUILT_IN[self.code].name

    @property
    def about(self) -> str:
        """The description, likewise."""
        return self.description if self.code is None else str(BUILT_IN[self.code].description)

    @property
    def is_built_in(self) -> bool:
        """Whether it comes with Regulars."""
        return self.code is not None


class Version(models.Model):
    """A rule that a segment has had, by number; never changed, so that any edit can be taken back."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="versions", db_index=False)
    number = models.IntegerField()
    rule = models.JSONField()
    saved_at = models.DateTimeField()
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=("segment", "number"), name="segments_version_once"),)

    def __str__(self) -> str:
        return f"{self.segment_id} v{self.number}"


class Refresh(models.Model):
    """One working out of who is in a segment, that was full or found somebody who came or went."""

    class Reason(models.TextChoices):
        EDITED = "edited", _("The rule is new")
        RECORD = "record", _("New data about customers")
        RUN = "run", _("Insights were computed")
        DAY = "day", _("A new day")
        PERSON = "person", _("By hand")

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="refreshes", db_index=False)
    reason = models.CharField(max_length=10, choices=Reason)
    version = models.IntegerField()
    as_of_day = models.IntegerField()
    at = models.DateTimeField()
    size = models.IntegerField(default=0)
    entered = models.IntegerField(default=0)
    left = models.IntegerField(default=0)

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("segment", "-as_of_day", "-id"), name="segments_refresh_latest"),)

    def __str__(self) -> str:
        return f"{self.segment_id} at {self.at}: {self.size}"


class Membership(models.Model):
    """A customer is in a segment, since `since_at`.

    Without a foreign key in the database, as for events: a refresh writes a million from the customers themselves.
    """

    pk = models.CompositePrimaryKey("segment_id", "customer_id")
    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="memberships", db_index=False)
    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="memberships", db_constraint=False
    )
    since_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.customer_id} in {self.segment_id}"


class Crossing(models.Model):
    """A customer came into a segment or left it, found by a refresh. Never changed.

    Those whom a rule finds first are in it from the start and have not come: they have no crossing.
    """

    segment = models.ForeignKey(
        Segment, on_delete=models.CASCADE, related_name="crossings", db_constraint=False, db_index=False
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="crossings", db_constraint=False
    )
    is_entry = models.BooleanField()
    at = models.DateTimeField()
    refresh = models.ForeignKey(
        Refresh, on_delete=models.CASCADE, related_name="crossings", db_constraint=False
    )

    class Meta:
        indexes = (models.Index(fields=("segment", "-at"), name="segments_crossing_latest"),)
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update),)

    def __str__(self) -> str:
        return f"{self.customer_id} {'entered' if self.is_entry else 'left'} {self.segment_id}"


@pghistory.track()
class KeptTag(models.Model):
    """A tag that a segment keeps: whoever comes into it gets the tag, and loses it on leaving.

    What a person or a file put on stays theirs to take off.
    """

    tag = models.OneToOneField(Tag, on_delete=models.CASCADE, related_name="kept")
    segment = models.ForeignKey(Segment, on_delete=models.PROTECT, related_name="kept_tags")
    since_at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    def __str__(self) -> str:
        return f"{self.tag_id} by {self.segment_id}"
