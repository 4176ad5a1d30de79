"""Product cycles (商品购买周期): how long a product lasts, and when each customer needs it again."""

import re

import narwhals as nw
from narwhals.typing import IntoFrame, IntoFrameT

from regulars.analytics import arguments, facts, frames
from regulars.analytics.facts import Column
from regulars.analytics.frames import Lazy

EARLY, SOON, DUE, LATE, GIVEN_UP = "early", "soon", "due", "late", "given_up"

STATES = (EARLY, SOON, DUE, LATE, GIVEN_UP)
"""All states, in the order in which a customer who does not buy goes through them."""

PRODUCT, CATEGORY, STORE, STATED = "product", "category", "store", "stated"

SOURCES = (PRODUCT, CATEGORY, STORE, STATED)
"""What the days of a product rest on most; `stated` is the catalogue's pack size and daily use."""

_LATE = 0.8
"""The glossary: late starts at the 80 % point of the interval distribution."""

_SOON = 0.75
"""Reminders go out from three quarters of the cycle on."""

_GIVEN_UP_CYCLES = 3
_LEAST_WITHOUT_FIRST = 5
_CRUMB = 1e-6
"""Engines differ in the last bit of a quantile; whole days must not."""

_PACK = re.compile(r"\s*(?:(\d+)\s*[x×*]\s*)?(\d+(?:\.\d+)?)\s*(\D.*)?")

_CATALOGUE = (
    *facts.PRODUCTS.only("product_id", "category", "pack_size"),
    Column(
        name="daily_use",
        dtype=nw.Float64,
        kind=facts.MEASURE,
        meaning="how much of the pack is used a day; null when unknown",
        nullable=True,
    ),
)
_CYCLES = (
    facts.PRODUCTS.column("product_id"),
    Column(name="intervals", dtype=nw.Int64, kind=facts.NUMBER, meaning="intervals it rests on"),
    Column(
        name="unit_days",
        dtype=nw.Float64,
        kind=facts.MEASURE,
        meaning="days that one unit lasts",
        nullable=True,
    ),
    Column(
        name="late_unit_days",
        dtype=nw.Float64,
        kind=facts.MEASURE,
        meaning="days after which late starts",
        nullable=True,
    ),
)


def products(
    lines: IntoFrameT,
    catalogue: IntoFrame | None = None,
    *,
    as_of_day: int,
    prior_intervals: int = 5,
    promotion_percent: int = 30,
) -> IntoFrameT:
    """Return how many days one unit of each product lasts.

    An interval is the days between two purchases of a product by one customer, divided by the quantity bought first. A
    line with a negative quantity is a return: it takes back the latest purchases before or on its day. Two kinds of
    interval are noise and left out where the product has others:

    * Promotion: it ends in a purchase with at least `promotion_percent` off, and not more than half of the product's do.
    * First order: it begins on the customer's first day in the store, and at least 5 others remain.

    A product's own figure is the median over customers of the customer's median. It is the mean of that, counted as
    often as there are intervals, and of what its category says, counted `prior_intervals` times; the category's is shrunk
    in the same way to the store's. Within a category packs of one unit (ml, ct) are compared by content, so that a pack
    twice as large lasts twice as long. Where the catalogue states a daily use, pack size / daily use takes the category's place.

    Args:
        lines: Facts `lines`: customer_id, product_id, day; quantity (else 1), amount_minor, discount_minor and is_valid
            where present.
        catalogue: Facts `products`: product_id; category, pack_size and daily_use where present. None: store only.
        as_of_day: No line may lie after it, days since 1970-01-01.
        prior_intervals: How many own intervals weigh as much as what is known of products alike.
        promotion_percent: Discount share that makes a promotion, 1 to 100.

    Returns:
        One row for each product bought and not wholly taken back: product_id, intervals (used), customers (with one),
        own_unit_days (null without an interval), unit_days, late_unit_days (the 80 % point of the same; both null where
        the whole store has no interval and nothing is stated), source (one of `SOURCES`).

    Raises:
        FactsError: A table breaks its contract.
        MixedFramesError: The tables are of different kinds.
        ArgumentError: A value has no meaning here.
    """
    arguments.day(as_of_day, name="as_of_day")
    arguments.whole(prior_intervals, name="prior_intervals", least=1)
    arguments.whole(promotion_percent, name="promotion_percent", least=1, most=100)
    opened, bought = _bought(lines, as_of_day=as_of_day, promotion_percent=promotion_percent)
    (purchases,) = opened.settle(bought)
    known = _catalogue(catalogue, lines)
    result = _product_cycles(purchases, known, prior=prior_intervals)
    return frames.like(lines, result, grain=("product_id",))


def due(
    lines: IntoFrameT,
    products: IntoFrame | None = None,
    *,
    as_of_day: int,
    prior_intervals: int = 2,
) -> IntoFrameT:
    """Return when each customer needs each product again.

    The days a unit lasts this customer are the mean of the product's, counted `prior_intervals` times, and the median of
    the customer's own intervals with it, counted as often as there are. Times the quantity of the last purchase, plus
    what was left then of the purchase before it, they give the day when it runs out.

    Args:
        lines: Facts `lines`, as for `products`. A return (negative quantity) takes the purchase back.
        products: What `products` returned for the same lines; None works it out without a catalogue.
        as_of_day: The day for which the question is asked; no line may lie after it.
        prior_intervals: How many own intervals weigh as much as the product's.

    Returns:
        One row for each customer and product bought and kept: customer_id, product_id, last_day, quantity (then kept),
        intervals (own), expected_days, soon_day (three quarters of it), due_day (rounded half up), late_day (the 80 %
        point, rounded up), state (`early` before the soon day, `soon` before the due day, `due` up to and on the late
        day, `late`, `given_up` after three times the expected days), confidence (0 to 1: the share of the
        expectation that rests on intervals with this very product, not on others). Null from expected_days on where nothing is known.

    Raises:
        FactsError: A table breaks its contract.
        MixedFramesError: The tables are of different kinds.
        ArgumentError: A value has no meaning here.
    """
    arguments.day(as_of_day, name="as_of_day")
    arguments.whole(prior_intervals, name="prior_intervals", least=1)
    opened, bought = _bought(lines, as_of_day=as_of_day, promotion_percent=100)
    (purchases,) = opened.settle(bought)
    if products is None:
        cycles = _product_cycles(purchases, None, prior=5)
    else:
        frames.same_engine(lines, products, names=("lines", "products"))
        given = facts.open_table(products, name="products", columns=_CYCLES, grain="product_id")
        (cycles,) = given.settle(given.frame)
    cycles = cycles.select(
        "product_id", nw.col("intervals").alias("product_intervals"), "unit_days", "late_unit_days"
    )
    last = _last_purchases(purchases).join(cycles, on="product_id", how="left")
    result = _expected(last, as_of_day=as_of_day, prior=prior_intervals)
    return frames.like(lines, result, grain=("customer_id", "product_id"))


def _bought(lines: IntoFrame, *, as_of_day: int, promotion_percent: int) -> tuple[facts.Opened, Lazy]:
    """One row for each customer, product and day with something kept: quantity, promoted, first (day in the store)."""
    opened = facts.open_lines(
        lines,
        uses=("customer_id", "product_id", "day"),
        optional=("quantity", "amount_minor", "discount_minor"),
        as_of_day=as_of_day,
    )
    present = opened.frame.collect_schema().names()
    quantity = nw.col("quantity") if "quantity" in present else nw.lit(1.0)
    priced = "discount_minor" in present and "amount_minor" in present
    counted = opened.frame.with_columns(quantity.cast(nw.Float64).alias("quantity")).with_columns(
        nw.when(nw.col("quantity") > 0)
        .then(nw.col("discount_minor") if priced else nw.lit(0))
        .otherwise(nw.lit(0))
        .cast(nw.Int64)
        .alias("off"),
        nw.when(nw.col("quantity") > 0)
        .then(nw.col("amount_minor") if priced else nw.lit(0))
        .otherwise(nw.lit(0))
        .cast(nw.Int64)
        .alias("paid"),
    )
    daily = counted.group_by("customer_id", "product_id", "day").agg(
        nw.col("quantity").sum(), nw.col("off").sum().cast(nw.Int64), nw.col("paid").sum().cast(nw.Int64)
    )
    return opened, _kept(daily).with_columns(
        ((nw.col("off") > 0) & (100 * nw.col("off") >= promotion_percent * (nw.col("off") + nw.col("paid"))))
        .cast(nw.Int64)
        .alias("promoted"),
        (nw.col("day") == nw.col("day").min().over("customer_id")).cast(nw.Int64).alias("first"),
    ).select("customer_id", "product_id", "day", "quantity", "promoted", "first")


def _kept(daily: Lazy) -> Lazy:
    """Take returns out of the latest purchases before them; most customers return nothing."""
    pair = ["customer_id", "product_id"]
    returned = daily.filter(nw.col("quantity") < 0).group_by(*pair).agg()
    left = _taken_back(daily.join(returned, on=pair, how="semi"))
    columns = daily.collect_schema().names()
    return nw.concat([daily.join(returned, on=pair, how="anti"), left.select(*columns)]).filter(
        nw.col("quantity") > _CRUMB
    )


def _taken_back(daily: Lazy) -> Lazy:
    """Lessen the quantities of purchases by the returns after them.

    Going back in time, what is still to be taken back is a random walk that is held at 0: each return adds to it,
    each purchase takes from it. Such a walk is its free sum less the least that the sum has been (or 0).
    """
    by = ("customer_id", "product_id")
    walked = daily.with_columns((-nw.col("quantity")).alias("back")).with_columns(
        nw.col("back").cum_sum(reverse=True).over(*by, order_by="day").alias("free")
    )
    least = walked.with_columns(nw.col("free").cum_min(reverse=True).over(*by, order_by="day").alias("least"))
    owed = least.with_columns(
        (nw.col("free") - nw.when(nw.col("least") < 0).then(nw.col("least")).otherwise(nw.lit(0.0))).alias(
            "owed"
        )
    ).with_columns(nw.col("owed").shift(-1).over(*by, order_by="day").fill_null(0.0).alias("owed"))
    return owed.with_columns((nw.col("quantity") - nw.col("owed")).alias("quantity"))


def _with_intervals(purchases: Lazy) -> Lazy:
    """Add to each purchase the one before it: previous_day, previous_quantity, previous_first; null for the first."""
    return frames.with_previous(
        purchases,
        {"previous_day": "day", "previous_quantity": "quantity", "previous_first": "first"},
        by=("customer_id", "product_id"),
        order_by="day",
    )


def _product_cycles(purchases: Lazy, catalogue: Lazy | None, *, prior: int) -> Lazy:
    intervals = (
        _with_intervals(purchases)
        .filter(~nw.col("previous_day").is_null())
        .with_columns(
            ((nw.col("day") - nw.col("previous_day")) / nw.col("previous_quantity")).alias("unit_days"),
            nw.len().over("product_id").alias("all"),
            nw.col("promoted").sum().over("product_id").alias("all promoted"),
        )
    )
    calm = intervals.filter((nw.col("promoted") == 0) | (2 * nw.col("all promoted") > nw.col("all")))
    later = (1 - nw.col("previous_first")).sum().over("product_id")
    used = calm.with_columns(later.alias("later")).filter(
        (nw.col("previous_first") == 0) | (nw.col("later") < _LEAST_WITHOUT_FIRST)
    )
    of_customer = used.group_by("customer_id", "product_id").agg(
        nw.col("unit_days").median().alias("own"), nw.len().cast(nw.Int64).alias("intervals")
    )
    base = purchases.group_by("product_id").agg()
    known = (
        base.with_columns(
            nw.lit("").alias("category"),
            nw.lit("").alias("unit"),
            nw.lit(1.0).alias("content"),
            nw.lit(None).cast(nw.Float64).alias("stated"),
        )
        if catalogue is None
        else base.join(catalogue, on="product_id", how="left").with_columns(
            nw.col("category").fill_null(""), nw.col("unit").fill_null(""), nw.col("content").fill_null(1.0)
        )
    )
    scaled = of_customer.join(known, on="product_id", how="inner").with_columns(
        (nw.col("own") / nw.col("content")).alias("per_content"), nw.lit(1).alias("store")
    )
    of_product = of_customer.group_by("product_id").agg(
        nw.col("intervals").sum().cast(nw.Int64),
        nw.len().cast(nw.Int64).alias("customers"),
        *_points("own", "own_unit_days", "own_late"),
    )
    of_category = (
        scaled.filter(nw.col("category") != "")
        .group_by("category", "unit")
        .agg(
            nw.col("intervals").sum().cast(nw.Int64).alias("category_intervals"),
            *_points("per_content", "category_days", "category_late"),
        )
    )
    of_store = scaled.group_by("store").agg(*_points("own", "store_days", "store_late"))
    joined = (
        known.with_columns(nw.lit(1).alias("store"))
        .join(of_product, on="product_id", how="left")
        .join(of_category, on=["category", "unit"], how="left")
        .join(of_store, on="store", how="left")
        .with_columns(
            nw.col("intervals").fill_null(0),
            nw.col("customers").fill_null(0),
            nw.col("category_intervals").fill_null(0),
        )
    )
    return _shrunk(joined, prior=prior)


def _points(values: str, typical: str, late: str) -> tuple[nw.Expr, nw.Expr]:
    column = nw.col(values)
    return column.median().alias(typical), column.quantile(_LATE, interpolation="linear").alias(late)


def _shrunk(joined: Lazy, *, prior: int) -> Lazy:
    def toward(own: str, count: nw.Expr, parent: nw.Expr) -> nw.Expr:
        # Nothing of its own: nothing times zero would be nothing.
        mixed = (count * nw.col(own) + prior * parent) / (count + prior)
        return nw.when(nw.col(own).is_null()).then(parent).otherwise(mixed)

    category, product = nw.col("category_intervals"), nw.col("intervals")
    parents = joined.with_columns(
        (nw.col("category_days") * nw.col("content")).alias("category_days"),
        (nw.col("category_late") * nw.col("content")).alias("category_late"),
    ).with_columns(
        toward("category_days", category, nw.col("store_days")).alias("parent_days"),
        toward("category_late", category, nw.col("store_late")).alias("parent_late"),
        (nw.col("store_late") / nw.col("store_days")).alias("store_ratio"),
    )
    is_stated = ~nw.col("stated").is_null()
    ratio = nw.when(nw.col("store_ratio").is_null()).then(nw.lit(1.0)).otherwise(nw.col("store_ratio"))
    stated = parents.with_columns(
        nw.when(is_stated).then(nw.col("stated")).otherwise(nw.col("parent_days")).alias("parent_days"),
        nw.when(is_stated)
        .then(nw.col("stated") * ratio)
        .otherwise(nw.col("parent_late"))
        .alias("parent_late"),
    )
    source = (
        nw.when(product >= prior)
        .then(nw.lit(PRODUCT))
        .when(is_stated)
        .then(nw.lit(STATED))
        .when(category >= prior)
        .then(nw.lit(CATEGORY))
        .otherwise(nw.lit(STORE))
    )
    return stated.select(
        "product_id",
        nw.col("intervals").cast(nw.Int32),
        nw.col("customers").cast(nw.Int32),
        "own_unit_days",
        toward("own_unit_days", product, nw.col("parent_days")).alias("unit_days"),
        toward("own_late", product, nw.col("parent_late")).alias("late_unit_days"),
        source.alias("source"),
    )


def _last_purchases(purchases: Lazy) -> Lazy:
    """One row for each customer and product: the last purchase, the one before, and the customer's own intervals."""
    by = ("customer_id", "product_id")
    dated = _with_intervals(purchases).with_columns(
        ((nw.col("day") - nw.col("previous_day")) / nw.col("previous_quantity")).alias("own_days"),
        nw.col("day").max().over(*by).alias("last_day"),
    )
    own = dated.group_by(*by).agg(
        nw.col("own_days").median().alias("own_days"), (nw.len().cast(nw.Int64) - 1).alias("intervals")
    )
    last = dated.filter(nw.col("day") == nw.col("last_day")).select(
        *by, nw.col("last_day").cast(nw.Int64), "quantity", "previous_day", "previous_quantity"
    )
    return last.join(own, on=list(by), how="inner")


def _expected(last: Lazy, *, as_of_day: int, prior: int) -> Lazy:
    own, typical, count = nw.col("own_days"), nw.col("unit_days"), nw.col("intervals")
    mixed = (count * own + prior * typical) / (count + prior)
    rated = last.with_columns(
        nw.when(own.is_null()).then(typical).otherwise(mixed).alias("rate")
    ).with_columns(
        (nw.col("rate") * nw.col("previous_quantity") - (nw.col("last_day") - nw.col("previous_day"))).alias(
            "left"
        )
    )
    left = nw.when(nw.col("left") > 0).then(nw.col("left")).otherwise(nw.lit(0.0))
    stocked = rated.with_columns(
        (nw.col("rate") * nw.col("quantity") + left).alias("expected_days"),
        (nw.col("rate") * nw.col("quantity") * nw.col("late_unit_days") / nw.col("unit_days") + left).alias(
            "late_days"
        ),
    )
    expected, start = nw.col("expected_days"), nw.col("last_day")
    dated = stocked.with_columns(
        (start + (expected * _SOON + _CRUMB).floor().cast(nw.Int64)).alias("soon_day"),
        (start + (expected + (0.5 + _CRUMB)).floor().cast(nw.Int64)).alias("due_day"),
        (start + (nw.col("late_days") - _CRUMB).ceil().cast(nw.Int64)).alias("late_day"),
        (as_of_day - start > _GIVEN_UP_CYCLES * expected + _CRUMB).alias("given_up"),
    ).with_columns(
        nw.when(nw.col("late_day") < nw.col("due_day"))
        .then(nw.col("due_day"))
        .otherwise(nw.col("late_day"))
        .alias("late_day")
    )
    state = (
        nw.when(expected.is_null())
        .then(nw.lit(None).cast(nw.String))
        .when(nw.col("soon_day") > as_of_day)
        .then(nw.lit(EARLY))
        .when(nw.col("due_day") > as_of_day)
        .then(nw.lit(SOON))
        .when(nw.col("late_day") >= as_of_day)
        .then(nw.lit(DUE))
        .when(nw.col("given_up"))
        .then(nw.lit(GIVEN_UP))
        .otherwise(nw.lit(LATE))
    )
    others = nw.col("product_intervals").fill_null(0)
    confidence = (count + prior * others / (others + 5)) / (count + prior)
    return dated.select(
        "customer_id",
        "product_id",
        nw.col("last_day").cast(nw.Int32),
        "quantity",
        nw.col("intervals").cast(nw.Int32),
        "expected_days",
        nw.col("soon_day").cast(nw.Int32),
        nw.col("due_day").cast(nw.Int32),
        nw.col("late_day").cast(nw.Int32),
        state.alias("state"),
        nw.when(~expected.is_null()).then(confidence).alias("confidence"),
    )


def _catalogue(catalogue: IntoFrame | None, lines: IntoFrame) -> Lazy | None:
    """Return product_id, category, unit, content (of a pack, in the unit) and stated (days a pack lasts)."""
    if catalogue is None:
        return None
    import numpy as np  # noqa: PLC0415 - only callers with a catalogue pay for loading it

    from regulars.analytics import in_memory  # noqa: PLC0415 - the same

    frames.same_engine(lines, catalogue, names=("lines", "catalogue"))
    present = frames.schema(catalogue, name="catalogue")
    columns = [column for column in _CATALOGUE if column.name == "product_id" or column.name in present]
    opened = facts.open_table(catalogue, name="catalogue", columns=columns, grain="product_id")
    names = [column.name for column in columns]
    missing = {
        "category": nw.lit(""),
        "pack_size": nw.lit(""),
        "daily_use": nw.lit(None).cast(nw.Float64),
    }
    filled = opened.frame.select(
        "product_id",
        *((nw.col(name) if name in names else value).alias(name) for name, value in missing.items()),
    )
    (known,) = opened.settle(filled.with_columns(nw.col("category", "pack_size").cast(nw.String)))
    texts = [str(row["pack_size"]) for row in frames.rows(known.group_by("pack_size").agg())]
    sizes = [pack_content(text) for text in texts]
    read = in_memory.beside(
        known,
        {
            "pack_size": np.array(texts, dtype=object),
            "content": np.array([size[0] for size in sizes], dtype=np.float64),
            "unit": np.array([size[1] for size in sizes], dtype=object),
        },
    ).with_columns(nw.col("pack_size", "unit").cast(nw.String))
    use = nw.col("daily_use").cast(nw.Float64)
    return known.join(read, on="pack_size", how="left").select(
        "product_id",
        "category",
        "unit",
        "content",
        nw.when(use > 0).then(nw.col("content") / use).alias("stated"),
    )


def pack_content(text: str) -> tuple[float, str]:
    """Return how much is in a pack and in what unit; 1.0 and no unit where the text tells no amount.

    >>> pack_content("6 x 330 ml"), pack_content("80片"), pack_content("large")
    ((1980.0, 'ml'), (80.0, '片'), (1.0, ''))
    """
    found = _PACK.fullmatch(text)
    if found is None or float(found[2]) == 0:
        return 1.0, ""
    return float(found[1] or 1) * float(found[2]), (found[3] or "").strip().lower()
