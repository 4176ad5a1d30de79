"""A fitted churn alert: a few plain numbers, what they say of every active customer, and why."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Literal, Self

import narwhals as nw
from narwhals.typing import IntoFrame, IntoFrameT

from regulars.analytics import arguments, frames
from regulars.analytics.churn import traits
from regulars.analytics.churn.rules import Active
from regulars.analytics.churn.traits import REASONS, TRAITS, Reason, Unit
from regulars.analytics.frames import Lazy
from regulars.kernel.errors import RegularsError

_MOST_REASONS = 3
_THOUSAND = 1_000
VERSION = 1
"""Of the form that `Model.to_dict` gives."""


class UnknownModelError(RegularsError):
    """The stored numbers are no churn model that this version can read."""

    code: ClassVar[str] = "unknown_churn_model"


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """How the model did on days, or customers, that it had not learned from.

    Attributes:
        by: `days`: learned from earlier as-of days only. `customers`: learned from other customers, since no earlier day
            had its outcome in time.
        rows: Customers times as-of days.
        left: How many of them left.
        auc: How probably one who left scores above one who stayed.
        average_precision: The share who left, averaged over list lengths.
        slope: What the log-odds were multiplied by so that they agree with what happened; below 1: over-learned.
    """

    by: Literal["days", "customers"]
    rows: int
    left: int
    auc: float
    average_precision: float
    slope: float


@dataclass(frozen=True, kw_only=True)
class Model:
    """A calibrated churn alert. The log-odds of leaving are `intercept` plus the sum of weight times trait.

    Attributes:
        lead_days: From the as-of day to the first day on which a purchase counts.
        horizon_days: Whoever does not buy for so many days from then on has left.
        active: Whom the alert is about.
        as_of_days: Days it was fitted on, rising.
        rows: Customers times as-of days it was fitted on.
        customers: Different customers among them.
        left: Rows that left.
        rows_known: Rows there were; more than `rows` where a sample was enough.
        intercept: Log-odds when every trait is 0.
        weights: Log-odds for one unit of each trait, by its name; a trait that is missing was not seen when fitting.
        means: The mean of each trait, by its name.
        usual: What is usual among active customers, the median, by the code of the reason; whole numbers.
        held_out: How it did on what it had not learned from; None where nothing could be held out.
    """

    lead_days: int
    horizon_days: int
    active: Active
    as_of_days: tuple[int, ...]
    rows: int
    customers: int
    left: int
    rows_known: int
    intercept: float
    weights: Mapping[str, float]
    means: Mapping[str, float]
    usual: Mapping[str, int]
    held_out: HeldOut | None

    @property
    def base_rate(self) -> float:
        """The share that left."""
        return self.left / self.rows

    @property
    def sources(self) -> tuple[str, ...]:
        """What it reads: of `orders`, `amounts`, `lines`, `events`, `tickets`."""
        return tuple(dict.fromkeys(trait.source for trait in TRAITS if trait.name in self.weights))

    def score(
        self,
        orders: IntoFrameT,
        *,
        as_of_day: int,
        events: IntoFrame | None = None,
        tickets: IntoFrame | None = None,
        lines: IntoFrame | None = None,
    ) -> IntoFrameT:
        """Return how probably each active customer leaves, and why.

        The probability is that of no valid order in [as_of_day + lead, as_of_day + lead + horizon). It is worked out by the
        engine itself, from the rows on as_of_day or before.

        Args:
            orders: Facts `orders`, as for `fit`.
            as_of_day: No row may lie after it, days since 1970-01-01.
            events: As for `fit`; needed by a model that was fitted with them, left aside by others. So are the next two.
            tickets: As for `fit`.
            lines: As for `fit`.

        Returns:
            One row for each active customer: customer_id, probability, reasons: a JSON list of at most three {code, value, typical,
            effect}, what raises the probability most first; `read_reasons` reads it. Only what raises it by .001 or more and
            shows in its numbers (fewer visits than typical, not as many) is told; the list may be empty.
            Customers who are not active have no row.

        Raises:
            FactsError: A table breaks its contract.
            MixedFramesError: The tables are of different kinds.
            ArgumentError: A value has no meaning here, or a table that the model reads is missing.
        """
        arguments.day(as_of_day, name="as_of_day")
        given = {traits.LINES: lines, traits.EVENTS: events, traits.TICKETS: tickets}
        read = {name: table if name in self.sources else None for name, table in given.items()}
        sources = traits.open_sources(
            orders,
            lines=read[traits.LINES],
            events=read[traits.EVENTS],
            tickets=read[traits.TICKETS],
            as_of_day=as_of_day,
        )
        if missing := sorted(set(self.sources) - sources.present):
            raise arguments.ArgumentError(
                f"{', '.join(missing)} == None, but the model was fitted with it; hand it in, or fit without",
                argument=missing[0],
            )
        seen = traits.observe(
            sources, as_of_day=as_of_day, horizon_days=self.horizon_days, active=self.active
        )
        (watched,) = sources.settle([_weighed(seen, self)])
        return frames.like(orders, _with_reasons(watched, self), grain=("customer_id",))

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, texts, lists and dictionaries, fit for JSON."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        return plain | {
            "version": VERSION,
            "active": asdict(self.active),
            "as_of_days": list(self.as_of_days),
            "weights": dict(self.weights),
            "means": dict(self.means),
            "usual": dict(self.usual),
            "held_out": None if self.held_out is None else asdict(self.held_out),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Return the model that `to_dict` told of.

        Raises:
            UnknownModelError: It is of another version, incomplete, or weighs traits that are not known here.
        """
        version = stored.get("version")
        if version != VERSION:
            raise UnknownModelError(f"version == {version!r}, must be {VERSION}; fit the model again")
        expected = {one.name for one in fields(cls)} | {"version"}
        if set(stored) != expected:
            raise UnknownModelError(
                f"fields {sorted(set(stored) ^ expected)} are missing or unknown; fit the model again"
            )
        unknown = set(stored["weights"]) - {trait.name for trait in TRAITS}
        if unknown:
            raise UnknownModelError(f"traits {sorted(unknown)} are not known; fit the model again")
        held_out = stored["held_out"]
        return cls(
            **{name: stored[name] for name in expected - {"version", "active", "as_of_days", "held_out"}},
            active=Active(**stored["active"]),
            as_of_days=tuple(stored["as_of_days"]),
            held_out=None if held_out is None else HeldOut(**held_out),
        )


@dataclass(frozen=True, kw_only=True)
class Because:
    """One reason of an alert, as numbers; the words are up to whoever shows it.

    Attributes:
        code: Which reason, one of `REASONS`.
        value: What is seen of the customer, in `unit`.
        typical: What it is compared with, in `unit`.
        effect: How much of the probability goes when this reason alone is taken away: the change from the own habit, or the
            difference from average customers.
        unit: `days`, `periods` (of `period_days`, with a purchase), `occasions` (days with a purchase), `minor` (money),
            `products` (of a basket), `events`, `tickets`.
        period_days: The days of a period; 7 when the horizon is 28.
        span_days: So many days up to the as-of day are counted; None for a length of time.
        compared_with: `own` habit of the customer, or what is usual among active `customers`.
    """

    code: str
    value: int
    typical: int
    effect: float
    unit: Unit
    period_days: int
    span_days: int | None
    compared_with: Literal["own", "customers"]


def read_reasons(text: str, *, model: Model) -> tuple[Because, ...]:
    """Return what the column `reasons` holds, most telling first.

    Args:
        text: One value of the column.
        model: The model that scored.
    """
    spans = {
        "none": None,
        "horizon": model.horizon_days,
        "recent": model.active.recent_days,
        "window": traits.window_days(model.horizon_days),
    }
    told = []
    for reason in json.loads(text):
        kind = next(one for one in REASONS if one.code == reason["code"])
        told.append(
            Because(
                code=kind.code,
                value=reason["value"],
                typical=reason["typical"],
                effect=reason["effect"],
                unit=kind.unit,
                period_days=traits.period_days(model.horizon_days),
                span_days=spans[kind.span],
                compared_with="own" if kind.typical else "customers",
            )
        )
    return tuple(told)


def _kinds(model: Model) -> list[Reason]:
    return [reason for reason in REASONS if reason.source in model.sources]


def _odds(reason: Reason) -> str:
    return f"odds {reason.code}"


def _weighed(seen: Lazy, model: Model) -> Lazy:
    """The log-odds of every customer, and what each reason adds to those of an average one."""
    average = model.intercept + sum(weight * model.means[name] for name, weight in model.weights.items())
    kinds = _kinds(model)
    added: dict[str, list[nw.Expr]] = {reason.code: [] for reason in kinds}
    for trait in TRAITS:
        if trait.name not in model.weights:
            continue
        weight, mean = model.weights[trait.name], model.means[trait.name]
        if trait.habit is None:
            added[trait.reason].append((trait.expression - mean) * weight)
        else:
            added[trait.reason].append((trait.expression - trait.habit) * weight)
            added[trait.habit_reason].append((trait.habit - mean) * weight)
    shown = dict.fromkeys(column for reason in kinds for column in (reason.value, reason.typical) if column)
    weighed = seen.select(
        "customer_id",
        *shown,
        *(nw.sum_horizontal(*added[reason.code]).alias(_odds(reason)) for reason in kinds),
    )
    total = nw.sum_horizontal(*(nw.col(_odds(reason)) for reason in kinds)) + average
    return weighed.with_columns(total.alias("log_odds")).with_columns(
        _probability(nw.col("log_odds")).alias("probability"),
        *(_visible(reason, model).alias(_odds(reason)) for reason in kinds),
    )


def _typical(reason: Reason, model: Model) -> nw.Expr:
    return nw.col(reason.typical) if reason.typical else nw.lit(model.usual[reason.code])


def _visible(reason: Reason, model: Model) -> nw.Expr:
    """What a reason adds, if its two numbers bear it out; nobody would believe "2 visits, usually 2"."""
    value, typical = nw.col(reason.value), _typical(reason, model)
    borne_out = value > typical if reason.more_is_worse else value < typical
    return nw.when(borne_out).then(nw.col(_odds(reason))).otherwise(nw.lit(0.0))


def _probability(log_odds: nw.Expr) -> nw.Expr:
    return 1.0 / ((log_odds * -1.0).exp() + 1.0)


def _with_reasons(watched: Lazy, model: Model) -> Lazy:
    """Add the strongest reasons one after the other, as text, and keep what is returned."""
    kinds = _kinds(model)
    texts = []
    for place in range(min(_MOST_REASONS, len(kinds))):
        texts.append(f"text {place}")
        strongest = nw.max_horizontal(*(nw.col(_odds(reason)) for reason in kinds))
        watched = watched.with_columns(strongest.alias("strongest"))
        without = _probability(nw.col("log_odds") - nw.col("strongest"))
        thousandths = ((nw.col("probability") - without) * _THOUSAND).round(0).cast(nw.Int64)
        watched = watched.with_columns(thousandths.alias("thousandths"))
        watched = watched.with_columns(_told(kinds, model, first=place == 0).alias(texts[-1]))
        watched = watched.with_columns(
            nw.when(nw.col(_odds(reason)) == nw.col("strongest"))
            .then(nw.lit(-1.0))
            .otherwise(nw.col(_odds(reason)))
            .alias(_odds(reason))
            for reason in kinds
        )
    text = nw.concat_str([nw.lit("["), *(nw.col(name) for name in texts), nw.lit("]")])
    return watched.select("customer_id", "probability", text.alias("reasons"))


def _told(kinds: list[Reason], model: Model, *, first: bool) -> nw.Expr:
    """The strongest reason that is left, as JSON; nothing when it changes little."""
    # The three digits after the point: of 1042 the last ones.
    digits = (nw.col("thousandths") + _THOUSAND).cast(nw.String).str.slice(1, 3)
    told = nw.when((nw.col("strongest") <= 0) | (nw.col("thousandths") < 1)).then(nw.lit(""))
    for reason in kinds:
        text = nw.concat_str(
            [
                nw.lit(f'{"" if first else ","}{{"code":"{reason.code}","value":'),
                nw.col(reason.value).cast(nw.String),
                nw.lit(',"typical":'),
                _typical(reason, model).cast(nw.String),
                nw.lit(',"effect":0.'),
                digits,
                nw.lit("}"),
            ]
        )
        told = told.when(nw.col(_odds(reason)) == nw.col("strongest")).then(text)
    return told.otherwise(nw.lit(""))
