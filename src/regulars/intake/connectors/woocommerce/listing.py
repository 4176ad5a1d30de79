"""WooCommerce's REST lists: numbered pages, the number of pages in a header."""

from datetime import UTC, datetime

from regulars.intake.connectors.client import ShopClient, nothing_told
from regulars.intake.connectors.connector import Page

_ROOT = "/wp-json/wc/v3"
_PAGE = "100"


def fetch(client: ShopClient, resource: str, since: datetime | None, cursor: str) -> Page:
    """Return a page, in the order of ids, so that what is added while we read comes last.

    An order says of its refunds no more than their sums, so they are asked for where there are any.
    """
    page = int(cursor or 1)
    asked = {"per_page": _PAGE, "page": str(page), "orderby": "id", "order": "asc"}
    if resource == "customers":
        asked["role"] = "all"
    elif since is not None:
        asked |= {"modified_after": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S}", "dates_are_gmt": "true"}
    answer = client.get(f"{_ROOT}/{resource}", asked)
    if not isinstance(answer.body, list):
        raise nothing_told(resource)
    objects = [dict(one) for one in answer.body if isinstance(one, dict)]
    for order in objects if resource == "orders" else ():
        if order.get("refunds") and str(order.get("id", "")).isdecimal():
            refunds = client.get(f"{_ROOT}/orders/{order['id']}/refunds", {"per_page": _PAGE}).body
            if isinstance(refunds, list):
                order["refunds"] = refunds
    pages, total = (answer.headers.get(name, "") for name in ("x-wp-totalpages", "x-wp-total"))
    more = page < int(pages) if pages.isdecimal() else len(objects) == int(_PAGE)
    return Page(
        objects=objects,
        cursor=str(page + 1) if more else "",
        total=int(total) if total.isdecimal() else None,
    )
