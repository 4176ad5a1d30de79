"""What can be read: the kinds of things that draw customers into arms, registered by the rooms that do so."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from regulars.kernel.errors import RegularsError
from regulars.staff.models import User


class UnknownKindError(RegularsError):
    """Nothing that draws customers into arms is called so."""

    code: ClassVar[str] = "unknown_experiment_kind"


@dataclass(frozen=True, kw_only=True)
class Assigned:
    """Who was to get what, as a statement for the database, and how long what they do counts.

    Attributes:
        statement: A SELECT of `customer_id`, `arm` (text), `drawn`, `at` and `until` (instants): since when it is settled in which arm
            the customer is, so that only what was before tells nothing of the arm; from when and until when, that excluded, their
            orders count. One row a customer. Whoever could not have got anything has no row.
        parameters: What the statement binds; their names begin with `a_`.
        labels: The arms by their keys, the control first, as people call them.
        shares: Planned share of each arm, in any scale.
        since: From when anybody's orders count.
        ends_at: From when on nobody's do; None where that is not known.
        stopped_at: When it was ended before that; it is read as far on its way as it came.
        planned_units: Where customers come in all the time: for how many the reading should be sharpest; 0 where all were there from
            the start, and the time until the end tells how far it is.
        exposures: A SELECT of `customer_id`, `at`, `until` and `cost_minor` of what reached customers, until when orders are attributed
            to it, and what it cost; empty where that is not known.
    """

    statement: str
    labels: Mapping[str, str]
    shares: Mapping[str, float]
    since: datetime
    ends_at: datetime | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    stopped_at: datetime | None = None
    planned_units: int = 0
    exposures: str = ""

    @property
    def control(self) -> str:
        """The arm that the others are compared with."""
        return next(iter(self.labels))


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Something that can be read, in a list."""

    id: int
    name: str
    since: datetime
    ends_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of things that draw customers into arms, and of what an arm may do.

    Attributes:
        kind: Its key, such as `campaign`.
        label: As people call one.
        listed: What can be read, the latest first, by one query.
        assigned: Who was to get what in one of them; None where nothing can be compared (no hold-out, not begun).
        between: The same, counting only what customers did between two instants, of what goes on without an end.
        choices: What an arm of an experiment may do: ids and names, now.
        exposures: As `Assigned.exposures`, of one of them that is an arm, and what it binds.
        roll_out: Prepare one of them, that won, for everybody; returns the id of what was made. Without it the winner itself is open
            to everybody from then on, and the other arms to nobody.
    """

    kind: str
    label: str | Promise
    listed: Callable[[], Sequence[Listed]]
    assigned: Callable[[int, datetime], Assigned | None]
    between: Callable[[int, datetime, datetime], Assigned | None] | None = None
    choices: Callable[[], Sequence[tuple[int, str]]] | None = None
    exposures: Callable[[int], tuple[str, Mapping[str, Any]] | None] | None = None
    roll_out: Callable[[int, User | None, datetime], int] | None = None


_kinds: dict[str, Kind] = {}


def register_kind(kind: Kind) -> None:
    """Register a kind; again, it takes the place of the former."""
    _kinds[kind.kind] = kind


def kinds() -> Sequence[Kind]:
    """Return all kinds, in the order of their registration."""
    return tuple(_kinds.values())


def kind_named(kind: str) -> Kind:
    """Return a kind.

    Raises:
        UnknownKindError: There is none of that name.
    """
    if kind not in _kinds:
        raise UnknownKindError(
            _("%(kind)s draws nobody into arms; what does is %(kinds)s")
            % {"kind": repr(kind), "kinds": ", ".join(sorted(_kinds)) or "-"},
            kind=kind,
        )
    return _kinds[kind]
