"""Ten million order lines of a shop that never was, in seconds, the same for the same seed.

650,000 customers come one by one over three years and differ in how often they buy, how long they stay and what they
spend; one order in twenty waits for a shopping festival and its discount; one in fifty is refunded; a few products sell
most. Written as the facts `orders` and `lines`, Parquet, sorted by day.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

Days: TypeAlias = npt.NDArray[np.int64]

FIRST_DAY = 19_358
"""2023-01-01."""

PROMOTED = 0.05
DISCOUNT_PERCENT = 35
REFUNDED = 0.02
FESTIVALS = (168, 314)
"""18 June and 11 November, as days of a year."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large the shop is."""

    lines: int = 10_000_000
    orders: int = 4_000_000
    customers: int = 650_000
    products: int = 5_000
    days: int = 1_096

    def scaled(self, factor: float) -> "Size":
        """Return a shop of the same kind with so many times the customers, orders and lines."""
        return Size(
            lines=round(self.lines * factor),
            orders=round(self.orders * factor),
            customers=round(self.customers * factor),
            products=self.products,
            days=self.days,
        )


@dataclass(frozen=True, kw_only=True)
class Shop:
    """Where the files are and what is in them."""

    orders: Path
    lines: Path
    size: Size
    seed: int

    @property
    def as_of_day(self) -> int:
        """The day after the last one with orders."""
        return FIRST_DAY + self.size.days


def shop(folder: Path, *, size: Size | None = None, seed: int = 20_240_229) -> Shop:
    """Return the shop of this size and seed, written first if it is not in the folder yet."""
    size = size or Size()
    home = folder / f"shop-{size.lines}-{seed}"
    found = Shop(orders=home / "orders.parquet", lines=home / "lines.parquet", size=size, seed=seed)
    if not found.lines.exists():
        home.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        _write(found)
        print(f"wrote {size.lines:,} lines in {time.perf_counter() - started:.1f} s to {home}")
    return found


def _write(found: Shop) -> None:
    rng = np.random.default_rng(found.seed)
    orders = _orders(found.size, rng)
    lines = _lines(found.size, orders, rng)
    amounts = lines.group_by("order_id").agg(
        pl.col("amount_minor").sum().alias("gross_minor"), pl.col("discount_minor").sum()
    )
    whole = orders.join(amounts, on="order_id", maintain_order="left").with_columns(
        pl.when(pl.col("refunded")).then(pl.col("gross_minor")).otherwise(0).alias("refunded_minor")
    )
    whole.select(
        "customer_id",
        "order_id",
        "store_id",
        "day",
        "month",
        (pl.col("gross_minor") - pl.col("refunded_minor")).alias("amount_minor"),
        "gross_minor",
        "refunded_minor",
        "discount_minor",
        (~pl.col("refunded")).alias("is_valid"),
    ).write_parquet(found.orders)
    part = found.lines.with_suffix(".part")
    lines.select(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("line_id"),
        "order_id",
        "customer_id",
        "product_id",
        "store_id",
        "day",
        "month",
        (pl.col("quantity") * 1_000).alias("quantity_milli"),
        "amount_minor",
        "discount_minor",
        (~pl.col("refunded")).alias("is_valid"),
    ).write_parquet(part)
    # Only a whole file gets the name that says there is one.
    part.rename(found.lines)


def _orders(size: Size, rng: np.random.Generator) -> pl.DataFrame:
    # How eager a customer is, and from when to when they are one at all.
    eager = rng.gamma(0.55, 1.0, size.customers) + 0.02
    arrives = rng.integers(0, size.days, size.customers)
    stays = np.minimum(rng.exponential(500, size.customers) + 1, size.days - arrives)
    weight = eager * stays
    extra = rng.choice(size.customers, size.orders - size.customers, p=weight / weight.sum())
    customer = np.concatenate([np.arange(size.customers), extra])
    first = np.arange(size.orders) < size.customers
    day = np.where(
        first,
        arrives[customer],
        arrives[customer] + (rng.random(size.orders) * stays[customer]).astype(np.int64),
    )
    festival = rng.random(size.orders) < PROMOTED
    day = np.where(festival & ~first, _festival(day, size.days, arrives[customer]), day)
    return (
        pl.DataFrame(
            {
                "customer_id": customer.astype(np.int64),
                "day": (FIRST_DAY + day).astype(np.int32),
                "store_id": rng.integers(1, 4, size.orders),
                "refunded": rng.random(size.orders) < REFUNDED,
                "promotion": festival,
                "spends": rng.lognormal(0, 0.5, size.customers)[customer],
            }
        )
        .sort("day", "customer_id", maintain_order=True)
        .with_columns(
            pl.int_range(pl.len(), dtype=pl.Int64).alias("order_id"),
            pl.from_epoch("day", time_unit="d").dt.strftime("%Y%m").cast(pl.Int32).alias("month"),
        )
    )


def _festival(day: Days, days: int, arrives: Days) -> Days:
    """Move orders to a festival of their year, within the three years and not before the customer came."""
    summer, autumn = FESTIVALS
    target = day // 365 * 365 + np.where(day % 365 <= summer, summer, autumn)
    moved: Days = np.maximum(np.minimum(target, days - 1), arrives)
    return moved


def _lines(size: Size, orders: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    # Every order has one line; the rest fall where they fall, more of them to some orders.
    extra = rng.multinomial(size.lines - size.orders, np.full(4, 0.25))
    order = np.sort(
        np.concatenate([np.arange(size.orders), *(rng.choice(size.orders, count) for count in extra)])
    )
    rank = (rng.pareto(0.9, size.lines) * 20).astype(np.int64) % size.products
    price = np.maximum(rng.lognormal(7.6, 0.8, size.products), 100)
    quantity = 1 + rng.poisson(0.3, size.lines)
    facts = orders.select(
        "order_id", "customer_id", "store_id", "day", "month", "refunded", "promotion", "spends"
    )[order]
    list_price = (price[rank] * facts["spends"].to_numpy()).astype(np.int64) * quantity + 1
    discount = np.where(facts["promotion"].to_numpy(), list_price * DISCOUNT_PERCENT // 100, 0)
    return facts.with_columns(
        pl.Series("product_id", rank),
        pl.Series("quantity", quantity),
        pl.Series("discount_minor", discount),
        pl.Series("amount_minor", list_price - discount),
    )
