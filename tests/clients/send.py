"""What a shop's own server sends with Segment's Python client. Arguments: the host and the write key."""

import sys

from segment.analytics import Client

host, write_key = sys.argv[1:]
failed: list[Exception] = []
client = Client(
    write_key, host=host, gzip=True, max_retries=0, on_error=lambda error, _items: failed.append(error)
)
client.identify("17", {"email": "ann@example.com", "name": "Ann"}, anonymous_id="a")
client.track(anonymous_id="a", event="Product Viewed", properties={"product_id": "W80", "name": "Wipes"})
client.page("17", "shop", "Home", {"url": "https://shop.example/"})
client.group("17", "acme", {"name": "Acme"})
client.alias("former", "17")
products = [{"sku": "W80", "price": 3.5, "quantity": 2}]
client.track("17", "Order Completed", {"order_id": "A1", "products": products})
client.shutdown()
if failed:
    sys.exit(repr(failed))
