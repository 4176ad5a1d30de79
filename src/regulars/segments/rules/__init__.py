"""What decides who belongs to a segment: a tree of conditions, stored as JSON that people can read.

Every condition is either true or false of a customer. Of what is not known no comparison is true, so that its opposite
(`none_of`, `is_not`, `no`, a group under `not`) is; `unknown` asks for just those.
"""

from regulars.segments.rules.nodes import (
    EVER,
    MEASURES,
    OPERATORS,
    All,
    Any,
    Attribute,
    Bought,
    Did,
    Goods,
    Measure,
    Member,
    Node,
    Not,
    Operator,
    Period,
    leaves,
)
from regulars.segments.rules.reading import (
    DEEPEST,
    MOST_CONDITIONS,
    MOST_VALUES,
    VERSION,
    InvalidRuleError,
    read,
    write,
)

__all__ = [
    "DEEPEST",
    "EVER",
    "MEASURES",
    "MOST_CONDITIONS",
    "MOST_VALUES",
    "OPERATORS",
    "VERSION",
    "All",
    "Any",
    "Attribute",
    "Bought",
    "Did",
    "Goods",
    "InvalidRuleError",
    "Measure",
    "Member",
    "Node",
    "Not",
    "Operator",
    "Period",
    "leaves",
    "read",
    "write",
]
