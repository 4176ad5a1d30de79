"""Judge the lines of every kind of file but orders: each line stands for itself."""

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_address
from zoneinfo import ZoneInfo

import polars as pl
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from regulars.intake import values
from regulars.intake.judging import BEYOND, DIGITS_LOST, Judged, beyond, raw_texts, rejects, without_empty
from regulars.intake.kinds.fields import IDENTIFIERS
from regulars.intake.kinds.kind import Field, Kind
from regulars.intake.understanding import Understanding, date_cells
from regulars.shop.rules import AttributeRule, InvalidAttributeValueError, attribute_value

# What can be wrong with a line of any kind, beside what the order lines' own judge knows.
ROW_REASONS: dict[str, str | Promise] = {
    "empty_field": _("a cell that must say something is empty"),
    "bad_number": _("not a number"),
    "bad_ip": _("not a network address"),
    "unknown_word": _("unknown word"),
    "bad_attribute": _("the attribute cannot have this value"),
    "bad_tag": _("a tag has 1 to 60 characters, and a customer gets at most 50 at once"),
}
_LARGEST_MINOR = 10**15
_NUMBERS = ("quantity", "money", "number")
_SEPARATOR = "\x1f"
_LONGEST_TAG, _MOST_TAGS = 60, 50
_WRITTEN_DATE = re.compile(r"(\d{4})\s*[/.\-年]\s*(\d{1,2})\s*[/.\-月]\s*(\d{1,2})")
_WRITTEN_DAY = re.compile(r"(\d{1,2})\s*月\s*(\d{1,2})")
# The customer identifiers in the order of the stage's columns.
STAGE_KINDS = ("external", "omid", "ouid", "openid", "email", "phone")
Faults = Iterator[tuple[str, str, pl.Expr]]


# How tags of one cell are divided, and the attributes of several choices.
DIVIDED = "[,;，；、|\n]"


def attribute_cell(name: str) -> str:
    """Return what the column of an attribute is called among the judge's."""
    return f"attribute {name}"


def as_told(text: str, rule: AttributeRule) -> str:
    """Return a cell as attributes are told: dates with dashes whatever stood there, amounts without marks of thousands."""
    if rule.type in ("date", "yearly"):
        if found := _WRITTEN_DATE.match(text):
            return "{:0>4}-{:0>2}-{:0>2}".format(*found.groups())
        if found := _WRITTEN_DAY.match(text):
            return "{:0>2}-{:0>2}".format(*found.groups())
    if rule.type in ("number", "money"):
        return re.sub(r"[,\s¥￥$€£元]", "", text)
    return text


def _is_broken(told: pl.Series) -> pl.Series:
    """Return which texts are no JSON that the database can hold."""

    def is_broken(text: str | None) -> bool | None:
        if text is None:
            return None
        try:
            json.loads(text, parse_constant=_refused)
        except (ValueError, RecursionError):
            return True
        return "\\u0000" in text

    return pl.Series(told.name, [is_broken(text) for text in told], dtype=pl.Boolean)


def _is_no_address(told: pl.Series) -> pl.Series:
    """Return which texts are no IPv4 or IPv6 address of one machine."""

    def is_none(text: str) -> bool:
        try:
            ip_address(text)
        except ValueError:
            return True
        return "%" in text

    return told.is_in([text for text in told.drop_nulls().unique() if is_none(text)])


def _refused(constant: str) -> float:
    raise ValueError(constant)


def stage_columns(kind: Kind) -> dict[str, str]:
    """Return the columns of `stage_row` with their PostgreSQL types."""
    columns = {
        "line_number": "bigint NOT NULL",
        "store_id": "bigint NOT NULL",
        "customer_key": 'text COLLATE "C"',
    }
    for field in kind.fields:
        columns |= dict.fromkeys(_stage_names(field), 'text COLLATE "C"')
    for field in kind.fields:
        if field.form in ("quantity", "money", "moment"):
            columns |= dict.fromkeys(_stage_names(field), "bigint")
        elif field.form == "number":
            columns[field.name] = "double precision"
        elif field.form == "json":
            columns[field.name] = "jsonb"
    if kind.keeps_rest:
        columns["rest"] = "jsonb"
    if kind.takes_attributes:
        columns["attributes"] = "jsonb"
    return columns


def _stage_names(field: Field) -> tuple[str, ...]:
    suffixes = {"quantity": ("_milli",), "money": ("_minor",), "moment": ("_us", "_day")}
    return tuple(f"{field.name}{suffix}" for suffix in suffixes.get(field.form, ("",)))


@dataclass(frozen=True, kw_only=True)
class RowJudge:
    """Judges batches of one file.

    Attributes:
        known: What the first reading found out.
        zone: The business's time zone.
        exponent: Decimals of the base currency.
        currency: The base currency; amounts of another are refused.
        now: Moments more than a day after it are refused.
        store_code: The store of lines that name none.
        store_ids: Returns the ids of stores by code, making new ones.
        attributes: The rules of the attributes that the mapping names.
    """

    known: Understanding
    zone: ZoneInfo
    exponent: int
    currency: str
    now: datetime
    store_code: str
    store_ids: Callable[[set[str]], dict[str, int]]
    attributes: Mapping[str, AttributeRule] = dataclasses.field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """What kind of file it is."""
        return self.known.mapping.the_kind

    def judge(self, batch: pl.DataFrame) -> Judged:
        """Return the batch's good lines as rows of the stage, and its bad ones with what is wrong."""
        batch = without_empty(batch)
        lines = self.understood(batch)
        bad = lines["fault"].is_not_null()
        good = lines.filter(~bad)
        return Judged(
            read=len(batch),
            stage=self._stage(good) if len(good) else {},
            rejects=self._rejects(batch.filter(bad), lines.filter(bad)),
        )

    def understood(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Return what each line says: a column a field, `wall` for the moment, and `fault` and `blamed` if it is bad."""
        batch = batch.with_columns(self.known.constants())
        lines = batch.select(
            "line",
            *beyond(batch),
            *(self._cell(batch, field) for field in self.kind.fields),
            *([self._rest(batch)] if self.kind.keeps_rest else []),
            *(self._attribute(batch, rule) for rule in self.attributes.values()),
        ).with_columns(pl.col("store").fill_null(self.store_code))
        lines = lines.with_columns(
            masked=pl.any_horizontal(
                pl.col(name).str.contains("*", literal=True) for name in IDENTIFIERS if name in lines.columns
            ).fill_null(value=False)
            if self.kind.takes_customers
            else pl.lit(value=False)
        )
        if self.kind.takes_customers:
            lines = lines.with_columns(
                pl.when(~pl.col(name).str.contains("*", literal=True)).then(pl.col(name)).alias(name)
                for name in IDENTIFIERS
            )
        lines = lines.with_columns(
            values.of_another_currency(batch[self.known.column[name]], self.currency).alias(f"{name} other")
            for name in self.kind.names("money")
            if name in self.known.column
        )
        if "company" in self.kind.names():
            lines = lines.with_columns(values.company(pl.col("company")))
        if "first_name" in self.kind.names():
            whole = values.whole_names("first_name", "last_name")
            lines = lines.with_columns(pl.coalesce("customer_name", whole))
        told = raw_texts(batch)
        lines = lines.hstack(
            [
                self._is_told(told, name).alias(f"{name} told")
                for name in self.kind.names()
                if name in self.known.column
            ]
        )
        fault, blamed = pl.lit(None, pl.String), pl.lit("")
        for reason, name, condition in reversed(list(self._faults())):
            column = name if name in BEYOND.values() else self._blamed(name)
            fault = pl.when(condition).then(pl.lit(reason)).otherwise(fault)
            blamed = pl.when(condition).then(pl.lit(column)).otherwise(blamed)
        return lines.with_columns(fault=fault, blamed=blamed)

    def raw_texts(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Return the file's own cells as texts."""
        return raw_texts(batch)

    def refused(self, batch: pl.DataFrame, reason: str) -> pl.DataFrame:
        """Return lines as rejects for a reason that showed itself only beside the record."""
        needed = next((name for name in self.kind.fills if name in self.known.column), "")
        blamed = self.known.column.get(needed, "")
        return self._rejects(batch, batch.select("line", fault=pl.lit(reason), blamed=pl.lit(blamed)))

    def _rejects(self, batch: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
        return rejects(batch, lines["line"], lines["fault"], lines["blamed"], header=self.known.header)

    def _blamed(self, name: str) -> str:
        column = self.known.mapping.attributes.get(name)
        return self.known.column.get(name, "") if column is None else self._inner(column)

    def _inner(self, column: str) -> str:
        return f"c{self.known.header.index(column)}"

    def _attribute(self, batch: pl.DataFrame, rule: AttributeRule) -> pl.Expr:
        inner = self._inner(self.known.mapping.attributes[rule.name])
        return values.text(pl.col(inner), batch.schema[inner]).alias(attribute_cell(rule.name))

    def _impossible(self, told: pl.Series, rule: AttributeRule) -> pl.Series:
        """Return which cells say something that the attribute cannot be; each text is looked at once."""
        bad = []
        for text in told.drop_nulls().unique():
            try:
                attribute_value(rule, as_told(text, rule))
            except InvalidAttributeValueError:
                bad.append(text)
        return told.is_in(bad)

    def _is_told(self, told: pl.DataFrame, name: str) -> pl.Series:
        column = self.known.column[name]
        return told.select(values.text(pl.col(column), pl.String()).is_not_null())[column]

    def _cell(self, batch: pl.DataFrame, field: Field) -> pl.Expr | pl.Series:
        column, decimal = self.known.column.get(field.name), self.known.mapping.decimal
        if column is None:
            empty: dict[str, pl.DataType] = {"moment": pl.Datetime("us")} | dict.fromkeys(
                _NUMBERS, pl.Int64()
            )
            return pl.lit(None, empty.get(field.form, pl.String())).alias(field.name)
        if field.form == "moment":
            cells = date_cells(batch, self.known.column, field.name)
            return values.wall_time(cells, self.known.mapping.date_formats, self.zone.key).alias(field.name)
        if field.form in _NUMBERS:
            return values.micro(batch[column], decimal=decimal).alias(field.name)
        if field.form == "code":
            return self.known.code(field.name, batch.schema[column]).alias(field.name)
        text = values.text(pl.col(column), batch.schema[column])
        if field.choices:
            meanings = self.known.mapping.words.get(field.name, {})
            text = (
                text.replace_strict(meanings, default=None, return_dtype=pl.String)
                if meanings
                else pl.lit(None, pl.String)
            )
        return text.alias(field.name)

    def _rest(self, batch: pl.DataFrame) -> pl.Expr:
        """Return the columns that no field takes, as JSON with the file's own types; empty cells are left out."""
        used = set(self.known.column.values())
        rest = {f"c{i}": name for i, name in enumerate(self.known.header) if f"c{i}" not in used}
        if not rest:
            return pl.lit("{}").alias("rest")
        struct = pl.struct(
            (
                values.text(pl.col(inner), pl.String()) if batch.schema[inner] == pl.String else pl.col(inner)
            ).alias(name)
            for inner, name in rest.items()
        )
        return struct.struct.json_encode().alias("rest")

    def _said(self) -> pl.Expr:
        """Return what a line says of attributes as a JSON object; one that is empty says nothing."""
        said = [
            pl.col(attribute_cell(name)).map_elements(
                partial(as_told, rule=rule), return_dtype=pl.String
            ).alias(name)
            for name, rule in self.attributes.items()
        ]  # fmt: skip
        told = pl.struct(said).struct.json_encode() if said else pl.lit("{}")
        return told.alias("attributes")

    def _faults(self) -> Faults:
        """Yield what can be wrong: reason, field, condition; the first that holds is told."""
        for reason, name in BEYOND.items():
            yield reason, name, pl.col(name).is_not_null()
        kind, known = self.kind, self.known
        if kind.takes_customers and IDENTIFIERS in kind.needs:
            nobody = pl.all_horizontal(pl.col(name).is_null() for name in IDENTIFIERS)
            first = next((name for name in STAGE_KINDS if name in known.column), "")
            yield "masked_customer", first, nobody & pl.col("masked")
            yield "no_customer", first, nobody
        for field in kind.fields:
            if field.name not in known.column:
                continue
            if field.name in kind.fills:
                yield "empty_field", field.name, ~pl.col(f"{field.name} told")
            for reason, condition in self._field_faults(field):
                yield reason, field.name, condition
            if field.name == "tags":
                tags = pl.col("tags").str.replace_all(DIVIDED, ",").str.split(",")
                yield "bad_tag", "tags", tags.list.len() > _MOST_TAGS
                yield (
                    "bad_tag",
                    "tags",
                    tags.list.eval(pl.element().str.strip_chars().str.len_chars() > _LONGEST_TAG).list.any(),
                )
        for name, rule in self.attributes.items():
            cell = pl.col(attribute_cell(name))
            yield (
                "bad_attribute",
                name,
                cell.map_batches(partial(self._impossible, rule=rule), return_dtype=pl.Boolean),
            )

    def _field_faults(self, field: Field) -> Iterator[tuple[str, pl.Expr]]:
        cell = pl.col(field.name)
        unread = pl.col(f"{field.name} told") & cell.is_null()
        if field.form == "moment":
            tomorrow = self.now.astimezone(self.zone).replace(tzinfo=None) + timedelta(days=1)
            yield "bad_date", unread
            yield "future_date", cell > tomorrow
        elif field.form in _NUMBERS:
            yield "bad_number", unread
            if field.form == "money":
                yield "other_currency", pl.col(f"{field.name} other")
                yield "too_large", cell.abs() // values.MICRO > _LARGEST_MINOR // 10**self.exponent
        elif field.choices:
            yield "unknown_word", unread
        elif field.form == "ip":
            yield "bad_ip", cell.map_batches(_is_no_address, return_dtype=pl.Boolean)
        elif field.form == "json":
            yield "too_long", cell.str.len_chars() > field.longest
            yield "not_json", cell.map_batches(_is_broken, return_dtype=pl.Boolean)
        else:
            if field.name in (*IDENTIFIERS, "order_code"):
                yield "digits_lost", cell.str.contains(DIGITS_LOST)
            yield "too_long", cell.str.len_chars() > field.longest
            if self.known.is_damaged:
                yield "letters_lost", cell.str.contains("\ufffd", literal=True)

    def _stage(self, good: pl.DataFrame) -> dict[str, pl.DataFrame]:
        stores = self.store_ids(set(good["store"].unique().to_list()))
        key = (
            pl.concat_str(
                pl.col("store"), *(pl.col(name).fill_null("") for name in STAGE_KINDS), separator=_SEPARATOR
            )
            if self.kind.takes_customers
            else pl.lit(None, pl.String)
        )
        good = good.with_columns(
            store_id=pl.col("store").replace_strict(stores, return_dtype=pl.Int64, default=None),
            customer_key=key,
        )
        cells = [cell for field in self.kind.fields for cell in self._staged(field)]
        staged = good.select(
            pl.col("line").alias("line_number"),
            "store_id",
            "customer_key",
            *cells,
            *(["rest"] if self.kind.keeps_rest else []),
            *([self._said()] if self.kind.takes_attributes else []),
        )
        stage = {"stage_row": staged}
        if self.kind.takes_customers:
            stage["stage_customer"] = self._customers(good)
        return stage

    def _staged(self, field: Field) -> list[pl.Expr]:
        """Return a field as the stage holds it: exact numbers rounded once, halves away from zero."""
        cell = pl.col(field.name)
        if field.form == "moment":
            utc = values.instant(cell, self.zone.key)
            day = utc.dt.convert_time_zone(self.zone.key).dt.date().cast(pl.Int32)
            return [utc.dt.epoch("us").alias(f"{field.name}_us"), day.alias(f"{field.name}_day")]
        if field.form == "quantity":
            return [(cell.sign() * ((cell.abs() + 500) // 1_000)).alias(f"{field.name}_milli")]
        if field.form == "money":
            unit = values.MICRO // 10**self.exponent
            return [(cell.sign() * ((cell.abs() + unit // 2) // unit)).alias(f"{field.name}_minor")]
        if field.form == "number":
            return [(cell / values.MICRO).alias(field.name)]
        return [cell]

    def _customers(self, good: pl.DataFrame) -> pl.DataFrame:
        described = [name for name in ("customer_name", "country") if name in good.columns]
        seen = (
            values.instant(pl.col(self.kind.moment), self.zone.key).dt.epoch("us")
            if self.kind.moment
            else pl.lit(None, pl.Int64)
        )
        texts = {
            name: pl.col(name) if name in described else pl.lit(None, pl.String)
            for name in ("customer_name", "country")
        }
        now_us = int(self.now.timestamp()) * values.MICRO
        return (
            good.with_columns(seen_us=seen.fill_null(now_us), **texts)
            .group_by("customer_key", "store_id", *STAGE_KINDS, "customer_name", "country")
            .agg(pl.col("seen_us").max())
            .select("customer_key", "store_id", *STAGE_KINDS, "customer_name", "country", "seen_us")
        )
