"""What the template language's package complains of, in words for whoever writes the template."""

import re
from collections.abc import Callable

from liquid.exceptions import FilterArgumentError, LiquidError, ResourceLimitError

from regulars.messaging.templating.filters import OFFERED
from regulars.shop.wording import gettext as _
from regulars.shop.wording import worded

_MOST_TOLD, _MOST_NAMED = 300, 100
_TAGS = ("if", "unless", "case", "for", "assign", "capture", "comment", "cycle")
_LATER = {"else", "elsif", "when", "break", "continue"}
# Their texts are ours already.
_OURS = (FilterArgumentError, ResourceLimitError)


def in_words(error: BaseException) -> str:
    """Return what an error of reading or filling a template says, in the language of whoever reads."""
    if isinstance(error, RecursionError) or isinstance(error.__cause__, RecursionError):
        return _too_deep("")
    if type(error) in _OURS:
        return worded(error)
    said = str((error.message if isinstance(error, LiquidError) else str(error)) or type(error).__name__)
    for pattern, words in _WORDS:
        found = pattern.fullmatch(said)
        if found is not None:
            return words(found.group(1)[:_MOST_NAMED] if pattern.groups else "")
    return _("this cannot be read: %(said)s") % {"said": said[:_MOST_TOLD]}


def _too_deep(_named: str) -> str:
    return _("tags or expressions are nested too deeply")


def _value_open(_named: str) -> str:
    return _("a value is not ended: “}}” is missing")


def _tag_open(_named: str) -> str:
    return _("a tag has no name, or “%(end)s” is missing at its end") % {"end": "%}"}


def _not_ended(name: str) -> str:
    return _("“%(tag)s” is missing: what is begun must be ended") % {"tag": f"{{% {name} %}}"}


def _tag(name: str) -> str:
    if name == "block":
        return _("no block can stand here; blocks stand in the body, such as %(sample)s") % {
            "sample": '{% block "footer" %}'
        }
    if name in _LATER or name.startswith("end"):
        return _("“%(tag)s” stands in the wrong place: nothing that it belongs to is begun before it") % {
            "tag": f"{{% {name} %}}"
        }
    return _("no tag is called “%(tag)s”; choose from %(tags)s") % {"tag": name, "tags": ", ".join(_TAGS)}


def _incomplete(_named: str) -> str:
    return _("a value or a tag is not complete: something is missing at its end")


def _compares(_named: str) -> str:
    return _("to ask whether two values are the same, write “==”, not “=”")


def _too_much(_named: str) -> str:
    return _(
        "a value or a tag holds something too much; what a filter takes stands after a colon, with commas between"
    )


def _character(character: str) -> str:
    return _(
        "the sign %(character)s cannot stand here; end what is quoted, and use plain quotes and signs"
    ) % {"character": character}


def _loop(_named: str) -> str:
    return _("write a loop as %(sample)s") % {"sample": "{% for product in recommended limit: 3 %}"}


def _assigns(_named: str) -> str:
    return _("give a value a name as in %(sample)s") % {"sample": '{% assign name = "Tea" %}'}


def _parentheses(_named: str) -> str:
    return _("conditions have no parentheses")


def _filter(name: str) -> str:
    return _("no filter is called “%(filter)s”; choose from %(filters)s") % {
        "filter": name,
        "filters": ", ".join(OFFERED),
    }


def _taken(name: str) -> str:
    return _("the filter “%(filter)s” is given too much or too little after its colon") % {"filter": name}


def _kinds(_named: str) -> str:
    return _("values of different kinds cannot be compared like this")


def _whole(_named: str) -> str:
    return _("a whole number is needed here")


_WORDS: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = tuple(
    (re.compile(pattern, re.DOTALL), words)
    for pattern, words in (
        (r"expected '\}\}', found end of file", _value_open),
        (r"missing tag name.*", _tag_open),
        (r"expected tag (end\w+),.*", _not_ended),
        (r"unexpected tag 'end of expression'", lambda _named: _not_ended("endcase")),
        (r"comment tag was never closed", lambda _named: _not_ended("endcomment")),
        (r"unexpected tag '(.*)'", _tag),
        (r"expected '=',.*", _assigns),
        (r"expected in,.*|expected 'reversed', 'offset' or 'limit'.*", _loop),
        (r"missing expression|missing or unexpected path segment|.*, found end of expression", _incomplete),
        (r"expected end of expression, found '='", _compares),
        (r"expected end of expression,.*|expected a comma separated list of arguments,.*", _too_much),
        (r"""unexpected ["'](.)["']""", _character),
        (r"block nesting limit reached", _too_deep),
        (r"disallowed parentheses.*|unbalanced parentheses|.*, found [lr]paren", _parentheses),
        (r"unknown filter '(.*)'", _filter),
        (r"(\w+): .*argument.*", _taken),
        (r".* are not supported between .*", _kinds),
        (r"expected an integer,.*", _whole),
    )
)
