"""Who is calling: a key in the Authorization header, with the scope that the operation needs."""

from typing import cast

import pghistory
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja.security import HttpBearer

from regulars.api.limits import Allowance, count_call
from regulars.api.problems import MissingScopeError, spent
from regulars.staff.models import ApiKey
from regulars.staff.operations import admit_api_key
from regulars.staff.rules import Capability


class Key(HttpBearer):
    """Admits a good key that has `scope`, and counts its calls. There are no sessions here, so no CSRF either."""

    openapi_bearerFormat = "<prefix>.<secret>"  # noqa: N815  the name that OpenAPI gives it
    openapi_description = "A key made under Settings, API keys. Its scopes say what it may do."

    def __init__(self, scope: Capability | None = None) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey:
        """Return the key. Every genuine key is counted, whatever it then may do."""
        now = timezone.now()
        key = admit_api_key(key=token, now=now)
        allowance = count_call(api_key_id=key.pk, limit=settings.API_REQUESTS_PER_MINUTE, now=now)
        request.api_allowance = allowance  # type: ignore[attr-defined]  # read again by `allowance_of`
        if allowance.is_spent:
            raise spent(allowance)
        if self.scope is not None and self.scope not in key.scopes:
            message = _("API key %(key)s has the scopes %(scopes)s; this needs %(scope)s") % {
                "key": key.prefix,
                "scopes": ", ".join(key.scopes),
                "scope": self.scope,
            }
            raise MissingScopeError(message, scope=self.scope.value)
        # The audit log names the key of whatever this call changes.
        pghistory.context(key=key.pk)
        return key


def key_of(request: HttpRequest) -> ApiKey:
    """Return the key that was admitted for this request."""
    return cast(ApiKey, request.auth)  # type: ignore[attr-defined]  # set by ninja from `authenticate`


def allowance_of(request: HttpRequest) -> Allowance | None:
    """Return what is left to the caller, or None if no genuine key was sent."""
    return cast("Allowance | None", getattr(request, "api_allowance", None))
