"""Read the file of an experiment that took place elsewhere: a line a customer, with the arm and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import Any, ClassVar

import polars as pl
from django.utils.translation import gettext as _

from regulars.analytics.experiments import Mean, Moments, Proportion, of_arms
from regulars.experiments.measures import Measure
from regulars.experiments.rules import LEAST_UNITS
from regulars.kernel.errors import RegularsError

MOST_BYTES = 200_000_000
_MOST_ARMS = 10
_MOST_METRICS = 20
_KEY = "customer_id"


class OutcomesError(RegularsError):
    """The file cannot be read as an experiment; `field` names the part that is wrong."""

    code: ClassVar[str] = "invalid_outcomes"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the file.

    Attributes:
        name: Its header.
        kind: `share` of noughts and ones, `amount` of other numbers, `text` of few words, "" of what cannot be used.
        words: The words of a `text`, most frequent first.
    """

    name: str
    kind: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """What a file says: the moments of its arms, the control first, and what was measured."""

    arms: Mapping[str, Moments]
    metrics: Mapping[str, str]
    covariate: str
    fingerprint: str


def columns_of(content: bytes) -> list[Column]:
    """Return what the columns of a file can be used for.

    Raises:
        OutcomesError: It is no CSV of at least one line.
    """
    table = _table(content)
    return [_column(table[name]) for name in table.columns]


def read_outcomes(
    content: bytes, *, arm: str, control: str, metrics: Sequence[str], covariate: str = ""
) -> Outcomes:
    """Read a finished experiment from a CSV of one line for each randomised customer.

    Args:
        content: The file, in UTF-8.
        arm: The column that tells the arm.
        control: The arm that the others are compared with.
        metrics: Columns of outcomes: shares of noughts and ones, or amounts.
        covariate: A column of what customers did before, which narrows the intervals of amounts (CUPED); "" for none.

    Raises:
        OutcomesError: A column is missing, empty somewhere, or of the wrong kind; there is no such control, or an arm is too small.
    """
    table = _table(content)
    known = {name: _column(table[name]) for name in table.columns}
    _check_columns(known, arm=arm, metrics=metrics, covariate=covariate)
    used = table.select(
        pl.int_range(pl.len(), dtype=pl.Int64).alias(_KEY),
        pl.col(arm).cast(pl.String).str.strip_chars().alias("arm of it"),
        *(pl.col(name).cast(pl.Float64) for name in {*metrics, *([covariate] if covariate else [])}),
    )
    sizes = dict(used.group_by("arm of it").len().iter_rows())
    if control not in sizes:
        raise _wrong(
            "control",
            _("no line is in %(control)s; the arms are %(arms)s")
            % {"control": repr(control), "arms": ", ".join(sorted(str(name) for name in sizes))},
        )
    if not 1 < len(sizes) <= _MOST_ARMS:
        raise _wrong(
            "arm",
            _("%(column)s has %(many)s different words, an experiment has 2 to %(most)s arms")
            % {"column": repr(arm), "many": len(sizes), "most": _MOST_ARMS},
        )
    for name, many in sizes.items():
        if many < LEAST_UNITS:
            raise _wrong(
                "arm",
                _("arm %(arm)s has %(many)s customers, needs at least %(least)s")
                % {"arm": repr(name), "many": many, "least": LEAST_UNITS},
            )
    found = of_arms(used, arm="arm of it", columns=[*metrics, *([covariate] if covariate else [])])
    asked = "\0".join((arm, control, *sorted(metrics), covariate)).encode()
    return Outcomes(
        arms={name: found[name] for name in (control, *sorted(set(found) - {control}))},
        metrics={name: known[name].kind for name in metrics},
        covariate=covariate,
        fingerprint=sha256(sha256(content).digest() + asked).hexdigest(),
    )


def measures_of(metrics: Mapping[str, str], *, covariate: str) -> dict[str, Measure]:
    """Return the measures of an imported experiment.

    Args:
        metrics: Kinds by column.
        covariate: The column of what was before; "" for none.
    """
    return {
        name: Measure(
            key=name,
            label=name,
            meaning=_("Column %(name)s of the file.") % {"name": name},
            unit="share" if kind == "share" else "amount",
            metric=Proportion(name) if kind == "share" else Mean(name, covariate=covariate or None),
        )
        for name, kind in metrics.items()
    }


def moments_as_json(arms: Mapping[str, Moments]) -> list[dict[str, Any]]:
    """Return moments as they are kept."""
    return [
        {
            "arm": name,
            "units": one.units,
            "means": dict(one.means),
            "products": [[first, second, value] for (first, second), value in one.products.items()],
        }
        for name, one in arms.items()
    ]


def moments_from_json(rows: Sequence[Mapping[str, Any]]) -> dict[str, Moments]:
    """Return kept moments, the control first."""
    return {
        row["arm"]: Moments(
            units=row["units"],
            means=row["means"],
            products={(first, second): value for first, second, value in row["products"]},
        )
        for row in rows
    }


def _table(content: bytes) -> pl.DataFrame:
    if len(content) > MOST_BYTES:
        raise _wrong("file", _("the file is larger than %(most)s MB") % {"most": MOST_BYTES // 1_000_000})
    try:
        table = pl.read_csv(BytesIO(content), infer_schema_length=None, null_values=[""])
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise _wrong(
            "file", _("this is no CSV in UTF-8: %(why)s") % {"why": str(error).split("\n")[0]}
        ) from error
    if not table.height:
        raise _wrong("file", _("the file has no line below its header"))
    return table


def _column(column: "pl.Series") -> Column:
    if column.null_count():
        return Column(name=column.name, kind="")
    if column.dtype.is_numeric():
        few = column.n_unique() <= _MOST_ARMS
        words = tuple(str(one) for one in column.unique().sort()) if few else ()
        return Column(
            name=column.name,
            kind="share" if column.cast(pl.Float64).is_in([0.0, 1.0]).all() else "amount",
            words=words,
        )
    counted = column.cast(pl.String).str.strip_chars().value_counts(sort=True)
    if counted.height > _MOST_ARMS:
        return Column(name=column.name, kind="")
    return Column(name=column.name, kind="text", words=tuple(counted.get_column(column.name)))


def _check_columns(known: Mapping[str, Column], *, arm: str, metrics: Sequence[str], covariate: str) -> None:
    if not 1 <= len(set(metrics)) <= _MOST_METRICS:
        raise _wrong("metrics", _("choose 1 to %(most)s columns of outcomes") % {"most": _MOST_METRICS})
    for field, name in (
        ("arm", arm),
        *(("metrics", one) for one in metrics),
        *([("covariate", covariate)] if covariate else []),
    ):
        if name not in known:
            raise _wrong(
                field,
                _("the file has no column %(name)s; it has %(columns)s")
                % {"name": repr(name), "columns": ", ".join(known)},
            )
        if field != "arm" and known[name].kind not in ("share", "amount"):
            raise _wrong(field, _("column %(name)s must hold a number in every line") % {"name": repr(name)})
        if field != "arm" and name == arm:
            raise _wrong(field, _("column %(name)s cannot be the arm and an outcome") % {"name": repr(name)})


def _wrong(field: str, text: str) -> OutcomesError:
    return OutcomesError(text, field=field)
