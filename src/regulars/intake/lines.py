"""The second reading of a file: judge every line, and turn the good ones into rows for the stage."""

from collections.abc import Callable
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from regulars.intake import values
from regulars.intake.judging import BEYOND, DIGITS_LOST, Judged, beyond, raw_texts, rejects, without_empty
from regulars.intake.kinds.fields import IDENTIFIERS
from regulars.intake.understanding import Understanding, date_cells

# What can be wrong with a line, in the order in which it is told: the first that holds.
REASONS = (
    *BEYOND, "no_order_code", "masked_customer", "no_customer", "digits_lost", "several_customers",
    "several_statuses", "unknown_status", "unclear_order", "duplicate_line", "no_product", "bad_date", "future_date",
    "bad_quantity", "zero_quantity", "other_currency", "bad_price", "bad_discount", "zero_price", "too_large", "too_long",
    "letters_lost", "other_customer", "told_by_sender", "erased_person",
)  # fmt: skip
_LENGTHS = {
    "order_code": 200, "line_number": 40, "product_code": 200, "product_name": 300, "category": 200, "brand": 200,
    "pack_size": 100, "customer_name": 200, "country": 100, "company": 200, "store": 64, "external": 200, "email": 200,
    "phone": 200, "ouid": 200, "omid": 200, "openid": 200, "coupon_code": 200,
}  # fmt: skip
_TEXTS = ("customer_name", "country", "company", "product_name", "category", "brand", "pack_size", "currency")
_LARGEST_MINOR = 10**15
_SEPARATOR = "\x1f"
# The customer identifiers in the order of the stage's columns.
_STAGE_KINDS = ("external", "omid", "ouid", "openid", "email", "phone")


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Judges batches of one file.

    Attributes:
        known: What the first reading found out.
        zone: The business's time zone.
        exponent: Decimals of the base currency.
        currency: The base currency; amounts of another are refused.
        now: Lines more than a day after it are refused.
        store_code: The store of lines that name none.
        store_ids: Returns the ids of stores by code, making new ones.
    """

    known: Understanding
    zone: ZoneInfo
    exponent: int
    currency: str
    now: datetime
    store_code: str
    store_ids: Callable[[set[str]], dict[str, int]]

    def judge(self, batch: pl.DataFrame) -> Judged:
        """Return the batch's good lines as rows of the stage, and its bad ones with what is wrong."""
        batch = without_empty(batch)
        lines = self._understood(batch)
        fault = lines["fault"]
        good = lines.filter(fault.is_null())
        return Judged(
            read=len(batch),
            stage=self._stage(good),
            rejects=self._rejects(batch.filter(fault.is_not_null()), lines.filter(fault.is_not_null())),
        )

    def understood(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Return what each line says: one row a line, with `fault` naming the reason if it is bad.

        Columns are the fields of a mapping, and `wall` (time on the business's clock), `refund`,
        `quantity_milli`, `amount_minor`, `discount_minor`.
        """
        return self._understood(batch)

    def raw_texts(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Return the file's own cells as texts."""
        return raw_texts(batch)

    def refused(self, batch: pl.DataFrame, reason: str) -> pl.DataFrame:
        """Return lines as rejects for one reason that showed itself only beside the record."""
        return self._rejects(batch, batch.select("line", fault=pl.lit(reason)))

    def _understood(self, batch: pl.DataFrame) -> pl.DataFrame:
        known, schema = self.known, batch.schema
        columns: dict[str, pl.Expr | pl.Series] = {}
        for name in ("order_code", "line_number", "product_code", "coupon_code", *IDENTIFIERS):
            columns[name] = (
                known.code(name, schema[known.column[name]])
                if name in known.column
                else pl.lit(None, pl.String)
            )
        for name in (*_TEXTS, "store", "status"):
            columns[name] = (
                values.text(pl.col(known.column[name]), schema[known.column[name]])
                if name in known.column
                else pl.lit(None, pl.String)
            )
        lines = batch.select("line", *beyond(batch), **columns)
        lines = lines.with_columns(
            pl.col("store").fill_null(self.store_code),
            values.company(pl.col("company")),
            *self._numbers(batch),
            values.wall_time(
                date_cells(batch, known.column, "placed_at"), known.mapping.date_formats, self.zone.key
            ).alias("wall"),
            masked=pl.any_horizontal(pl.col(IDENTIFIERS).str.contains("*", literal=True)).fill_null(
                value=False
            ),
        )
        lines = lines.with_columns(
            pl.when(~pl.col(kind).str.contains("*", literal=True)).then(pl.col(kind)).alias(kind)
            for kind in IDENTIFIERS
        )
        lines = self._with_order(self._with_product(lines))
        lines = lines.with_columns(self._amounts())
        return lines.with_columns(self._fault(lines))

    def _numbers(self, batch: pl.DataFrame) -> list[pl.Series | pl.Expr]:
        known, decimal = self.known, self.known.mapping.decimal
        found: list[pl.Series | pl.Expr] = []
        for name in ("quantity", "unit_price", "amount"):
            if name in known.column:
                found.append(values.micro(batch[known.column[name]], decimal=decimal).alias(name))
            else:
                found.append(pl.lit(values.MICRO if name == "quantity" else None, pl.Int64).alias(name))
        money = [known.column[name] for name in ("unit_price", "amount") if name in known.column]
        is_other = pl.any_horizontal(
            pl.lit(values.of_another_currency(batch[column], self.currency).alias(f"other{i}"))
            for i, column in enumerate((*money, *known.discounts))
        )
        discount, broken = pl.lit(0, pl.Int64), pl.lit(value=False)
        for i, column in enumerate(known.discounts):
            cells = batch[column]
            number = values.micro(cells, decimal=decimal)
            is_told = cells.to_frame("cell").select(values.text(pl.col("cell"), cells.dtype).is_not_null())[
                "cell"
            ]
            bad = is_told & number.is_null()
            discount = discount + pl.lit(number.abs().fill_null(0).alias(f"discount{i}"))
            broken = broken | pl.lit(bad.alias(f"broken{i}"))
        return [
            *found,
            discount.alias("discount"),
            broken.alias("bad_discount"),
            is_other.alias("other_currency"),
        ]

    def _with_product(self, lines: pl.DataFrame) -> pl.DataFrame:
        if "product_code" not in self.known.column and "product_name" not in self.known.column:
            return lines.with_columns(product_code=pl.lit("-"))
        return lines.with_columns(pl.coalesce("product_code", "product_name"))

    def _with_order(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Fill in what other lines of the order tell, and note where they disagree."""
        known = self.known
        lines = lines.with_columns(
            pl.col("status").alias("status_text"),
            pl.col("status").replace_strict(known.mapping.status_values, default=None, return_dtype=pl.String)
            if known.mapping.status_values
            else pl.lit(None, pl.String).alias("status"),
        )
        flags = {"several_customers": pl.Boolean, "several_statuses": pl.Boolean}
        store = pl.col("store") if "store" in known.column else pl.lit("")
        if len(known.doubtful):
            filled = [name for name in (*IDENTIFIERS, "status") if name in known.doubtful.columns]
            doubtful = known.doubtful.rename(
                {"store": "doubtful_store", **{name: f"{name}_other" for name in filled}}
            )
            lines = lines.with_columns(doubtful_store=store).join(
                doubtful, on=["doubtful_store", "order_code"], how="left", maintain_order="left"
            )
            lines = lines.with_columns(
                pl.when(pl.col(f"{name}_other").str.contains("*", literal=True))
                .then(pl.col(name))
                .otherwise(pl.coalesce(name, f"{name}_other"))
                .alias(name)
                for name in filled
            ).with_columns(pl.col(name).fill_null(value=False) for name in flags)
        else:
            lines = lines.with_columns(pl.lit(value=False).alias(name) for name in flags)
        lines = self._with_totals(lines.with_columns(doubtful_store=store))
        if len(known.repeated):
            return lines.join(
                known.repeated.rename({"store": "doubtful_store"}),
                on=["doubtful_store", "order_code", "line_number"],
                how="left",
                maintain_order="left",
            )
        return lines.with_columns(first_line=pl.lit(None, pl.Int64))

    def _with_totals(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Add what stands once for a whole order to each of its lines: `order_discount`, `order_refunded`, `unclear`."""
        totals = self.known.totals
        if len(totals):
            told = totals.rename({"store": "doubtful_store"})
            lines = lines.join(told, on=["doubtful_store", "order_code"], how="left", maintain_order="left")
        if "order_currency" in lines.columns:
            lines = lines.with_columns(currency=pl.coalesce("currency", "order_currency"))
        missing = {"order_discount": 0, "order_refunded": 0, "is_cancelled": False, "unclear": False}
        lines = lines.with_columns(
            pl.col(name).fill_null(value) if name in lines.columns else pl.lit(value).alias(name)
            for name, value in missing.items()
        )
        return lines.with_columns(
            status=pl.when("is_cancelled").then(pl.lit("cancelled")).otherwise(pl.col("status"))
        )

    def _amounts(self) -> list[pl.Expr]:
        """Return exact amounts: millionths of millionths in 128 bits, rounded once, halves away from zero."""
        quantity = pl.col("quantity").abs().cast(pl.Int128)
        discount = pl.col("discount").cast(pl.Int128) * values.MICRO
        if "amount" in self.known.column:
            price = pl.col("amount")
            exact = price.abs().cast(pl.Int128) * values.MICRO
        else:
            price = pl.col("unit_price")
            exact = quantity * price.abs().cast(pl.Int128) - discount
        unit = values.MICRO**2 // 10**self.exponent
        is_refund = (pl.col("quantity") < 0) | (price < 0)
        if self.known.mapping.refund_prefix:
            is_refund |= pl.col("order_code").str.starts_with(self.known.mapping.refund_prefix)
        return [
            price.alias("price"),
            (exact > 0).alias("paid_something"),
            ((exact + unit // 2) // unit).alias("amount_minor"),
            ((discount + unit // 2) // unit).alias("discount_minor"),
            ((quantity + 500) // 1_000).alias("quantity_milli"),
            is_refund.alias("refund"),
            *(
                ((pl.col(name).cast(pl.Int128) * values.MICRO + unit // 2) // unit).alias(f"{name}_minor")
                for name in ("order_discount", "order_refunded")
            ),
        ]

    def _fault(self, lines: pl.DataFrame) -> pl.Expr:
        tomorrow = self.now.astimezone(self.zone).replace(tzinfo=None) + timedelta(days=1)
        codes = [pl.col(name) for name in ("order_code", *IDENTIFIERS) if name in self.known.column]
        nothing_told = pl.all_horizontal(pl.col(kind).is_null() for kind in IDENTIFIERS)
        too_long = [
            pl.col(name).str.len_chars() > length
            for name, length in _LENGTHS.items()
            if name in self.known.column and lines.schema[name] == pl.String
        ]
        faults = {
            **{reason: pl.col(name).is_not_null() for reason, name in BEYOND.items()},
            "no_order_code": pl.col("order_code").is_null(),
            "masked_customer": nothing_told & pl.col("masked"),
            "no_customer": nothing_told,
            "digits_lost": pl.any_horizontal(
                code.str.contains(DIGITS_LOST).fill_null(value=False) for code in codes
            ),
            "several_customers": pl.col("several_customers"),
            "several_statuses": pl.col("several_statuses"),
            "unknown_status": pl.col("status_text").is_not_null() & pl.col("status").is_null(),
            "unclear_order": pl.col("unclear"),
            "duplicate_line": pl.col("first_line") < pl.col("line"),
            "no_product": pl.col("product_code").is_null(),
            "bad_date": pl.col("wall").is_null(),
            "future_date": pl.col("wall") > tomorrow,
            "bad_quantity": pl.col("quantity").is_null(),
            "zero_quantity": pl.col("quantity_milli") == 0,
            "other_currency": self._is_of_another_currency(),
            "bad_price": pl.col("price").is_null(),
            "bad_discount": pl.col("bad_discount"),
            "zero_price": ~pl.col("paid_something") | (pl.col("refund") & (pl.col("amount_minor") == 0)),
            "too_large": (pl.col("amount_minor") > _LARGEST_MINOR)
            | (pl.col("discount_minor") > _LARGEST_MINOR),
            "too_long": pl.any_horizontal(too_long),
            "letters_lost": self._letters_lost(lines),
        }
        first: pl.Expr = pl.lit(None, pl.String)
        for reason, condition in reversed(faults.items()):
            first = pl.when(condition).then(pl.lit(reason)).otherwise(first)
        return first.alias("fault")

    def _is_of_another_currency(self) -> pl.Expr:
        told = values.currency_code(pl.col("currency"))
        is_named = told.is_not_null() & (told != self.currency) if self.currency else pl.lit(value=False)
        return pl.col("other_currency") | is_named

    def _letters_lost(self, lines: pl.DataFrame) -> pl.Expr:
        if not self.known.is_damaged:
            return pl.lit(value=False)
        texts = [name for name in _LENGTHS if name in self.known.column and lines.schema[name] == pl.String]
        return pl.any_horizontal(pl.col(name).str.contains("\ufffd", literal=True) for name in texts)

    def _stage(self, good: pl.DataFrame) -> dict[str, pl.DataFrame]:
        stores = self.store_ids(set(good["store"].unique().to_list())) if len(good) else {}
        utc = values.instant(pl.col("wall"), self.zone.key)
        good = good.with_columns(
            store_id=pl.col("store").replace_strict(stores, return_dtype=pl.Int64, default=None),
            customer_key=pl.concat_str(
                pl.col("store"), *(pl.col(kind).fill_null("") for kind in _STAGE_KINDS), separator=_SEPARATOR
            ),
            placed_us=utc.dt.epoch("us"),
            wall_us=pl.col("wall").dt.epoch("us"),
            day=utc.dt.convert_time_zone(self.zone.key).dt.date().cast(pl.Int32),
        ).with_columns(
            # The record keeps what was seen last; a refund tells less than any order.
            seen_us=pl.when(~pl.col("refund")).then(pl.col("placed_us"))
        )
        line_columns: list[str | pl.Expr] = [
            pl.col("line").alias("line_number"), "store_id", "order_code", "customer_key", "product_code",
            pl.col("line_number").alias("line_key"), "quantity_milli", "amount_minor", "discount_minor",
            "placed_us", "wall_us", "day",
        ]  # fmt: skip
        return {
            "stage_line": good.filter(~pl.col("refund")).select(
                *line_columns,
                "status",
                "coupon_code",
                "order_discount_minor",
                "order_refunded_minor",
                "company",
            ),
            "stage_refund": good.filter("refund").select(line_columns),
            "stage_customer": good.group_by(
                "customer_key", "store_id", *_STAGE_KINDS, "customer_name", "country"
            )
            .agg(pl.col("seen_us").max())
            .select("customer_key", "store_id", *_STAGE_KINDS, "customer_name", "country", "seen_us"),
            "stage_product": good.group_by(
                "store_id", "product_code", "product_name", "category", "brand", "pack_size"
            )
            .agg(pl.col("seen_us").max())
            .select("store_id", "product_code", "product_name", "category", "brand", "pack_size", "seen_us"),
        }

    def _rejects(self, batch: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
        blamed = {reason: self._blamed(reason) for reason in REASONS}
        inner = lines["fault"].replace_strict(blamed, return_dtype=pl.String, default="")
        return rejects(batch, lines["line"], lines["fault"], inner, header=self.known.header)

    def _blamed(self, reason: str) -> str:
        """Return the inner column that a reason points at."""
        column: Dict[str, str] = self.known.column
        identifier = next(column[kind] for kind in _STAGE_KINDS if kind in column)
        price = column.get("amount") or column["unit_price"]
        return {
            **BEYOND,
            "no_customer": identifier, "masked_customer": identifier, "several_customers": identifier,
            "digits_lost": identifier,
            "several_statuses": column.get("status", ""), "unknown_status": column.get("status", ""),
            "unclear_order": column.get("order_discount") or column.get("order_refunded", ""),
            "duplicate_line": column.get("line_number", ""),
            "no_product": column.get("product_code") or column.get("product_name", ""),
            "bad_date": column["placed_at"], "future_date": column["placed_at"],
            "bad_quantity": column.get("quantity", ""), "zero_quantity": column.get("quantity", ""),
            "other_currency": column.get("currency", price),
            "bad_price": price, "zero_price": price, "too_large": price,
            "bad_discount": self.known.discounts[0] if self.known.discounts else "",
        }.get(reason, column["order_code"])  # fmt: skip
