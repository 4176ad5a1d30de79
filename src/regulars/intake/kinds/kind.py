"""What a kind of file is: its fields, what a line cannot do without, and how lines become part of the record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from django.utils.functional import Promise

# code: told apart letter by letter. word: one of a few, said in many words. quantity, money, moment: exact numbers.
Form = Literal["code", "text", "word", "quantity", "money", "number", "moment", "time", "json", "ip"]
Label = str | Promise


@dataclass(frozen=True, kw_only=True)
class Field:
    """One thing that a line may say.

    Attributes:
        name: Ours, and in a stage the column's: `<name>_milli` of a quantity, `<name>_minor` of money,
            `<name>_us` (UTC) and `<name>_day` of a moment.
        words: What merchants' systems call it, in English and Chinese, the surest first.
        label: What pages call it.
        note: What a person who matches columns should know.
        longest: Letters that the record can hold.
        choices: Of a word: what a file may say, by what it means.
        is_tellable: Whether it may be the same for all of a file, and be told once instead of by a column.
        is_guessed: Whether its words may begin or end a longer name, as in `Email (Billing)`.
    """

    name: str
    form: Form
    words: tuple[str, ...]
    label: Label
    note: Label = ""
    longest: int = 200
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_tellable: bool = False
    is_guessed: bool = False


@dataclass(frozen=True, kw_only=True)
class Step:
    """One statement of a merge, run on `stage_row` (and `staged_customer`, where the kind has customers).

    Attributes:
        sql: With `%(kind)s` and `%(now)s` where it wants them.
        counts: What the number of rows it wrote (or the count it selects) is added to: `rows_added`, `rows_changed`;
            "" to count nothing. A statement that selects line numbers to be refused names the reason in `refuses`.
        refuses: The reason of the lines that the statement selects; it must have taken them from the stage.
    """

    sql: str
    counts: str = ""
    refuses: str = ""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of file. Everything there is to know of it stands in its own module.

    Attributes:
        name: As commands and programs say it.
        label: What pages call the file: "Customers".
        thing: What pages call one accepted line: "customer".
        note: What such a file is and where it comes from.
        fields: In the order of pages.
        main: The fields that most files have; pages fold away the others.
        needs: Groups of fields, of which any one must have a column.
        fills: Fields that must not be empty on a line, beyond those of a group of one.
        moment: The field that says when, or "".
        takes_customers: Whether lines name customers, and unknown ones are added to the record.
        keeps_rest: Whether columns that no field takes are kept with the line as properties.
        merge: How `stage_row` becomes part of the record; empty for order lines, which have a reader of their own.
        matches_refunds: Whether refunds must be matched to orders afterwards.
        takes_attributes: Whether lines may say the attributes that the merchant defined, and tags.
        takes_consents: Whether its merge leaves `staged_consent` for the ledger.
        can_undo: Whether an import of it can be taken back.
        reasons: Why a line may be refused beyond what holds for all kinds, in words.
    """

    name: str
    label: Label
    thing: Label
    note: Label
    fields: tuple[Field, ...]
    main: tuple[str, ...]
    needs: tuple[tuple[str, ...], ...]
    fills: tuple[str, ...] = ()
    moment: str = ""
    takes_customers: bool = False
    keeps_rest: bool = False
    merge: Sequence[Step] = ()
    matches_refunds: bool = False
    takes_attributes: bool = False
    takes_consents: bool = False
    can_undo: bool = True
    reasons: Mapping[str, Label] = field(default_factory=dict)

    def field(self, name: str) -> Field:
        """Return a field by its name."""
        return next(one for one in self.fields if one.name == name)

    def names(self, *forms: Form) -> tuple[str, ...]:
        """Return the names of the fields, of some forms or of all."""
        return tuple(one.name for one in self.fields if not forms or one.form in forms)
