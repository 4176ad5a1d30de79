"""Whether this installation lives and can work, for load balancers and supervisors."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from regulars.cli.installation import missing_migrations
from regulars.kernel.errors import RegularsError
from regulars.staff.access import Public, access

_UNAVAILABLE = 503


@access(Public("says that the process answers, and nothing else"))
@require_safe
@never_cache
def live(_request: HttpRequest) -> JsonResponse:
    """Answer as long as the process can answer at all; restart it when this fails."""
    return JsonResponse({"status": "live"})


@access(Public("says whether database and tables are usable, and nothing about what is in them"))
@require_safe
@never_cache
def ready(_request: HttpRequest) -> JsonResponse:
    """Answer 200 when requests can be served, 503 with the failing part when not."""
    checks = {"database": "ok", "migrations": "ok"}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if missing_migrations():
            checks["migrations"] = "missing"
    except DatabaseError:
        checks = {"database": "unreachable", "migrations": "unknown"}
    except RegularsError as error:
        checks["migrations"] = error.code
    is_ready = set(checks.values()) == {"ok"}
    body = {"status": "ready" if is_ready else "unavailable", **checks}
    return JsonResponse(body, status=200 if is_ready else _UNAVAILABLE)
