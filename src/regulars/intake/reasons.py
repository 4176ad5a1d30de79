"""Why lines are refused, in words: the reasons of order lines, of every other kind, and of each kind alone."""

from regulars.intake.kinds import KINDS
from regulars.intake.kinds.kind import Label
from regulars.intake.labels import REASON_LABELS
from regulars.intake.rows import ROW_REASONS

REASONS: dict[str, Label] = {
    **REASON_LABELS,
    **ROW_REASONS,
    **{reason: label for kind in KINDS.values() for reason, label in kind.reasons.items()},
}
