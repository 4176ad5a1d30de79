"""Every URL has a rule: who may call it. A view without one is refused, and fails the build."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar, TypeVar

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from regulars.kernel.errors import RegularsError
from regulars.staff.models import User
from regulars.staff.rules import Capability, may


@dataclass(frozen=True)
class Public:
    """Anybody may call this URL; `reason` says why that is safe."""

    reason: str


@dataclass(frozen=True)
class LoggedIn:
    """Every active member of staff may call this URL."""


@dataclass(frozen=True)
class Needs:
    """Staff whose role has `capability` may call this URL."""

    capability: Capability


@dataclass(frozen=True)
class ChecksItself:
    """The view authenticates its own callers, who have no session; `how` says by what."""

    how: str


Rule = Public | LoggedIn | Needs | ChecksItself
View = TypeVar("View", bound=Callable[..., object])

# Views of packages, which cannot carry a rule themselves, by the module they live in.
PACKAGE_RULES: dict[str, Rule] = {}


class NoAccessRuleError(RegularsError):
    """A URL leads to a view that nobody has given a rule."""

    code: ClassVar[str] = "no_access_rule"


def access(rule: Rule) -> Callable[[View], View]:
    """Give a view its rule."""

    def mark(view: View) -> View:
        view.access_rule = rule  # type: ignore[attr-defined]
        return view

    return mark


def rule_of(view: Callable[..., object]) -> Rule:
    """Return the rule of a resolved view.

    Raises:
        NoAccessRuleError: The view has none.
    """
    rule = getattr(view, "access_rule", None) or getattr(
        getattr(view, "view_class", None), "access_rule", None
    )
    if rule is None:
        package = max(
            (name for name in PACKAGE_RULES if f"{view.__module__}.".startswith(f"{name}.")),
            key=len,
            default=None,
        )
        if package is None:
            message = f"view {view.__module__}.{getattr(view, '__name__', view)} has no access rule; add @access(...)"
            raise NoAccessRuleError(message)
        rule = PACKAGE_RULES[package]
    return rule


class AccessMiddleware:
    """Applies each view's rule before the view runs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        _args: tuple[object, ...],
        _kwargs: dict[str, object],
    ) -> HttpResponse | None:
        """Refuse callers whom the view's rule does not admit."""
        rule = rule_of(view)
        if isinstance(rule, Public | ChecksItself):
            return None
        if not isinstance(request.user, User):
            if request.headers.get("HX-Request") == "true":
                # A fragment must not become the login page; the whole page goes there and comes back.
                return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"HX-Refresh": "true"})
            return redirect_to_login(request.get_full_path())
        if isinstance(rule, Needs) and not may(request.user.role, rule.capability):
            raise PermissionDenied(rule.capability.label)
        return None
