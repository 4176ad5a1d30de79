"""Fitted models, and what they say of every customer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias, overload

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame, IntoFrameT
from scipy.special import expit, logit, ndtri

from regulars.analytics import arguments, facts, frames, in_memory
from regulars.analytics.arguments import ArgumentError
from regulars.analytics.clv import fitting
from regulars.analytics.clv import summary as summaries
from regulars.analytics.clv.estimation import Convergence
from regulars.analytics.clv.fitting import Estimate, Family, Finding
from regulars.analytics.clv.groups import Floats, Groups
from regulars.analytics.clv.plain_rate import PlainRate
from regulars.analytics.clv.priors import Prior
from regulars.analytics.clv.season import Season
from regulars.analytics.clv.spending import Amounts
from regulars.analytics.facts import Column, FactsError
from regulars.analytics.frames import Lazy

PurchaseModel: TypeAlias = Literal["bg_nbd", "mbg_nbd", "pareto_nbd", "mbg_cnbd_k", "plain_rate"]
PURCHASE_MODELS: tuple[PurchaseModel, ...] = ("bg_nbd", "mbg_nbd", "pareto_nbd", "mbg_cnbd_k")
"""Models of when customers buy; `plain_rate` is the rule that they have to beat."""

_RATE = ("frequency", "age")
_MODELS = (*PURCHASE_MODELS, "gamma_gamma", "plain_rate")
_YEAR_DAYS = 365
_STEP = 1e-4
# Nodes and weights of Gauss-Legendre on (0, 1), for the discounted sum of a smooth curve.
_TIME, _TIME_WEIGHT = (part / 2 for part in np.polynomial.legendre.leggauss(8))
_TIME = _TIME + 0.5


class NoAmountsError(FactsError):
    """No customer has a repeat occasion with an amount, so that nothing tells what an order is worth."""

    code: ClassVar[str] = "no_amounts"


@dataclass(frozen=True, kw_only=True)
class _Fit:
    """What every fitted model tells of itself.

    Attributes:
        model: The model's name.
        estimate: Parameters with their uncertainty and the story of the search.
    """

    model: str
    estimate: Estimate

    @property
    def params(self) -> Mapping[str, float]:
        """Parameters by the papers' symbols; times in units of the summary, amounts in minor units."""
        return self.estimate.params

    @property
    def log_likelihood(self) -> float:
        """Log-likelihood of all customers at `params`; nan for the plain rate, which has none."""
        return self.estimate.log_likelihood

    @property
    def standard_errors(self) -> Mapping[str, float | None]:
        """Standard errors by symbol; None where the data do not say."""
        return self.estimate.standard_errors

    @property
    def intervals(self) -> Mapping[str, tuple[float, float] | None]:
        """95 % intervals by symbol; None where the data do not say."""
        return self.estimate.intervals

    @property
    def convergence(self) -> Convergence:
        """How the search ended."""
        return self.estimate.convergence

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What a reader of the estimates must know."""
        return self.estimate.findings

    @property
    def prior(self) -> Prior | None:
        """The beliefs to which the estimates are shrunken, or None."""
        return self.estimate.prior


@dataclass(frozen=True, kw_only=True)
class SpendingFit(_Fit):
    """A fitted Gamma-Gamma model: what a customer's next order is worth.

    Attributes:
        repeat_buyers: Customers it was learnt from.
        frequency_correlation: Correlation of frequency and mean amount among them. The model takes it for 0;
            far from that (say beyond .3) the CLV of the most frequent is off in the same direction.
    """

    repeat_buyers: int
    frequency_correlation: float

    def expected_amount(self, summary: IntoFrameT) -> IntoFrameT:
        """Return the mean amount to expect of every customer's orders.

        The customer's own mean, drawn towards everybody's the more the fewer orders it rests on.

        Args:
            summary: What `summarise` returned: customer_id, frequency, mean_amount_minor are read.

        Returns:
            One row for each customer: customer_id, expected_amount_minor.

        Raises:
            FactsError: The summary is not what it should be.
        """
        opened = _open(summary, (summaries.CUSTOMER, summaries.FREQUENCY, summaries.MEAN_AMOUNT))
        (found,) = opened.settle(
            opened.frame.select("customer_id", self.amount().alias("expected_amount_minor"))
        )
        return frames.like(summary, found, grain=("customer_id",))

    def amount(self) -> nw.Expr:
        """Return the expected amount as an expression of frequency and mean_amount_minor (equation 5)."""
        p, q, gamma = (self.params[name] for name in ("p", "q", "gamma"))
        known, total = _evidence()
        return (total + gamma) * p / (known * p + (q - 1.0))

    def amount_log_variance(self) -> nw.Expr:
        """Return the variance of the logarithm of `amount` that comes from the uncertain parameters."""
        p, q, gamma = (self.params[name] for name in ("p", "q", "gamma"))
        known, total = _evidence()
        # Derivatives by the logarithms of p, q - 1 and gamma, of which the covariance is.
        drawn = known * p + (q - 1.0)
        slopes = ((q - 1.0) / drawn, -(q - 1.0) / drawn, gamma / (total + gamma))
        covariance = np.array(self.estimate.covariance)
        variance = nw.lit(0.0)
        for i, j in np.ndindex(3, 3):
            if np.isfinite(covariance[i, j]):
                variance = variance + slopes[i] * slopes[j] * float(covariance[i, j])
        return variance


@dataclass(frozen=True, kw_only=True)
class PurchaseFit(_Fit):
    """A fitted model of when customers buy and whether they still do.

    Attributes:
        family: The model's mathematics.
        buyers: Customers it was learnt from.
        repeat_buyers: Those of them with a repeat occasion.
        unit_days: Days in a unit of the summary.
        spending: The Gamma-Gamma fit on the same summary; None where it holds no repeat amounts.
        season: Seasonal index by which expected purchases are multiplied; None for none.
    """

    family: Family | PlainRate
    buyers: int
    repeat_buyers: int
    unit_days: int
    spending: SpendingFit | None
    season: Season | None = None

    def p_alive(self, summary: IntoFrameT, *, interval: float | None = None) -> IntoFrameT:
        """Return the probability that every customer is still active on the as-of day.

        Computed once for each distinct (frequency, recency, age) and joined back.

        Args:
            summary: What `summarise` returned, with the `unit_days` of this fit: customer_id, frequency,
                recency, age are read.
            interval: Also return an interval of this coverage, such as .9. It tells how well the parameters
                are known.

        Returns:
            One row for each customer: customer_id, p_alive, and with `interval` p_alive_low, p_alive_high.

        Raises:
            FactsError: The summary is not what it should be.
            ArgumentError: `interval` is not between 0 and 1.
        """
        _coverage(interval)
        alive = self.family.alive(self.vector)
        if alive is not None and interval is None:
            opened = self._open(summary)
            rules, found = opened.settle(
                summaries.broken_rules(opened.frame),
                opened.frame.select("customer_id", alive.alias("p_alive")),
            )
            summaries.demand_possible(rules)
            return frames.like(summary, found, grain=("customer_id",))
        customers, groups = self._opened(summary)
        columns = self._with_interval(
            "p_alive", lambda vector: self.family.p_alive(vector, groups), _ODDS, interval=interval
        )
        found = _joined(customers, groups, columns).select("customer_id", *columns)
        return frames.like(summary, found, grain=("customer_id",))

    def expected_purchases(
        self, summary: IntoFrameT, *, horizon: float, interval: float | None = None
    ) -> IntoFrameT:
        """Return the occasions to expect of every customer after the as-of day.

        Args:
            summary: As for `p_alive`.
            horizon: How far to look, in units of the summary (weeks by default); above 0.
            interval: Also return an interval of this coverage of the expectation. It tells how well the
                parameters are known; what a single customer does scatters far more.

        Returns:
            One row for each customer: customer_id, expected_purchases, and with `interval`
            expected_purchases_low, expected_purchases_high.

        Raises:
            FactsError: The summary is not what it should be.
            ArgumentError: A value has no meaning here.
        """
        _within(horizon, 1e-9, 1e6, name="horizon")
        _coverage(interval)
        alive = self.family.alive(self.vector)
        if alive is not None and interval is None:
            customers, rates = self._opened(summary, keys=_RATE)
            columns = {"if_active": self._if_active(rates, horizon=horizon)}
            joined = _joined(customers, rates, columns, keys=_RATE)
            found = joined.select("customer_id", (alive * nw.col("if_active")).alias("expected_purchases"))
            return frames.like(summary, found, grain=("customer_id",))
        customers, groups = self._opened(summary)
        columns = self._with_interval(
            "expected_purchases",
            lambda vector: self.expected(groups, horizon=horizon, vector=vector),
            _LOGARITHM,
            interval=interval,
        )
        found = _joined(customers, groups, columns).select("customer_id", *columns)
        return frames.like(summary, found, grain=("customer_id",))

    def clv(
        self,
        summary: IntoFrameT,
        *,
        horizon_days: int = _YEAR_DAYS,
        margin: float,
        annual_discount: float = 0.1,
        interval: float | None = None,
    ) -> IntoFrameT:
        """Return every customer's lifetime value: expected discounted margin of the orders to come.

        What was already earned is not in it. Expected purchases E(t) are discounted as they fall due:
        e^(-dH) E(H) + d times the integral of e^(-dt) E(t) over the horizon H, d = log(1 + annual_discount).

        Args:
            summary: As for `p_alive`, with mean_amount_minor, and margin where it is known.
            horizon_days: How far to look; at least 1.
            margin: Share of the net amount that is contribution margin, 0 to 1; a customer's own, where the
                summary has it, goes before.
            annual_discount: .1 makes money in a year worth 1 / 1.1 of money now; at least 0.
            interval: Also return an interval of this coverage, as for `expected_purchases`.

        Returns:
            One row for each customer: customer_id, p_alive, expected_purchases (within the horizon, not
            discounted), expected_amount_minor (of one occasion), clv_minor, and with `interval` clv_minor_low,
            clv_minor_high. Expectations are not whole numbers.

        Raises:
            FactsError: The summary is not what it should be; NoAmountsError where nobody bought again.
            ArgumentError: A value has no meaning here.
        """
        arguments.whole(horizon_days, name="horizon_days", least=1)
        _within(margin, 0.0, 1.0, name="margin")
        _within(annual_discount, 0.0, 1e6, name="annual_discount")
        _coverage(interval)
        if self.spending is None:
            raise NoAmountsError(
                "the summary that this was fitted on holds no repeat occasion with an amount; "
                "CLV needs customers who came back, and mean_amount_minor",
                table="summary",
                column="mean_amount_minor",
            )
        has_margin = "margin" in frames.schema(summary, name="summary")
        more = (summaries.MEAN_AMOUNT, *((summaries.MARGIN,) if has_margin else ()))
        alive = self.family.alive(self.vector)
        if alive is not None and interval is None:
            customers, groups = self._opened(summary, *more, keys=_RATE)
            columns = {
                "purchases": self._if_active(groups, horizon=horizon_days / self.unit_days),
                "discounted": _discounted(
                    lambda horizon: self._if_active(groups, horizon=horizon),
                    horizon=horizon_days / self.unit_days,
                    discount=self._discount_per_unit(annual_discount),
                ),
            }
            joined = _joined(customers, groups, columns, keys=_RATE)
            p_alive, share_active = alive, alive
        else:
            customers, groups = self._opened(summary, *more)

            columns = {
                "p_alive": self.family.p_alive(self.vector, groups),
                "purchases": self.expected(groups, horizon=horizon_days / self.unit_days),
                "discounted": _discounted(
                    lambda horizon: self.expected(groups, horizon=horizon),
                    horizon=horizon_days / self.unit_days,
                    discount=self._discount_per_unit(annual_discount),
                ),
            }
            if interval is not None:
                # Discounting shifts value within the horizon and hardly its uncertainty.
                columns["log_sd"] = self._spread(
                    lambda vector: self.expected(
                        groups, horizon=horizon_days / self.unit_days, vector=vector
                    ),
                    _LOGARITHM,
                )
            joined = _joined(customers, groups, columns)
            p_alive, share_active = nw.col("p_alive"), nw.lit(1.0)
        amount = self.spending.amount()
        share = nw.coalesce(nw.col("margin"), nw.lit(margin)) if has_margin else nw.lit(margin)
        value = nw.col("discounted") * share_active * amount * share
        returned = [
            nw.col("customer_id"),
            p_alive.alias("p_alive"),
            (nw.col("purchases") * share_active).alias("expected_purchases"),
            amount.alias("expected_amount_minor"),
            value.alias("clv_minor"),
        ]
        if interval is not None:
            variance = nw.col("log_sd") * nw.col("log_sd") + self.spending.amount_log_variance()
            reach = (variance.sqrt() * float(ndtri(0.5 + interval / 2))).exp()
            returned += [(value / reach).alias("clv_minor_low"), (value * reach).alias("clv_minor_high")]
        return frames.like(summary, joined.select(*returned), grain=("customer_id",))

    @property
    def vector(self) -> Floats:
        """The continuous parameters in the order of the family."""
        return np.array([self.params[name] for name in self.family.parameters])

    def expected(self, groups: Groups, *, horizon: float, vector: Floats | None = None) -> Floats:
        """Return expected purchases within `horizon` units for histories given as arrays."""
        level = 1.0 if self.season is None else self.season.level(horizon * self.unit_days)
        return self.family.expected(self.vector if vector is None else vector, groups, horizon) * level

    def _if_active(self, rates: Groups, *, horizon: float) -> Floats:
        level = 1.0 if self.season is None else self.season.level(horizon * self.unit_days)
        return self.family.if_active(self.vector, rates, horizon) * level

    def _discount_per_unit(self, annual_discount: float) -> float:
        return float(np.log1p(annual_discount)) * self.unit_days / _YEAR_DAYS

    def _open(self, summary: IntoFrame, *more: Column) -> facts.Opened:
        reads = (summaries.CUSTOMER, summaries.FREQUENCY, summaries.RECENCY, summaries.AGE, *more)
        return _open(summary, reads)

    def _opened(
        self, summary: IntoFrame, *more: Column, keys: Sequence[str] = summaries.HISTORY
    ) -> tuple[Lazy, Groups]:
        """Return the summary's columns in use and its distinct histories."""
        opened = self._open(summary, *more)
        rules, customers, found = opened.settle(
            summaries.broken_rules(opened.frame), opened.frame, summaries.histories(opened.frame, keys=keys)
        )
        summaries.demand_possible(rules)
        return customers, summaries.groups(found)

    def _with_interval(
        self, name: str, score: Callable[[Floats], Floats], link: "_Link", *, interval: float | None
    ) -> dict[str, Floats]:
        values = score(self.vector)
        if interval is None:
            return {name: values}
        reach = float(ndtri(0.5 + interval / 2)) * self._spread(score, link)
        with np.errstate(divide="ignore"):
            middle = link.to(values)
        return {
            name: values,
            f"{name}_low": link.back(middle - reach),
            f"{name}_high": link.back(middle + reach),
        }

    def _spread(self, score: Callable[[Floats], Floats], link: "_Link") -> Floats:
        """Return standard deviations of linked scores, from the covariance of the logarithms of parameters.

        The delta method. Parameters on an edge, about which the data say nothing, count as known.
        """
        vector, covariance = self.vector, np.array(self.estimate.covariance)
        free = [i for i in range(len(vector)) if np.isfinite(covariance[i, i])]
        slopes = []
        for i in free:
            step = np.ones(len(vector))
            step[i] = np.exp(_STEP)
            with np.errstate(divide="ignore", invalid="ignore"):
                slope = (link.to(score(vector * step)) - link.to(score(vector / step))) / (2 * _STEP)
            # Both ends certain (log-odds infinite, or nothing expected): no spread.
            slopes.append(np.where(np.isfinite(slope), slope, 0.0))
        if not slopes:
            return np.zeros_like(score(vector))
        by = np.stack(slopes)
        spread: Floats = np.sqrt(np.einsum("ig,ij,jg->g", by, covariance[np.ix_(free, free)], by))
        return spread


@dataclass(frozen=True, kw_only=True)
class _Link:
    """A scale on which a score spreads about evenly, and the way back."""

    to: Callable[[Floats], Floats]
    back: Callable[[Floats], Floats]


_ODDS = _Link(to=logit, back=expit)
_LOGARITHM = _Link(to=np.log, back=np.exp)


@overload
def fit(
    summary: IntoFrame, *, model: PurchaseModel, unit_days: int = 7, near: PurchaseFit | None = None
) -> PurchaseFit: ...


@overload
def fit(summary: IntoFrame, *, model: Literal["gamma_gamma"], unit_days: int = 7) -> SpendingFit: ...


def fit(
    summary: IntoFrame,
    *,
    model: PurchaseModel | Literal["gamma_gamma"],
    unit_days: int = 7,
    near: PurchaseFit | None = None,
) -> PurchaseFit | SpendingFit:
    """Fit a model on a summary.

    The engine reduces the summary to its distinct histories (from 200,000 customers on, those that differ by a few
    percent in time count as one, at their mean); the fit works on those, from several starts, with analytic
    gradients. Where the best fit is one without dropout, it is that fit which is returned, and
    `findings` says `no dropout visible`. Below 500 buyers, or where nobody came back, the estimates are shrunken
    to the `prior`, which is stated there, and `intervals` show how little is known.

    Args:
        summary: What `summarise` returned: frequency, recency, age are read, log_gap_sum for mbg_cnbd_k, and
            where present mean_amount_minor.
        model: `bg_nbd`, `mbg_nbd`, `pareto_nbd` (random timing), `mbg_cnbd_k` (regular timing, k is chosen by
            likelihood), `plain_rate`, or `gamma_gamma` for money.
        unit_days: Days in a unit of the summary, the same as was given to `summarise`.
        near: A fit of the same model to the same shop on a day not far away. The search then begins there alone, and
            takes a quarter of the time.

    Returns:
        A frozen `PurchaseFit`, or for `gamma_gamma` a `SpendingFit`.

    Raises:
        EmptySummaryError: There is no customer.
        NoAmountsError: gamma_gamma, and no customer has a repeat occasion with an amount.
        FactsError: The summary is not what it should be.
        ArgumentError: A value has no meaning here.

    Example:
        >>> summary = clv.summarise(orders, as_of_day=15_249)
        >>> weekly = clv.fit(summary, model="bg_nbd")
        >>> weekly.clv(summary, horizon_days=365, margin=0.3)
    """
    arguments.one_of(model, _MODELS, name="model")
    arguments.whole(unit_days, name="unit_days", least=1)
    reads = [summaries.CUSTOMER, summaries.FREQUENCY, summaries.RECENCY, summaries.AGE]
    present = frames.schema(summary, name="summary")
    with_gaps = model == "mbg_cnbd_k"
    if with_gaps:
        reads.append(summaries.LOG_GAP_SUM)
    with_amounts = model == "gamma_gamma" or "mean_amount_minor" in present
    if with_amounts:
        reads.append(summaries.MEAN_AMOUNT)
    opened = _open(summary, reads)
    rules, customers = opened.settle(summaries.broken_rules(opened.frame), opened.frame)
    many = summaries.demand_possible(rules) >= summaries.COARSE_FROM_CUSTOMERS
    plans = [
        summaries.histories(customers, with_gaps=with_gaps, coarse_unit_days=unit_days if many else None),
        *([summaries.amounts(customers)] if with_amounts else []),
    ]
    found, *amounts = frames.compute(*plans)
    groups, _ = summaries.canonical_groups(found)
    if not len(groups):
        raise summaries.EmptySummaryError(
            f"summary has no row; {model} needs at least one customer with a valid order", table="summary"
        )
    observed = summaries.amounts_of(amounts[0]) if amounts else None
    spending = None
    if observed is not None and len(observed.frequency):
        spending = _spending_fit(observed)
    if model == "gamma_gamma":
        if spending is None:
            raise NoAmountsError(
                "summary.mean_amount_minor is above 0 for no customer with frequency > 0; "
                "gamma_gamma needs customers who came back",
                table="summary",
                column="mean_amount_minor",
            )
        return spending
    return purchase_fit(groups, model=model, unit_days=unit_days, spending=spending, near=near)


def purchase_fit(
    groups: Groups,
    *,
    model: PurchaseModel,
    unit_days: int,
    spending: SpendingFit | None = None,
    near: PurchaseFit | None = None,
) -> PurchaseFit:
    """Fit a purchase model on histories given as arrays; `near` is a fit of the same model to nearly the same ones."""
    family: Family | PlainRate
    if model == "plain_rate":
        family, estimate = fitting.plain_rate(groups)
    else:
        family, estimate = fitting.purchases(
            groups, model=model, unit_days=unit_days, near=None if near is None else near.params
        )
    return PurchaseFit(
        model=model,
        estimate=estimate,
        family=family,
        buyers=groups.buyers,
        repeat_buyers=groups.repeat_buyers,
        unit_days=unit_days,
        spending=spending,
    )


def _spending_fit(observed: Amounts) -> SpendingFit:
    weight = observed.customers
    both = np.stack([observed.frequency, observed.mean_minor])
    away = both - np.average(both, axis=1, weights=weight)[:, None]
    scatter = (weight * away) @ away.T
    scale = float(np.sqrt(scatter[0, 0] * scatter[1, 1]))
    return SpendingFit(
        model="gamma_gamma",
        estimate=fitting.amounts(observed),
        repeat_buyers=int(weight.sum()),
        frequency_correlation=float(scatter[0, 1]) / scale if scale > 0 else 0.0,
    )


def _evidence() -> tuple[nw.Expr, nw.Expr]:
    """Return how many amounts of a customer are known, and their sum."""
    missing = nw.col("mean_amount_minor").is_null()
    known = nw.when(missing).then(nw.lit(0.0)).otherwise(nw.col("frequency").cast(nw.Float64))
    return known, known * nw.coalesce(nw.col("mean_amount_minor"), nw.lit(0.0))


def _discounted(expected: Callable[[float], Floats], *, horizon: float, discount: float) -> Floats:
    """Return e^(-dH) E(H) + d times the integral of e^(-dt) E(t): expected purchases, discounted as they come."""
    total: Floats = np.exp(-discount * horizon) * expected(horizon)
    if discount == 0.0:
        return total
    for share, weight in zip(_TIME, _TIME_WEIGHT, strict=True):
        until = float(share * horizon)
        total = total + discount * weight * horizon * np.exp(-discount * until) * expected(until)
    return total


def _joined(
    customers: Lazy, groups: Groups, columns: dict[str, Floats], *, keys: Sequence[str] = summaries.HISTORY
) -> Lazy:
    values = {"frequency": groups.frequency, "recency": groups.recency, "age": groups.age}
    scored = in_memory.beside(customers, {**{f"{key}_of": values[key] for key in keys}, **columns})
    return customers.with_columns(nw.col(*keys).cast(nw.Float64)).join(
        scored, left_on=list(keys), right_on=[f"{key}_of" for key in keys], how="left"
    )


def _open(summary: IntoFrame, reads: Sequence[Column]) -> facts.Opened:
    return facts.open_table(summary, name="summary", columns=reads, grain="customer_id")


def _within(value: object, least: float, most: float, *, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ArgumentError(
            f"{name} == {value!r}, must be a number from {least:g} to {most:g}", argument=name
        )


def _coverage(interval: object) -> None:
    if interval is None:
        return
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not 0 < interval < 1:
        raise ArgumentError(
            f"interval == {interval!r}, must be a share between 0 and 1 such as .9, or None",
            argument="interval",
        )
