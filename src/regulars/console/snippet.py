"""What shops' own pages load: a few lines that say how this shop wants it, and the snippet itself, kept for ever."""

import json

from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.urls import reverse
from django.views.decorators.http import require_safe

from regulars.console.assets import asset_url
from regulars.intake.models import WriteKey
from regulars.intake.operations import browser_key
from regulars.staff.access import ChecksItself, access

# The few lines change with the settings and with an upgrade; the file they load has its content's hash in its name.
_CACHED_SECONDS = 300
_LOADER = (
    "(function(w,d){var r=w.regulars=w.regulars||[];if(r.settings)return;r.settings=%s;"
    'var s=d.createElement("script");s.async=true;s.src=%s;d.head.appendChild(s)})(window,document);\n'
)
# What a page may call before the snippet is there.
_STUB = (
    "(function(w,d,u){if(w.regulars)return;var r=w.regulars=[];"
    '"page track viewed added identify group consent reset".split(" ").forEach(function(m){'
    "r[m]=function(){r.push([m,[].slice.call(arguments)])}});"
    'var s=d.createElement("script");s.async=true;s.src=u;d.head.appendChild(s)'
    '})(window,document,"%s");'
)


@access(ChecksItself("write key"))
@require_safe
def loader(request: HttpRequest, write_key: str) -> HttpResponse:
    """Load the snippet with the settings of a key. Any site's page may ask: it tells nothing that the page does not."""
    key = browser_key(write_key)
    if key is None:
        return HttpResponseNotFound(
            "// this write key is not known or was revoked\n", content_type="text/javascript"
        )
    host = request.build_absolute_uri("/").rstrip("/")
    settings = {
        "writeKey": key.key,
        "host": host,
        "asksConsent": key.asks_consent,
        "heedsSignals": key.heeds_signals,
    }
    body = _LOADER % (json.dumps(settings), json.dumps(host + asset_url("snippet.js")))
    return HttpResponse(
        body,
        content_type="text/javascript",
        headers={
            "Cache-Control": f"public, max-age={_CACHED_SECONDS}",
            "Cross-Origin-Resource-Policy": "cross-origin",
        },
    )


def code_for(key: WriteKey, *, host: str) -> str:
    """Return what is pasted into the head of every page of a shop; it never needs to be changed."""
    address = f"{host}{reverse('console:snippet', args=[key.key])}"
    lines = ["<script>", _STUB % address, "regulars.page();", "</script>"]
    return "\n".join(lines)
