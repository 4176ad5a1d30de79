"""Which column of a file fills which field of the record."""

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Dict
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import ClassVar, Self

from django.utils.translation import gettext

from regulars.intake.headers import LINE_TOTALS, ORDER_TOTALS, plain
from regulars.intake.kinds import kind_named
from regulars.intake.kinds.fields import SHARED
from regulars.intake.kinds.kind import Field, Kind
from regulars.intake.kinds.orders import ORDERS
from regulars.intake.presets import Preset, presets_of
from regulars.kernel.errors import RegularsError

VERSION = 1
STATUSES = ("paid", "pending", "cancelled")
# Below this a proposed column is shown, but a person should look at it.
SURE = 0.8


class InvalidMappingError(RegularsError):
    """The mapping is not one: an unknown field, a column twice, a value out of its choices."""

    code: ClassVar[str] = "invalid_mapping"


class UnknownColumnError(RegularsError):
    """The mapping names a column that the file does not have."""

    code: ClassVar[str] = "unknown_column"


class IncompleteMappingError(RegularsError):
    """The mapping leaves out what every order line needs."""

    code: ClassVar[str] = "incomplete_mapping"


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """How to read a file; what is empty is found out from the whole file.

    Attributes:
        kind: What kind of file it is, of `kinds.KINDS`.
        columns: Column name by field of the kind.
        attributes: Column name by attribute that the merchant defined, for kinds that take them.
        constants: By field that has no column, what holds for every line; a moment as ISO 8601.
        discounts: Columns that add up to the discount of a line.
        words: By field of a few words, what the file's words mean.
        status_values: `paid`, `pending` or `cancelled` by what the status column says.
        refund_prefix: Order numbers that begin with it are refunds, beside lines with a negative quantity or
            amount.
        date_formats: `strptime` formats, or `excel`, `epoch`, `epoch_ms`, `epoch_us`.
        decimal: "." or ",".
        encoding: Of a text file.
        sheet: Of a workbook, or the member of a zip.
        currency: The file's currency; it must be the business's base currency.

    Discounts, status values and refund prefix are for order lines only. `amount` is what was paid for the whole line after discounts; `unit_price` is for one piece before them.
    Without a quantity column each line is one piece; without product columns each order is one product.
    """

    version: int = VERSION
    kind: str = ORDERS.name
    columns: Dict[str, str]
    attributes: Dict[str, str] = field(default_factory=dict)
    constants: Dict[str, str] = field(default_factory=dict)
    discounts: tuple[str, ...] = ()
    words: Dict[str, Dict[str, str]] = field(default_factory=dict)
    status_values: Dict[str, str] = field(default_factory=dict)
    refund_prefix: str = ""
    date_formats: tuple[str, ...] = ()
    decimal: str = ""
    encoding: str = ""
    sheet: str = ""
    currency: str = ""

    def __post_init__(self) -> None:
        """Refuse what no file could be read with.

        Raises:
            InvalidMappingError: See the message.
            UnknownKindError: There is no such kind.
        """
        kind = self.the_kind
        if self.version != VERSION:
            message = gettext("the map is of version %(version)s, must be %(ours)s")
            raise InvalidMappingError(message % {"version": self.version, "ours": VERSION})
        for name in self.columns:
            _one_of("field", name, kind.names())
        for name, value in self.constants.items():
            _one_of("constant", name, tuple(one.name for one in kind.fields if one.is_tellable))
            _check_constant(kind.field(name), value)
            if name in self.columns:
                message = gettext("“%(name)s” has a column or one value for every line, not both")
                raise InvalidMappingError(message % {"name": name})
        if self.attributes and not kind.takes_attributes:
            message = gettext("a file of “%(kind)s” holds no attributes")
            raise InvalidMappingError(message % {"kind": kind.label})
        _one_of("decimal", self.decimal, ("", ".", ","))
        for status in self.status_values.values():
            _one_of("status", status, STATUSES)
        for name, meanings in self.words.items():
            _one_of("field of words", name, kind.names("word"))
            for meaning in meanings.values():
                _one_of(name, meaning, tuple(kind.field(name).choices))

    @property
    def the_kind(self) -> Kind:
        """What kind of file the mapping is for."""
        return kind_named(self.kind)

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Return the mapping that a JSON object describes.

        Raises:
            InvalidMappingError: It describes none.
        """
        if not isinstance(value, dict) or not isinstance(value.get("columns"), dict):
            raise InvalidMappingError(gettext('a map is a JSON object with "columns": {field: column}'))
        known = {name: value[name] for name in cls.__dataclass_fields__ if name in value}
        if unknown := sorted(set(value) - set(known)):
            message = gettext("“%(name)s” is no part of a map; the parts are %(names)s")
            names = ", ".join(cls.__dataclass_fields__)
            raise InvalidMappingError(message % {"name": unknown[0], "names": names})
        for name, part in known.items():
            if not _is_shaped(part, _SHAPES.get(name, str)):
                message = gettext("%(name)s is %(value)s, which is not what a map holds there")
                raise InvalidMappingError(message % {"name": name, "value": repr(part)})
        for name in ("discounts", "date_formats"):
            if name in known:
                known[name] = tuple(known[name])
        return cls(**known)

    def to_json(self) -> dict[str, object]:
        """Return the mapping as a JSON object."""
        return {**asdict(self), "discounts": list(self.discounts), "date_formats": list(self.date_formats)}

    def with_answers(self, **answers: object) -> Self:
        """Return the mapping with some of its parts set."""
        return replace(self, **answers)  # type: ignore[arg-type]

    def with_constants(self, told: Dict[str, str]) -> Self:
        """Return the mapping with what holds for every line; a column of such a field no longer counts."""
        columns = {name: column for name, column in self.columns.items() if name not in told}
        return self.with_answers(columns=columns, constants={**self.constants, **told})

    def for_other_files(self) -> Self:
        """Return what of the mapping holds for files like this one: not the moment that was told for all of it."""
        lasting = {name: value for name, value in self.constants.items() if name != self.the_kind.moment}
        return self.with_answers(constants=lasting)

    def check(self, header: Sequence[str]) -> None:
        """Make sure that the mapping can be used on a file with this header.

        Raises:
            UnknownColumnError: A column is not in the header.
            IncompleteMappingError: Something that every line needs is missing.
        """
        for name in self.used():
            if name not in header:
                message = gettext("there is no column “%(name)s”; the file has: %(names)s")
                raise UnknownColumnError(message % {"name": name, "names": ", ".join(header)}, column=name)
        if missing := self.missing():
            message = gettext("the map needs a column for each of: %(names)s")
            raise IncompleteMappingError(message % {"names": "; ".join(missing)}, missing=list(missing))

    def used(self) -> tuple[str, ...]:
        """Return the columns that the mapping names."""
        return (*self.columns.values(), *self.discounts, *self.attributes.values())

    def missing(self) -> tuple[str, ...]:
        """Return what every line needs and neither a column nor a constant fills, in words of the fields."""
        return tuple(
            " or ".join(any_of)
            for any_of in self.the_kind.needs
            if not any(name in self.columns or name in self.constants for name in any_of)
        )

    def missing_columns(self) -> tuple[str, ...]:
        """Return what of that cannot be told once for the whole file."""
        tellable = {one.name for one in self.the_kind.fields if one.is_tellable}
        return tuple(name for name in self.missing() if name not in tellable)


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A mapping found from a header, and how sure it is.

    Attributes:
        header: The file's columns.
        mapping: What is proposed.
        confidence: By field, from 0 to 1; a discount column stands under `discount:<column>`.
        missing: What is needed and was not found.
        unmapped: Columns that nothing was found for.
        saved_map: The name of the saved map that fits this header, or "".
        preset: The platform by whose export the columns were found, or "".
        encoding: Of the text, as it was found or chosen; "" for Parquet and Excel.
        sheets: Of a workbook.
    """

    header: tuple[str, ...]
    mapping: Mapping
    confidence: Dict[str, float]
    missing: tuple[str, ...]
    unmapped: tuple[str, ...]
    saved_map: str = ""
    preset: str = ""
    encoding: str = ""
    sheets: tuple[str, ...] = ()


def propose(
    header: Sequence[str],
    sample_rows: Sequence[Dict[str, str]] = (),
    *,
    kind: Kind = ORDERS,
    saved: Iterable[tuple[str, Sequence[str], Mapping]] = (),
    by_names: bool = False,
) -> Proposal:
    """Propose a mapping for a file.

    A saved map whose header is all in this one is proposed as it was saved, the widest first; then the preset of a platform
    that the header gives away, where it finds all that is needed. Otherwise columns
    are found by their names, in English and Chinese, and by what the marketplaces and the public data sets
    call them; the sample turns down a column whose values cannot be what its name says.

    Args:
        header: The file's column names.
        sample_rows: Some rows as texts, by column name.
        kind: What kind of file it is.
        saved: Saved maps of the kind: name, header, mapping.
        by_names: Whether to go by the columns' names alone, though a saved map or a preset would fit.
    """
    known = None if by_names else _known(header, kind, saved)
    if known is not None:
        return known
    columns: dict[str, str] = {}
    confidence: dict[str, float] = {}
    discounts: list[str] = []
    ranked = sorted(
        (
            (score, -position, name, column)
            for position, column in enumerate(header)
            for name, score in _candidates(column, kind).items()
            if _plausible(name, [row[column] for row in sample_rows if row.get(column)])
        ),
        reverse=True,
    )
    taken: set[str] = set()
    for score, _, name, column in ranked:
        if column in taken:
            continue
        if name == "discount" and kind is ORDERS:
            discounts.append(column)
            confidence[f"discount:{column}"] = score
        elif name not in columns:
            columns[name] = column
            confidence[name] = score
        else:
            continue
        taken.add(column)
    discounts.sort(key=header.index)
    names = {plain(name) for name in header}
    if any(
        system in names and plain(columns.get("unit_price", "")) == total
        for system, total in LINE_TOTALS.items()
    ):
        columns["amount"], confidence["amount"] = columns.pop("unit_price"), confidence.pop("unit_price")
    if "unit_price" in columns and plain(columns.get("amount", "")) in ORDER_TOTALS:
        # An order's total stands on each of its lines: with a price for the piece it would count too often.
        del columns["amount"], confidence["amount"]
    return _proposal(header, Mapping(kind=kind.name, columns=columns, discounts=tuple(discounts)), confidence)


def _known(
    header: Sequence[str], kind: Kind, saved: Iterable[tuple[str, Sequence[str], Mapping]]
) -> Proposal | None:
    """Return what a saved map or a platform's preset says of such a header, or None."""
    for name, known_header, mapping in sorted(saved, key=lambda one: -len(one[1])):
        if set(known_header) <= set(header):
            sure = dict.fromkeys((*mapping.columns, *(f"discount:{one}" for one in mapping.discounts)), 1.0)
            return _proposal(header, mapping, sure, saved_map=name)
    fitting = (propose_as(one, header) for one in presets_of(kind.name) if one.fits(header))
    return next((found for found in fitting if not found.mapping.missing_columns()), None)


def propose_as(preset: Preset, header: Sequence[str]) -> Proposal:
    """Propose the mapping of a platform's export, as far as the file has its columns."""
    columns, discounts = preset.matched(header)
    sure = dict.fromkeys((*columns, *(f"discount:{one}" for one in discounts)), 1.0)
    constants = {name: value for name, value in preset.constants.items() if name not in columns}
    mapping = Mapping(kind=preset.kind, columns=columns, discounts=discounts, constants=constants)
    return replace(_proposal(header, mapping, sure), preset=preset.name)


def propose_attributes(found: Proposal, attributes: Dict[str, Sequence[str]]) -> Proposal:
    """Add the merchant's own attributes to a proposal: columns left over that are called as an attribute is.

    Args:
        found: What was proposed without them.
        attributes: What each is called, by its name in data.
    """
    mapping = found.mapping
    taken = dict(mapping.attributes)
    for name, words in attributes.items():
        called = {plain(word) for word in (name, *words) if word}
        column = next((one for one in found.unmapped if plain(one) in called), None)
        if name not in taken and column is not None and column not in taken.values():
            taken[name] = column
    named = mapping.with_answers(attributes=taken)
    unmapped = tuple(one for one in found.unmapped if one not in taken.values())
    return replace(found, mapping=named, unmapped=unmapped)


def propose_map(mapping: Mapping, header: Sequence[str], *, saved_map: str) -> Proposal:
    """Propose a saved map, as far as the file has its columns."""
    here = mapping.with_answers(
        columns={name: column for name, column in mapping.columns.items() if column in header},
        discounts=tuple(column for column in mapping.discounts if column in header),
        attributes={name: column for name, column in mapping.attributes.items() if column in header},
    )
    return _proposal(header, here, dict.fromkeys(here.columns, 1.0), saved_map=saved_map)


def _proposal(
    header: Sequence[str], mapping: Mapping, confidence: Dict[str, float], saved_map: str = ""
) -> Proposal:
    used = mapping.used()
    return Proposal(
        header=tuple(header),
        mapping=mapping,
        confidence=confidence,
        missing=mapping.missing(),
        unmapped=tuple(name for name in header if name not in used),
        saved_map=saved_map,
    )


def _candidates(column: str, kind: Kind) -> dict[str, float]:
    name = plain(column)
    scores: dict[str, float] = {}
    for target in (*kind.fields, SHARED["discount"]) if kind is ORDERS else kind.fields:
        for rank, word in enumerate(map(plain, target.words)):
            if name == word:
                scores[target.name] = max(scores.get(target.name, 0), 1.0 - rank / 1_000)
            elif target.is_guessed and len(word) > 3 and (name.startswith(word) or name.endswith(word)):  # noqa: PLR2004
                scores[target.name] = max(scores.get(target.name, 0), 0.6 - rank / 1_000)
    return scores


def _plausible(name: str, values: Sequence[str]) -> bool:
    if not values:
        return True
    if name in ("order_code", "quantity", "unit_price", "amount", "discount", "line_number", "placed_at"):
        return sum(any(letter.isdigit() for letter in value) for value in values) * 2 > len(values)
    if name == "email":
        return any("@" in value for value in values)
    return True


# What each part of a mapping is in JSON; texts where nothing else stands here.
_SHAPES: Dict[str, object] = {
    "version": int, "columns": {str: str}, "attributes": {str: str}, "constants": {str: str}, "discounts": [str], "words": {str: {str: str}},
    "status_values": {str: str}, "date_formats": [str],
}  # fmt: skip


def _is_shaped(value: object, shape: object) -> bool:
    match shape:
        case {}:
            ((_key, inner),) = shape.items()
            return isinstance(value, dict) and all(
                isinstance(name, str) and _is_shaped(one, inner) for name, one in value.items()
            )
        case [inner]:
            return isinstance(value, list | tuple) and all(_is_shaped(one, inner) for one in value)
        case _:
            return isinstance(shape, type) and isinstance(value, shape)


def _one_of(what: str, value: object, choices: Sequence[str]) -> None:
    if value not in choices:
        message = gettext("%(name)s is %(value)s, must be one of %(choices)s")
        told = {"name": what, "value": repr(value), "choices": ", ".join(map(repr, choices))}
        raise InvalidMappingError(message % told)


def _check_constant(told: Field, value: str) -> None:
    if told.choices:
        _one_of(told.name, value, tuple(told.choices))
        return
    message = gettext("%(name)s has 1 to %(longest)s characters")
    if told.form == "moment":
        message = gettext("%(name)s is a day or a moment, such as 2026-11-20 or 2026-11-20 08:30")
        try:
            datetime.fromisoformat(value)
        except ValueError:
            raise InvalidMappingError(message % {"name": told.name}) from None
    elif not 0 < len(value.strip()) <= told.longest:
        raise InvalidMappingError(message % {"name": told.name, "longest": told.longest})
