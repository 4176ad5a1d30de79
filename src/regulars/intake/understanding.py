"""The first reading of a file: find out from all of it what single lines cannot tell.

How dates are written, what marks the decimals, whether ids went through a spreadsheet as 17850.0, what the
status column says, which orders have lines that disagree. What is not certain is asked, never guessed.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import ClassVar

import polars as pl

from regulars.intake import values
from regulars.intake.files import Table
from regulars.intake.headers import NOT_CANCELLED, REFUNDED_WORDS, STATUS_OF, plain
from regulars.intake.judging import DIGITS_LOST
from regulars.intake.kinds.fields import IDENTIFIERS
from regulars.intake.kinds.orders import ORDERS
from regulars.intake.mapping import Mapping
from regulars.kernel.errors import RegularsError

_MOST_WORDS = 100


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One answer: what to put into the mapping, and an example of what it would mean."""

    value: str | list[str] | dict[str, str] | dict[str, dict[str, str]]
    example: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """Something that the file does not say, to be set in the mapping's part `part`; of one `word` of the column.

    `is_contradictory` where the file says both: some of its lines will be refused, whatever the answer.
    """

    part: str
    column: str
    text: str
    word: str = ""
    choices: tuple[Choice, ...] = ()
    is_contradictory: bool = False


class NeedsAnswerError(RegularsError):
    """The file can be read in more ways than one; `questions` says which."""

    code: ClassVar[str] = "needs_answer"

    def __init__(self, questions: Sequence[Question]) -> None:
        super().__init__(
            " ".join(question.text for question in questions), questions=[asdict(one) for one in questions]
        )
        self.questions = tuple(questions)


@dataclass(frozen=True, kw_only=True)
class Understanding:
    """Everything that is needed to read the file line by line.

    Attributes:
        mapping: With formats, decimal mark and status values filled in.
        header: The file's column names.
        column: Inner column (`c3`) by field; `told <field>` of one that is the same for the whole file.
        discounts: Inner columns of discounts.
        whole: Fields whose ids end in `.0`, all of them.
        doubtful: Orders whose lines disagree, or leave out what another line tells; one row an order with
            `store`, `order_code`, a value for each identifier, `status`, `several_customers`,
            `several_statuses`.
        repeated: (`store`, `order_code`, `line_number`, `first_line`) of line numbers that stand twice.
        totals: Orders with something that stands once for all their lines; one row an order with `store`, `order_code`,
            `order_discount` and `order_refunded` in millionths, `order_currency`, `is_cancelled`, and `unclear` where no number stands or two.
        lines: How many rows the file has, empty ones included.
        is_damaged: Whether letters were lost before the file came to us.
    """

    mapping: Mapping
    header: tuple[str, ...]
    column: dict[str, str]
    discounts: tuple[str, ...]
    whole: frozenset[str]
    doubtful: pl.DataFrame
    repeated: pl.DataFrame
    totals: pl.DataFrame
    lines: int
    is_damaged: bool = False

    def constants(self) -> list[pl.Expr]:
        """Return a column for each field that is the same for the whole file."""
        return _constants(self.mapping)

    def code(self, name: str, dtype: pl.DataType) -> pl.Expr:
        """Return the texts of a code or identifier field."""
        return _code(name, pl.col(self.column[name]), dtype, is_whole=name in self.whole)


@dataclass(frozen=True, kw_only=True)
class _Source:
    """A file with its inner columns by field."""

    rows: pl.LazyFrame
    schema: pl.Schema
    column: dict[str, str]
    discounts: tuple[str, ...]
    mapping: Mapping

    def codes(self) -> list[str]:
        """Return the fields of codes that have a column."""
        return [name for name in self.mapping.the_kind.names("code") if name in self.column]

    def numbers(self) -> list[str]:
        """Return the fields of numbers that have a column."""
        kind = self.mapping.the_kind
        return [name for name in kind.names("quantity", "money", "number") if name in self.column]


def _code(name: str, column: pl.Expr, dtype: pl.DataType, *, is_whole: bool) -> pl.Expr:
    cell = values.code(column, dtype)
    if is_whole:
        cell = cell.str.replace(r"\.0+$", "")
    if name == "email":
        cell = cell.str.to_lowercase()
    if name == "phone":
        digits = cell.str.normalize("NFKC").str.replace_all(r"[\s().\-]", "").str.replace(r"^00", "+")
        cell = pl.when(cell.str.contains(DIGITS_LOST)).then(cell).otherwise(digits)
    return cell


def understand(table: Table, mapping: Mapping, *, zone: str) -> Understanding:
    """Read the whole file once, in a stream, and complete the mapping.

    Args:
        table: The open file.
        mapping: What is known of its columns.
        zone: The business's time zone.

    Raises:
        NeedsAnswerError: Dates, decimals or status values are not certain.
        UnknownColumnError: The mapping names a column that is not there.
        IncompleteMappingError: Something that every line needs is not mapped.
    """
    mapping.check(table.header)
    position = {name: f"c{i}" for i, name in enumerate(table.header)}
    rows = table.rows.with_columns(_constants(mapping))
    source = _Source(
        rows=rows,
        schema=rows.collect_schema(),
        column={name: position[of] for name, of in mapping.columns.items()}
        | {name: _told(name) for name in mapping.constants},
        discounts=tuple(position[of] for of in mapping.discounts),
        mapping=mapping,
    )
    lines, whole = _codes(source)
    decimal = mapping.decimal or _decimal(source)
    questions: list[Question] = []
    is_told = mapping.the_kind.moment in mapping.constants
    formats = (() if is_told else mapping.date_formats) or _date_formats(source, zone, questions)
    if not decimal:
        questions.append(_decimal_question(source))
    statuses, words = _statuses(source, questions), _words(source, questions)
    if questions:
        raise NeedsAnswerError(questions)
    known = Understanding(
        mapping=mapping.with_answers(
            date_formats=tuple(formats), decimal=decimal, status_values=statuses, words=words
        ),
        header=table.header,
        column=source.column,
        discounts=source.discounts,
        whole=whole,
        doubtful=pl.DataFrame(),
        repeated=pl.DataFrame(),
        totals=pl.DataFrame(),
        lines=lines,
        is_damaged=table.is_damaged,
    )
    if mapping.the_kind is not ORDERS:
        return known
    return _with_disagreements(known, table.rows, source.schema)


def _told(name: str) -> str:
    return f"told {name}"


def _constants(mapping: Mapping) -> list[pl.Expr]:
    return [pl.lit(value.strip()).alias(_told(name)) for name, value in mapping.constants.items()]


def _codes(source: _Source) -> tuple[int, frozenset[str]]:
    """Return the row count, and the fields of ids that went through a spreadsheet as floats, all of them."""
    texts = [name for name in source.codes() if source.schema[source.column[name]] == pl.String]
    ends = [pl.col(source.column[name]).str.ends_with(".0").any().alias(name) for name in texts]
    seen = source.rows.select(pl.len().alias("lines"), *ends).collect(engine="streaming").row(0, named=True)
    suspects = {
        name: values.code(pl.col(source.column[name]), pl.String())
        .str.contains(r"^\d+(\.0+)?$")
        .all()
        .alias(name)
        for name in texts
        if seen[name]
    }
    if not suspects:
        return seen["lines"], frozenset()
    verdict = source.rows.select(*suspects.values()).collect(engine="streaming").row(0, named=True)
    return seen["lines"], frozenset(name for name in suspects if verdict[name])


def _decimal(source: _Source) -> str:
    texts = [
        one
        for one in (*(source.column[name] for name in source.numbers()), *source.discounts)
        if source.schema[one] == pl.String
    ]
    if not texts:
        return "."
    distinct = pl.collect_all(
        [source.rows.select(pl.col(one).unique().alias("cell")) for one in texts], engine="streaming"
    )
    return values.decimal_mark(pl.concat(distinct)["cell"].drop_nulls())


def _decimal_question(source: _Source) -> Question:
    numbers = sorted(source.numbers(), key=lambda name: name == "quantity")
    column = source.mapping.columns[numbers[0]] if numbers else source.mapping.discounts[0]
    return Question(
        part="decimal",
        column=column,
        text="All numbers look like 1,234 or 1.234: is the mark a decimal mark or does it group thousands?",
        choices=(
            Choice(
                value=".", example="1,234 is one thousand two hundred and thirty-four; 1.234 is 1 and a bit"
            ),
            Choice(
                value=",", example="1.234 is one thousand two hundred and thirty-four; 1,234 is 1 and a bit"
            ),
        ),
    )


def date_cells(frame: pl.DataFrame, column: dict[str, str], moment: str) -> pl.Series:
    """Return the cells that say when, date and time put together where they stand apart."""
    date = column[moment]
    if "placed_time" not in column:
        return frame[date]
    time = column["placed_time"]
    parts = [
        values.text(pl.col(one), frame.schema[one]).str.replace(r" 00:00:00(\.0+)?$", "")
        for one in (date, time)
    ]
    return frame.select(pl.concat_str(parts, separator=" ").alias("cell"))["cell"]


def _date_formats(source: _Source, zone: str, questions: list[Question]) -> Sequence[str]:
    moment = source.mapping.the_kind.moment
    needed = [source.column[name] for name in (moment, "placed_time") if name in source.column]
    if moment not in source.column or (len(needed) == 1 and source.schema[needed[0]].is_temporal()):
        return ()
    cells = source.rows.select(needed).unique().collect(engine="streaming")
    dates = date_cells(cells, source.column, moment)
    if dates.dtype.is_numeric():
        form = _number_format(dates)
        if form or not dates.count():
            return (form,) if form else ()
        dates = dates.cast(pl.String)
    return _written_formats(dates, source.mapping.columns.get(moment, moment), zone, questions)


def _written_formats(dates: pl.Series, name: str, zone: str, questions: list[Question]) -> Sequence[str]:
    """Return the formats that read the column's texts, or ask where days and months cannot be told apart."""
    groups = values.groups_of_formats(dates, zone)
    best = max((group.read for group in groups), default=0)
    leading = [group for group in groups if group.read == best]
    if any(group.is_doubtful for group in leading):
        leading = [group for group in groups if group.is_doubtful]
    if len(leading) == 1:
        return leading[0].formats
    if not leading:
        numbers = dates.cast(pl.Float64, strict=False).drop_nulls()
        form = _number_format(numbers) if len(numbers) * 2 > dates.count() else ""
        if not form and dates.count():
            text = (
                f"No date format reads column {name!r}, for example {dates.drop_nulls().head(1).to_list()}."
            )
            questions.append(Question(part="date_formats", column=name, text=text))
        return (form,) if form else ()
    is_contradictory = any(group.is_doubtful for group in leading)
    text = (
        f"In column {name!r} some dates can only be read day first and others only month first. "
        "Lines with the others will be refused."
        if is_contradictory
        else f"In column {name!r} every date can be read day first or month first."
    )
    questions.append(
        Question(
            part="date_formats",
            column=name,
            text=text,
            is_contradictory=is_contradictory,
            choices=tuple(Choice(value=list(group.formats), example=group.example) for group in leading),
        )
    )
    return ()


def _number_format(numbers: pl.Series) -> str:
    low, high = numbers.min(), numbers.max()
    if low is None or high is None:
        return ""
    return values.number_format_of_dates(float(str(low)), float(str(high))) or ""


def _statuses(source: _Source, questions: list[Question]) -> dict[str, str]:
    if "status" not in source.column:
        return {}
    found = _distinct(source, "status")
    told = {plain(word): status for word, status in source.mapping.status_values.items()}
    has_refunds = "order_refunded" in source.column
    statuses: dict[str, str] = {}
    for word in found:
        is_paid = has_refunds and plain(word) in REFUNDED_WORDS
        status = told.get(plain(word)) or ("paid" if is_paid else STATUS_OF.get(plain(word)))
        if status:
            statuses[word] = status
        else:
            name = source.mapping.columns["status"]
            questions.append(
                Question(
                    part="status_values",
                    column=name,
                    word=word,
                    text=f"Column {name!r} says {word!r}: is such an order paid, waiting for payment, or cancelled?",
                    choices=tuple(
                        Choice(value={word: status}, example=status)
                        for status in ("paid", "pending", "cancelled")
                    ),
                )
            )
    return statuses


def _distinct(source: _Source, name: str) -> list[str]:
    cell = values.text(pl.col(source.column[name]), source.schema[source.column[name]])
    found = source.rows.select(cell.alias("cell")).unique().head(_MOST_WORDS).collect(engine="streaming")
    return sorted(found["cell"].drop_nulls().to_list())


def _words(source: _Source, questions: list[Question]) -> dict[str, dict[str, str]]:
    """Return what the words of a file mean, for every field of a few words but the status of orders."""
    found: dict[str, dict[str, str]] = {}
    for one in source.mapping.the_kind.fields:
        if not one.choices or one.name not in source.column:
            continue
        known = {plain(word): meaning for meaning, words in one.choices.items() for word in (meaning, *words)}
        told = {plain(word): meaning for word, meaning in source.mapping.words.get(one.name, {}).items()}
        meanings = found.setdefault(one.name, {})
        for word in _distinct(source, one.name):
            meaning = told.get(plain(word)) or known.get(plain(word))
            if meaning:
                meanings[word] = meaning
                continue
            name = source.mapping.columns[one.name]
            questions.append(
                Question(
                    part="words",
                    column=name,
                    word=word,
                    text=f"Column {name!r} says {word!r}: what does it mean?",
                    choices=tuple(
                        Choice(value={one.name: {word: choice}}, example=choice) for choice in one.choices
                    ),
                )
            )
    return found


def _with_disagreements(known: Understanding, rows: pl.LazyFrame, schema: pl.Schema) -> Understanding:
    """Find the orders whose lines do not agree on the customer or the status, and line numbers used twice."""
    kinds = [kind for kind in IDENTIFIERS if kind in known.column]
    named = [*kinds, *(["status"] if "status" in known.column else [])]
    cells = rows.select(
        order_code=known.code("order_code", schema[known.column["order_code"]]),
        store=values.text(pl.col(known.column["store"]), schema[known.column["store"]])
        if "store" in known.column
        else pl.lit(""),
        **{kind: known.code(kind, schema[known.column[kind]]) for kind in kinds},
        **(
            {
                "status": values.text(
                    pl.col(known.column["status"]), schema[known.column["status"]]
                ).replace_strict(known.mapping.status_values, default=None, return_dtype=pl.String)
            }
            if "status" in named
            else {}
        ),
    ).filter(pl.col("order_code").is_not_null())
    differs = [pl.col(name).max() != pl.col(name).min() for name in named]
    partly = [pl.col(name).null_count().is_between(1, pl.len() - 1) for name in named]
    doubtful = (
        cells.group_by("store", "order_code")
        .agg(
            *(pl.col(name).min() for name in named),
            several_customers=pl.any_horizontal(
                [differs[i].fill_null(value=False) for i in range(len(kinds))]
            ),
            several_statuses=differs[-1].fill_null(value=False) if "status" in named else pl.lit(value=False),
            partly=pl.any_horizontal(partly),
        )
        .filter(pl.col("several_customers") | pl.col("several_statuses") | pl.col("partly"))
        .drop("partly")
        .collect(engine="streaming")
    )
    return replace(
        known, doubtful=doubtful, repeated=_repeated(known, rows, schema), totals=_totals(known, rows, schema)
    )


def _totals(known: Understanding, rows: pl.LazyFrame, schema: pl.Schema) -> pl.DataFrame:
    """Find what stands once for all lines of an order, in whichever of them, and whether they agree on it.

    Of a discount counts what was taken off goods: where the file tells what they cost in the end, the rest was taken off
    something else, as shipping is, or is told by the lines already.
    """
    column = known.column
    amounts = [name for name in ("order_discount", "order_refunded") if name in column]
    if not amounts and "cancelled_at" not in column:
        return pl.DataFrame()

    def text(name: str) -> pl.Expr:
        return values.text(pl.col(column[name]), schema[column[name]])

    def number(inner: str) -> pl.Expr:
        read = partial(values.micro, decimal=known.mapping.decimal)
        return pl.col(inner).map_batches(read, return_dtype=pl.Int64, is_elementwise=True).abs()

    has_subtotal = {"order_discount", "order_subtotal"} <= set(column)
    cells = rows.select(
        store=text("store") if "store" in column else pl.lit(""),
        order_code=known.code("order_code", schema[column["order_code"]]),
        is_cancelled=~text("cancelled_at").str.contains(NOT_CANCELLED) if "cancelled_at" in column else pl.lit(value=False),
        no_number=pl.any_horizontal(
            pl.lit(value=False), *(text(name).is_not_null() & number(column[name]).is_null() for name in amounts)
        ),
        **{name: number(column[name]) for name in amounts},
        **({"order_currency": text("currency")} if "currency" in column else {}),
        **(
            {"order_subtotal": number(column["order_subtotal"]), "whole": _worth(known, number)}
            if has_subtotal
            else {}
        ),
    ).filter(pl.col("order_code").is_not_null())  # fmt: skip
    totals = cells.group_by("store", "order_code").agg(
        *(pl.col(name).max().fill_null(0) for name in amounts),
        *([pl.col("order_subtotal").max(), pl.col("whole").sum()] if has_subtotal else []),
        # Of orders of which every line has its own nothing is told.
        *(
            [pl.when(pl.col("order_currency").is_null().any()).then(pl.col("order_currency").max())]
            if "currency" in column
            else []
        ),
        is_cancelled=pl.col("is_cancelled").any(),
        unclear=pl.any_horizontal(
            pl.col("no_number").any(), *(pl.col(name).max() != pl.col(name).min() for name in amounts)
        ).fill_null(value=False),
    )
    if has_subtotal:
        beyond = (pl.col("whole") - pl.col("order_subtotal")).clip(lower_bound=0)
        totals = totals.with_columns(order_discount=pl.min_horizontal("order_discount", beyond))
    speaks = [pl.col(name) > 0 for name in amounts]
    told = [*amounts, "is_cancelled", "unclear"]
    if "currency" in column:
        speaks.append(pl.col("order_currency").is_not_null())
        told.append("order_currency")
    return (
        totals.filter(pl.any_horizontal("is_cancelled", "unclear", *speaks))
        .select("store", "order_code", *told)
        .collect(engine="streaming")
    )


def _worth(known: Understanding, number: Callable[[str], pl.Expr]) -> pl.Expr:
    """Return what each line costs after its own discounts, in millionths."""
    column = known.column
    if "amount" in column:
        return number(column["amount"])
    quantity = number(column["quantity"]) if "quantity" in column else pl.lit(values.MICRO, pl.Int64)
    price = number(column["unit_price"])
    whole = (quantity.cast(pl.Int128) * price.cast(pl.Int128) // values.MICRO).cast(pl.Int64)
    return whole - pl.sum_horizontal(
        pl.lit(0, pl.Int64), *(number(one).fill_null(0) for one in known.discounts)
    )


def _repeated(known: Understanding, rows: pl.LazyFrame, schema: pl.Schema) -> pl.DataFrame:
    if "line_number" not in known.column:
        return pl.DataFrame()
    keys = {name: known.code(name, schema[known.column[name]]) for name in ("order_code", "line_number")}
    store = known.column.get("store")
    return (
        rows.select("line", store=values.text(pl.col(store), schema[store]) if store else pl.lit(""), **keys)
        .drop_nulls()
        .group_by("store", "order_code", "line_number")
        .agg(first_line=pl.col("line").min(), times=pl.len())
        .filter(pl.col("times") > 1)
        .drop("times")
        .collect(engine="streaming")
    )
