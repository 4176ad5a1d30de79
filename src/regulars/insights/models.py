import pghistory
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.insights.reasons import Reason, reasons_of
from regulars.shop.models import Customer, Product

_GIVEN_UP_CYCLES = 3


@pghistory.track()
class Policy(models.Model):
    """How customers are labelled: one row, changed in the settings, read by every run.

    `rfm`, `tiers` and `stages` hold the keyword arguments of the analytics functions of the same names;
    an empty object means their defaults. `as_of_day` null means today.
    """

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    as_of_day = models.IntegerField(null=True, blank=True)
    rfm = models.JSONField(default=dict, blank=True)
    tiers = models.JSONField(default=dict, blank=True)
    stages = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="insights_policy_one_row"),)

    def __str__(self) -> str:
        return "policy"


class FactsPartition(models.Model):
    """One Parquet file of the facts folder: which version of its month it holds.

    A month without rows has no file. Datasets that are not cut by month stand under 1970-01, and their version is
    a fingerprint of their rows.
    """

    dataset = models.CharField(max_length=40)
    month = models.DateField()
    version = models.BigIntegerField()
    rows = models.BigIntegerField()
    written_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("dataset", "month"), name="insights_partition_once"),)

    def __str__(self) -> str:
        return f"{self.dataset}/{self.month:%Y-%m}"


class Learning(models.Model):
    """What was learnt from the whole shop on one day: by it customers are scored until something newer is learnt.

    `content` is what `predictions.learn` returned. Rows are never changed.
    """

    as_of_day = models.IntegerField()
    content = models.JSONField()
    learnt_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"learnt as of day {self.as_of_day}"


class Run(models.Model):
    """One computation of every profile for one day.

    `thresholds` are the limits that the labels were given by. `store_cycle` has the `cycle_days` that were applied,
    their `source` (measured, chosen, assumed) and what was measured. `summary` holds the aggregates that pages show,
    so that opening a page counts nothing.
    """

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    as_of_day = models.IntegerField()
    engine = models.CharField(max_length=20)
    state = models.CharField(max_length=20, choices=State, default=State.RUNNING)
    stage = models.CharField(max_length=40, blank=True)
    currency = models.CharField(max_length=3)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    profiles = models.BigIntegerField(default=0)
    profiles_written = models.BigIntegerField(default=0)
    store_cycle = models.JSONField(default=dict)
    thresholds = models.JSONField(default=dict)
    summary = models.JSONField(default=dict)
    learning = models.ForeignKey(Learning, on_delete=models.PROTECT, null=True, related_name="runs")
    error = models.TextField(blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"run #{self.pk} as of day {self.as_of_day}"


class Profile(models.Model):
    """What Regulars understands of one customer.

    A row says only what changes when the customer buys or moves to another label. What changes every night for
    everybody follows from the row and the run: the day it speaks of, the recency, the thresholds in the reasons.

    Null scores, empty cell and empty tier mean that the customer has no valid order in the window; a prospect has
    none at all. `orders`, `first_day` and `last_day` count the whole history, `frequency` and `monetary_minor` the
    policy's window. `year_minor` is the net amount of the 365 days that end with the last order. `cycle_days` is the
    interval after which the next order is expected; `rhythm_days` the mean of the customer's intervals before the
    last, null below three. Until the store's cycle can be measured there are no days due and late.

    Predictions speak of `scored_day`, the day on which the customer's silence last grew by an eighth: `p_alive`,
    `expected_orders` in the 90 days and `clv_minor` over the 365 days after it, and the next purchase, `next_day`,
    which four in five of those who come again make from `next_from_day` to `next_until_day`. `churn_probability` is that of
    not buying in the weeks that the shop's churn alert looks at (null for who is not active by its rule), `churn_reasons`
    a list of {code, value, typical, effect}, what raises it most first.
    """

    class Tier(models.TextChoices):
        VIP = "VIP", _("VIP")
        POTENTIAL = "potential", _("Potential")
        GENERAL = "general", _("General")
        AT_RISK = "at_risk", _("At risk")

    class Stage(models.TextChoices):
        PROSPECT = "prospect", _("Prospect")
        NEW = "new", _("New")
        GROWING = "growing", _("Growing")
        MATURE = "mature", _("Mature")
        DECLINING = "declining", _("Declining")
        LAPSED_SHORT = "lapsed_short", _("Lapsed, short")
        LAPSED_LONG = "lapsed_long", _("Lapsed, long")

    class Cell(models.TextChoices):
        """The eight RFM cells in the order of attention: a capital is high."""

        KEEP = "RFM", pgettext_lazy("cell", "Keep")
        GROW_FREQUENCY = "RfM", pgettext_lazy("cell", "Grow frequency")
        WIN_BACK = "rFM", pgettext_lazy("cell", "Win back")
        DEVELOP = "Rfm", pgettext_lazy("cell", "Develop")
        RAISE_VALUE = "RFm", pgettext_lazy("cell", "Raise value")
        REACTIVATE = "rfM", pgettext_lazy("cell", "Reactivate")
        MAINTAIN = "rFm", pgettext_lazy("cell", "Maintain")
        LEAVE = "rfm", pgettext_lazy("cell", "Leave")

    customer = models.OneToOneField(
        Customer, on_delete=models.CASCADE, primary_key=True, related_name="profile"
    )
    orders = models.IntegerField()
    frequency = models.IntegerField(default=0)
    monetary_minor = models.BigIntegerField(default=0)
    year_minor = models.BigIntegerField(default=0)
    r = models.SmallIntegerField(null=True)
    f = models.SmallIntegerField(null=True)
    m = models.SmallIntegerField(null=True)
    cell = models.CharField(max_length=3, choices=Cell, blank=True, db_collation="C")
    tier = models.CharField(max_length=20, blank=True, choices=Tier)
    stage = models.CharField(max_length=20, choices=Stage)
    first_day = models.IntegerField(null=True)
    last_day = models.IntegerField(null=True)
    cycle_days = models.FloatField(null=True)
    rhythm_days = models.FloatField(null=True)
    due_day = models.IntegerField(null=True)
    late_day = models.IntegerField(null=True)
    scored_day = models.IntegerField(null=True)
    p_alive = models.FloatField(null=True)
    expected_orders = models.FloatField(null=True)
    clv_minor = models.BigIntegerField(null=True)
    next_from_day = models.IntegerField(null=True)
    next_day = models.IntegerField(null=True)
    next_until_day = models.IntegerField(null=True)
    churn_probability = models.FloatField(null=True)
    churn_reasons = models.JSONField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(r__isnull=True) | Q(r__range=(1, 5), f__range=(1, 5), m__range=(1, 5)),
                name="insights_profile_scores",
            ),
        )
        indexes = (
            # All columns run one way, so that a page begins at a row comparison in either direction. What else a list
            # filters and sorts by is included, so that hits are gathered without a look at their rows.
            models.Index(
                fields=("tier", "monetary_minor", "customer"),
                include=("stage", "cell", "orders", "last_day", "due_day", "late_day"),
                name="insights_profile_by_tier",
            ),
            models.Index(
                fields=("stage", "monetary_minor", "customer"),
                include=("tier", "cell", "orders", "last_day", "due_day", "late_day"),
                name="insights_profile_by_stage",
            ),
            models.Index(
                fields=("cell", "monetary_minor", "customer"),
                include=("tier", "stage", "orders", "last_day", "due_day", "late_day"),
                name="insights_profile_by_cell",
            ),
            # Two labels at once, and a tier against the order that it mostly stands in: nothing else meets those soon.
            models.Index(
                fields=("tier", "stage", "monetary_minor", "customer"), name="insights_profile_both"
            ),
            models.Index(fields=("tier", "orders", "customer"), name="insights_profile_tier_orders"),
            models.Index(fields=("r", "f", "monetary_minor", "customer"), name="insights_profile_by_square"),
            models.Index(fields=("monetary_minor", "customer"), name="insights_profile_money"),
            models.Index(fields=("orders", "customer"), name="insights_profile_orders"),
            models.Index(
                Coalesce("last_day", -1),
                "customer",
                include=("last_day", "tier", "stage", "due_day", "late_day"),
                name="insights_profile_by_last",
            ),
            models.Index(fields=("first_day",), name="insights_profile_first"),
            models.Index(Coalesce("clv_minor", -1), "customer", name="insights_profile_clv"),
            models.Index(Coalesce("p_alive", -1.0), "customer", name="insights_profile_alive"),
            models.Index(Coalesce("next_day", -1), "customer", name="insights_profile_next"),
            models.Index(Coalesce("churn_probability", -1.0), "customer", name="insights_profile_churn"),
        )

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.tier} {self.stage}"

    @cached_property
    def run(self) -> Run:
        """The run that the labels come from: the latest that finished."""
        return Run.objects.filter(state=Run.State.DONE).latest("pk")

    @property
    def as_of_day(self) -> int:
        """The day that the profile speaks of."""
        return self.run.as_of_day

    @property
    def recency_days(self) -> int | None:
        """Days from the last valid order to the day that the profile speaks of; None for a prospect."""
        return None if self.last_day is None else self.as_of_day - self.last_day

    @property
    def reasons(self) -> dict[str, Reason]:
        """Why each label was given, by its name: a code and numbers, which `insights.reasons` puts into words."""
        return reasons_of(
            profile=self, as_of_day=self.as_of_day, thresholds=self.run.thresholds, currency=self.run.currency
        )


class Taste(models.Model):
    """What a customer's purchases say of them: what they need and prefer, each with its evidence.

    Scores and shares lie between 0 and 1, null below the least evidence. `need` is what stands out most among the shop's
    customers, empty where nothing does. `mark` changes when any of the customer's lines does; a row stands until then.
    """

    class Need(models.TextChoices):
        PRICE = "price", _("Price-sensitive")
        QUALITY = "quality", _("Quality-oriented")
        BRAND = "brand", _("Brand-loyal")

    customer = models.OneToOneField(
        Customer, on_delete=models.CASCADE, primary_key=True, related_name="taste"
    )
    mark = models.BigIntegerField()
    need = models.CharField(max_length=10, blank=True, choices=Need, db_collation="C")
    price = models.FloatField(null=True)
    price_purchases = models.IntegerField(default=0)
    discounted = models.IntegerField(default=0)
    quality = models.FloatField(null=True)
    quality_purchases = models.IntegerField(default=0)
    brand = models.FloatField(null=True)
    brand_choices = models.IntegerField(default=0)
    stayed = models.IntegerField(default=0)
    category = models.CharField(max_length=200, blank=True)
    category_share = models.FloatField(null=True)
    favourite_brand = models.CharField(max_length=200, blank=True)
    brand_share = models.FloatField(null=True)
    variety = models.FloatField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("need", "customer"), name="insights_taste_need", condition=~Q(need="")),
            models.Index(
                fields=("category", "customer"), name="insights_taste_category", condition=~Q(category="")
            ),
        )

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.need} {self.category}"


class DueProduct(models.Model):
    """A product that a customer buys again and again, and when they need it again; at most five a customer.

    `quantity` is what was bought last and kept. The place of a day among the days soon, due and late is `state_on`.
    """

    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="due_products", db_index=False
    )
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="due_for")
    last_day = models.IntegerField()
    quantity = models.FloatField()
    expected_days = models.FloatField()
    soon_day = models.IntegerField()
    due_day = models.IntegerField()
    late_day = models.IntegerField()
    confidence = models.FloatField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("customer", "product"), name="insights_due_once"),)
        indexes = (models.Index(fields=("due_day", "customer"), name="insights_due_day"),)

    def __str__(self) -> str:
        return f"{self.customer_id} needs {self.product_id} on day {self.due_day}"

    def state_on(self, as_of_day: int) -> str:
        """Return early, soon, due, late or given_up, as `analytics.cycles.due` tells them."""
        if as_of_day - self.last_day > _GIVEN_UP_CYCLES * self.expected_days:
            return "given_up"
        if as_of_day > self.late_day:
            return "late"
        if as_of_day >= self.due_day:
            return "due"
        return "soon" if as_of_day >= self.soon_day else "early"


class Recommendation(models.Model):
    """A product that a customer will most likely buy next; `reason` is one of `analytics.affinity.REASONS`."""

    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="recommendations", db_index=False
    )
    rank = models.SmallIntegerField()
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+")
    score = models.FloatField()
    reason = models.CharField(max_length=20)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("customer", "rank"), name="insights_recommended_once"),
        )

    def __str__(self) -> str:
        return f"{self.customer_id} {self.rank}: {self.product_id}"


class RelatedProduct(models.Model):
    """What goes with a product: bought by the same customers, into the same basket, or instead of it later on.

    `customers` is the evidence: who bought both or moved on; of a complement, baskets with both.
    """

    class Kind(models.TextChoices):
        ALSO_BOUGHT = "also_bought", _("Also bought")
        COMPLEMENT = "complement", _("Goes with it")
        UPGRADE = "upgrade", _("Next step")

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="related", db_index=False)
    kind = models.CharField(max_length=20, choices=Kind)
    rank = models.SmallIntegerField()
    other = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+")
    score = models.FloatField()
    customers = models.IntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("product", "kind", "rank"), name="insights_related_once"),
        )

    def __str__(self) -> str:
        return f"{self.product_id} {self.kind}: {self.other_id}"


class ProfileChange(models.Model):
    """A customer moved from one label to another. Written by the run that saw it, never changed."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="profile_changes")
    label = models.CharField(max_length=20)
    before = models.CharField(max_length=20, blank=True)
    after = models.CharField(max_length=20, blank=True)
    as_of_day = models.IntegerField()
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="changes")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("run", "customer", "label"), name="insights_change_once"),
        )
        indexes = (
            models.Index(fields=("label", "as_of_day"), name="insights_change_day"),
            models.Index(fields=("customer", "-as_of_day"), name="insights_change_customer"),
        )

    def __str__(self) -> str:
        return f"{self.customer_id} {self.label}: {self.before} to {self.after}"


class BacktestRun(models.Model):
    """One back-test of some models: asked for, at work, over. At most one waits and one is at work.

    `stage`, `done` and `total` tell how far it has come; the stage is `facts`, `reading`, or the model being tested.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    model_names = models.JSONField(default=list)
    as_of_day = models.IntegerField(null=True)
    state = models.CharField(max_length=20, choices=State, default=State.QUEUED)
    stage = models.CharField(max_length=40, blank=True)
    done = models.IntegerField(default=0)
    total = models.IntegerField(null=True)
    customers = models.BigIntegerField(default=0)
    sampled = models.BigIntegerField(default=0)
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("state",),
                condition=Q(state__in=("queued", "running")),
                name="insights_backtest_one_at_work",
            ),
        )

    def __str__(self) -> str:
        return f"back-test #{self.pk}: {self.state}"


class Backtest(models.Model):
    """The latest back-test of one model: whether to use it, and why. Replaced by the next.

    `result` is `analytics.backtest.Result` as JSON.
    """

    model = models.CharField(max_length=20, primary_key=True)
    run = models.ForeignKey(BacktestRun, on_delete=models.PROTECT, related_name="results")
    verdict = models.CharField(max_length=10)
    reason = models.CharField(max_length=30)
    rule = models.CharField(max_length=30)
    result = models.JSONField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(verdict__in=("model", "rule")), name="insights_backtest_verdict"
            ),
        )

    def __str__(self) -> str:
        return f"{self.model}: {self.verdict}"
