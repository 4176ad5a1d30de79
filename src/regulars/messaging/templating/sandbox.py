"""The template language: Liquid in a room without doors.

A template reaches the values it is handed and nothing else: paths look up keys of dictionaries and places of lists, never
attributes; there are no tags that load other files, no filters but ours, no clock. Its work is counted, not timed, so that the same
template is refused on every machine alike: a loop costs what it runs through, a filter what it is handed, a name what it holds.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from io import StringIO
from typing import Any, ClassVar, NamedTuple, TextIO

from liquid import BoundTemplate, Environment, RenderContext, Token
from liquid.ast import Node
from liquid.builtin.content import Literal
from liquid.builtin.expressions import FilteredExpression
from liquid.builtin.expressions import Path as LiquidPath
from liquid.builtin.illegal import Illegal
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags import (
    assign_tag,
    capture_tag,
    case_tag,
    comment_tag,
    cycle_tag,
    for_tag,
    if_tag,
    inline_comment_tag,
    unless_tag,
)
from liquid.exceptions import LiquidError, ResourceLimitError
from liquid.expression import Expression
from liquid.filter import with_context
from liquid.undefined import UNDEFINED
from liquid.utils import ReadOnlyChainMap

from regulars.messaging.templating.complaints import in_words
from regulars.messaging.templating.faults import FillingError, TemplateFaultError, TemplateTooBigError
from regulars.messaging.templating.filters import FILTERS, MOST_TEXT, Speech, speech
from regulars.shop.wording import gettext as _

MOST_SOURCE = 200_000
"""The most characters of a built template; what merchants write is bounded before."""
MOST_PARTS = 3_000
"""The most values, tags and filters of a template: reading them takes longer than filling them."""
MOST_OUTPUT = 500_000
MOST_WORK = 400_000
_MOST_HELD = 400_000
_FILTER_WORK = 10
_TAGS = (
    Literal,
    Output,
    Illegal,
    if_tag.IfTag,
    unless_tag.UnlessTag,
    case_tag.CaseTag,
    for_tag.BreakTag,
    for_tag.ContinueTag,
    assign_tag.AssignTag,
    capture_tag.CaptureTag,
    comment_tag.CommentTag,
    inline_comment_tag.InlineCommentTag,
    cycle_tag.CycleTag,
)
# What a customer's data can make of a correct template; anything else is a bug of ours and stays loud.
_FAILURES = (LiquidError, ArithmeticError, ValueError, TypeError, LookupError, RecursionError)


class Meter(StringIO):
    """What a template writes, up to a length."""

    def __init__(self, room: int = MOST_OUTPUT) -> None:
        super().__init__()
        self.room = room

    def write(self, text: str, /) -> int:
        """Write, or refuse to write any more."""
        self.room -= len(text)
        if self.room < 0:
            raise ResourceLimitError(
                _("a message of more than %(most)s characters") % {"most": MOST_OUTPUT}, token=None
            )
        return super().write(text)


class Context(RenderContext):
    """One filling: the values handed in, what the template named itself, and the work that is left."""

    __slots__ = ("held", "weight", "work")

    def __init__(
        self,
        template: BoundTemplate,
        *,
        globals: Mapping[str, object] | None = None,  # noqa: A002  as inherited
        **rest: Any,  # noqa: ANN401  as inherited
    ) -> None:
        super().__init__(template, globals=globals, **rest)
        # Without the package's own names, which hold the clock.
        self.scope = ReadOnlyChainMap(self.locals, self.globals)
        self.work = MOST_WORK
        self.held = 0
        self.weight = 1

    def spend(self, work: int) -> None:
        """Take from the work that is left."""
        self.work -= work
        if self.work < 0:
            raise ResourceLimitError(_("more work than a message may take; shorten its loops"), token=None)

    def assign(self, key: str, val: Any) -> None:  # noqa: ANN401  as inherited
        """Hold a value under a name; what was held before still counts."""
        self.held += 50 + (
            len(val) * (1 if isinstance(val, str) else 50) if isinstance(val, str | list) else 0
        )
        if self.held > _MOST_HELD:
            raise ResourceLimitError(_("more kept in variables than a message may keep"), token=None)
        self.locals[key] = val

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        """Look up a path."""
        self.spend(len(path))
        value: Any = None
        try:
            value = self.scope[path[0]]  # type: ignore[index]  # a path that begins with a number finds nothing
            for key in path[1:]:
                value = self.get_item(value, key)
        except (KeyError, IndexError, TypeError):
            return self.env.undefined(str(path[0]), token=token) if default is UNDEFINED else default
        return value

    def get_item(self, obj: Any, key: Any) -> Any:  # noqa: ANN401  as inherited
        """Look up one key: of a dictionary by name, of a list by place, and nowhere else."""
        if isinstance(obj, dict | for_tag.ForLoop) and isinstance(key, str):
            if key == "size" and isinstance(obj, dict) and key not in obj:
                return len(obj)
            return obj[key]
        if isinstance(obj, list | tuple | range):
            if isinstance(key, int):
                return obj[key]
            if key == "size":
                return len(obj)
            if key in {"first", "last"}:
                return obj[0 if key == "first" else -1]
        if key == "size" and isinstance(obj, str):
            return len(obj)
        raise KeyError(key)

    def raise_for_loop_limit(self, length: int = 1) -> None:
        """Pay for a loop, each time with what it runs through."""
        self.spend(min(length, MOST_WORK) * self.weight)

    def get_buffer(self, buf: TextIO | None = None) -> StringIO:
        """Return what a capture writes to, with the room that is left."""
        return Meter(buf.room if isinstance(buf, Meter) else MOST_TEXT)


class _For(for_tag.ForNode):
    """A loop that pays beforehand for each time it runs through its block."""

    weight = 0

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        self.weight = self.weight or 5 + len(str(self.block))
        context.weight = self.weight  # type: ignore[attr-defined]  # our own context
        return super().render_to_output(context, buffer)


class _ForTag(for_tag.ForTag):
    node_class = _For


def _metered(name: str) -> Any:  # noqa: ANN401  a callable of any arguments
    work = FILTERS[name]

    @with_context
    def filtered(value: object, *arguments: object, context: Context) -> object:
        length = len(value) if isinstance(value, str | list) else 0
        context.spend(_FILTER_WORK + length // 8)
        return work(
            None if _is_undefined(value) else value,
            *(None if _is_undefined(one) else one for one in arguments),
        )

    return filtered


def _is_undefined(value: object) -> bool:
    return type(value).__name__ == "Undefined"


class Template(BoundTemplate):
    """A template of this language."""

    context_class = Context


class Language(Environment):
    """What the language consists of."""

    template_class = Template
    block_nesting_limit: ClassVar[int] = 15
    context_depth_limit: ClassVar[int] = 15

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:  # noqa: ARG002  as inherited
        """Offer the tags and filters that are on the list, and no others."""
        for tag in (*_TAGS, _ForTag):
            self.add_tag(tag)
        for name in FILTERS:
            self.add_filter(name, _metered(name))


_LANGUAGES = {is_html: Language(autoescape=is_html) for is_html in (False, True)}


class Compiled:
    """A text that is read once and filled many times."""

    def __init__(self, template: BoundTemplate) -> None:
        self._template = template

    def fill(self, values: Mapping[str, object], *, by: Speech = Speech()) -> str:  # noqa: B008  frozen
        """Return the text with the values in their places; what is missing is empty.

        Raises:
            FillingError: These values cannot be filled in, or the message would be too big; `line` says where, 0 where that is not known.
        """
        buffer = Meter()
        token, node = speech.set(by), None
        try:
            context = Context(self._template, globals=values)
            for node in self._template.nodes:
                node.render(context, buffer)
        except _FAILURES as error:
            line = _line(error) or (_line_of(node.token) if node is not None else 0)
            raise FillingError(in_words(error), line=line) from error
        finally:
            speech.reset(token)
        return buffer.getvalue()

    def asked(self) -> "list[Asked]":
        """Return every value that the text asks for, once for each place."""
        return list(_asked(self._template.nodes, {}, self._template))


class Asked(NamedTuple):
    """A value that a text asks for.

    Attributes:
        names: Its path, outermost first. A loop's own variable is written as what it runs over and a star:
            `("recommended", "*", "name")`.
        is_shown: Whether the value itself is written, and not only looked at.
        has_default: Whether something else is written where it is missing.
        line: Where it stands, from 1.
    """

    names: tuple[str, ...]
    is_shown: bool
    has_default: bool
    line: int


def compile_text(source: str, *, is_html: bool = False) -> Compiled:
    """Read a text of the template language; with `is_html` values are escaped when they are filled in.

    Raises:
        TemplateTooBigError: It is too long, or has too many parts.
        TemplateFaultError: It does not follow the language; the message says what is wrong and in which line.
    """
    if len(source) > MOST_SOURCE:
        raise TemplateTooBigError(
            _("%(count)s characters, must be at most %(most)s") % {"count": len(source), "most": MOST_SOURCE}
        )
    parts = source.count("{{") + source.count("{%") + source.count("|")
    if parts > MOST_PARTS:
        raise TemplateTooBigError(
            _("%(count)s values, tags and filters, must be at most %(most)s")
            % {"count": parts, "most": MOST_PARTS}
        )
    return _compiled(source, is_html)


@lru_cache(maxsize=96)
def _compiled(source: str, is_html: bool) -> Compiled:  # noqa: FBT001  a cache's key
    try:
        return Compiled(_LANGUAGES[is_html].from_string(source))
    except (*_FAILURES, AssertionError) as error:
        raise TemplateFaultError(in_words(error), line=_line(error)) from error


def _line(error: BaseException) -> int:
    token = getattr(error, "token", None)
    return _line_of(token) if token is not None else 0


# What a template asks for

_Own = dict[str, tuple[str, ...] | None]


def _asked(nodes: Iterable[Node], own: _Own, template: BoundTemplate) -> Iterator[Asked]:
    """Walk through a template; `own` holds the names it gave itself, with what a loop's name runs over."""
    for node in nodes:
        for expression in node.expressions():
            yield from _asked_by(expression, own, is_shown=isinstance(node, OutputNode))
        own.update({str(name): None for name in node.template_scope()})
        inner = own
        if isinstance(node, for_tag.ForNode):
            over = node.expression.iterable
            runs = _resolved(over, own) if isinstance(over, LiquidPath) else None
            inner = {**own, node.expression.identifier: (*runs, "*") if runs else None, "forloop": None}
        yield from _asked(node.children(Context(template)), inner, template)


def _asked_by(expression: Expression, own: _Own, *, is_shown: bool) -> Iterator[Asked]:
    has_default = False
    if isinstance(expression, FilteredExpression):
        has_default = any(one.name == "default" for one in expression.filters or ())
        left = expression.left
        if isinstance(left, LiquidPath):
            names = _resolved(left, own)
            if names:
                yield Asked(names, is_shown, has_default, _line_of(left.token))
            rest = [*left.children(), *(one for each in expression.filters or () for one in each.children())]
        else:
            rest = expression.children()
    elif isinstance(expression, LiquidPath):
        names = _resolved(expression, own)
        if names:
            yield Asked(names, is_shown, has_default, _line_of(expression.token))
        rest = expression.children()
    else:
        rest = list(expression.children())
    for one in rest:
        yield from _asked_by(one, own, is_shown=False)


def _resolved(path: LiquidPath, own: _Own) -> tuple[str, ...] | None:
    """Return the names of a path; None for what the template named itself."""
    names = tuple(
        one if isinstance(one, str) and not (at and one in {"first", "last"}) else "*"
        for at, one in enumerate(path.path)
    )
    if names[0] in own:
        runs = own[names[0]]
        return (*runs, *names[1:]) if runs else None
    return names


def _line_of(token: Token) -> int:
    return token.source.count("\n", 0, max(token.start_index, 0)) + 1
