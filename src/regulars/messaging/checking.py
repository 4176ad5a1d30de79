"""What is to be said of a template before it is used: faults that forbid it, and what to mend or to know."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from django.utils.translation import gettext as _

from regulars.kernel.errors import RegularsError
from regulars.messaging import composing, variables
from regulars.messaging.templating.building import Built, Format
from regulars.messaging.templating.faults import FillingError, TemplateFaultError
from regulars.messaging.templating.hints import Hint, hints


@dataclass(frozen=True)
class Fault:
    """Why a variant cannot be used: in which part, in which line (0 where none can be named), and why."""

    part: str
    line: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One variant looked at with the eyes of one customer.

    `preview` is None where there are faults, or nobody to show it as.
    """

    faults: tuple[Fault, ...]
    hints: tuple[Hint, ...]
    preview: composing.Preview | None


def check(  # noqa: PLR0913  what a preview depends on
    written: Mapping[str, str],
    *,
    format: Format,  # noqa: A002  its name
    language: str,
    customer_id: int,
    now: datetime,
    shortens: bool = True,
) -> Checked:
    """Look at one variant as one customer would have it; `shortens` as of `preview`."""
    try:
        shared = composing.letterhead_of(composing.letterhead())
        variant = composing.built(written, format=format, language=language, letterhead=shared)
    except TemplateFaultError as error:
        return Checked(faults=(_fault(error),), hints=(), preview=None)
    unknown = tuple(unknown_names(variant))
    if unknown:
        return Checked(faults=unknown, hints=(), preview=None)
    try:
        shown = composing.preview(
            written, format=format, language=language, customer_id=customer_id, now=now, shortens=shortens
        )
    except FillingError as error:
        return Checked(faults=(_fault(error),), hints=(), preview=None)
    return Checked(faults=(), hints=(*_may_be_missing(variant), *hints(variant, shown.filled)), preview=shown)


def _fault(error: RegularsError) -> Fault:
    line = error.details.get("line")
    return Fault(str(error.details.get("part", "body")), line if isinstance(line, int) else 0, str(error))


def unknown_names(variant: Built) -> Iterator[Fault]:
    """Yield values that nothing can be looked up for, each once."""
    known, told_later = variables.variables(), variables.open_roots()
    beginnings = {name[: at + 1].rstrip(".") for name in known for at, char in enumerate(name) if char == "."}
    lines = {one.names: one.line for one in reversed(variant.written["body"].asked())}
    seen = set()
    for part, asked in variant.asked:
        name = ".".join(asked.names)
        if (
            name in seen
            or name in known
            or name in beginnings
            or asked.names[0] in told_later
            or asked.names[-1] in {"size", "first", "last"}
        ):
            continue
        seen.add(name)
        shown = name.replace(".*", "")
        near = get_close_matches(name, [one for one in known if "*" not in one], n=1, cutoff=0.6)
        text = (
            _("There is no value “%(name)s”. Do you mean “%(near)s”?") % {"name": shown, "near": near[0]}
            if near
            else _("There is no value “%(name)s”.") % {"name": shown}
        )
        yield Fault(part, asked.line if part != "body" else lines.get(asked.names, 0), text)


def _may_be_missing(variant: Built) -> Iterator[Hint]:
    known = variables.variables()
    # What a template asks for first, it says only where it is there.
    seen = {".".join(asked.names) for _part, asked in variant.asked if not asked.is_shown}
    for _part, asked in variant.asked:
        name = ".".join(asked.names)
        found = known.get(name)
        if (
            found is None
            or found.is_always
            or not asked.is_shown
            or asked.has_default
            or "*" in asked.names
            or name in seen
            or asked.names[0] == "shop"
        ):
            continue
        seen.add(name)
        yield Hint(
            "may_be_missing",
            _('Not every customer has “%(label)s”. Say what stands in: {{ %(name)s | default: "…" }}')
            % {"label": found.label, "name": name},
        )
