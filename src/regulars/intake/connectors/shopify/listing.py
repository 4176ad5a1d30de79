"""Shopify's REST lists: pages by cursor, and a bucket that leaks two calls a second."""

import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from regulars.intake.connectors.client import ShopClient, nothing_told
from regulars.intake.connectors.connector import Page

API_VERSION = "2026-07"
_PAGE = "250"
_NEXT = re.compile(r'<([^>]+)>;\s*rel="?next"?')
# From this share of the bucket on we wait for it to leak.
_FULL = 0.9
_LEAK_SECONDS = 0.5


def fetch(client: ShopClient, resource: str, since: datetime | None, cursor: str) -> Page:
    """Return a page. The first one also tells how many objects there are."""
    total = None
    if cursor:
        answer = client.get(cursor)
    else:
        asked = {"status": "any"} if resource == "orders" else {}
        if since is not None:
            asked["updated_at_min"] = since.isoformat()
        root = f"/admin/api/{API_VERSION}/{resource}"
        counted = client.get(f"{root}/count.json", asked).body
        total = counted.get("count") if isinstance(counted, dict) else None
        answer = client.get(f"{root}.json", {**asked, "limit": _PAGE})
    found = answer.body.get(resource) if isinstance(answer.body, dict) else None
    if not isinstance(found, list):
        raise nothing_told(resource)
    _wait_for_bucket(client, answer.headers)
    return Page(
        objects=[one for one in found if isinstance(one, dict)],
        cursor=_next(answer.headers.get("link", "")),
        total=total if isinstance(total, int) else None,
    )


def _next(link: str) -> str:
    """Return the path and query of the next page; its host does not count, the shop's address does."""
    found = _NEXT.search(link)
    if found is None:
        return ""
    parts = urlsplit(found[1])
    return f"{parts.path}?{parts.query}"


def _wait_for_bucket(client: ShopClient, headers: Mapping[str, str]) -> None:
    used, _, size = headers.get("x-shopify-shop-api-call-limit", "").partition("/")
    if used.isdecimal() and size.isdecimal() and int(used) >= _FULL * int(size):
        client.pause(_LEAK_SECONDS * 4)
