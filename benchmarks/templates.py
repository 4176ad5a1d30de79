"""How fast messages are filled, beside bare Python and bare Liquid.

`uv run python -m benchmarks templates [--rounds N] [--messages N]` fills one mail of ten values, five links and a list of three
products for many customers, in turn with: `str.format` on a string of the same size, `python-liquid` on the same template without
a sandbox, escaping or links, and building the variant anew for each (what filling avoids). CPU seconds of one process; medians.
"""

import argparse
import statistics
import time
from collections.abc import Callable

from liquid import Environment

from regulars.messaging.templating.building import Content, build
from regulars.messaging.templating.mail import Letterhead
from regulars.messaging.templating.tracking import tracker

BODY = """
# Hello {{ customer.first_name | default: "there" }}

You ordered {{ customer.orders }} times, last {{ customer.days }} days ago. {% if customer.orders > 2 %}Thank you, {{ customer.name }}.{% endif %}

{% for product in recommended limit: 3 %}

**{{ product.name }}** · [See it](https://shop.example/p/{{ product.code }})

{% endfor %}

[Shop now](https://shop.example/new)

[Help](https://shop.example/help) · [About us](https://shop.example/about)

> {{ shop.name }} · {{ shop.postal_address }} · [Unsubscribe]({{ unsubscribe_url }})
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=2_000)
    asked = parser.parse_args()
    content = Content(subject="Hi {{ customer.first_name }}", preheader="{{ shop.name }}", body=BODY)

    def built() -> object:
        return build(
            content,
            format="email",
            language="en",
            letterhead=Letterhead(shop="Shop"),
            block=lambda _told, _mail: "",
        )

    variant = build(
        content,
        format="email",
        language="en",
        letterhead=Letterhead(shop="Shop"),
        block=lambda _told, _mail: "",
    )
    values = {
        "customer": {"first_name": "Anna", "name": "Anna Meyer", "orders": 7, "days": 12},
        "shop": {"name": "Shop", "postal_address": "1 Tea Lane"},
        "recommended": [{"name": f"Product {n}", "code": f"P{n}"} for n in range(3)],
        "unsubscribe_url": "https://mail.example/my/token/unsubscribe/",
    }
    links = tracker(
        root="https://mail.example/my/", secret="s" * 50, delivery_id=1, version_id=1, language="en",
        fixed=frozenset({1, 2, 3}), hosts=frozenset({"shop.example"}),
    )  # fmt: skip
    laid = variant.laid
    if laid is None:
        raise SystemExit(1)
    message = variant.fill(values, link=links)
    whole = (message.html + message.text).replace("{", "(").replace("}", ")").replace("Anna", "{name}")
    plain = Environment()
    plain.add_filter("tracked", lambda url, _number: url)
    html, text = plain.from_string(laid.html), plain.from_string(laid.text)
    jobs: dict[str, tuple[Callable[[], object], int]] = {
        "`str.format`": (lambda: whole.format(name="Anna"), asked.messages),
        "bare python-liquid": (lambda: (html.render(**values), text.render(**values)), asked.messages),
        "fill: escaped, counted, links signed": (lambda: variant.fill(values, link=links), asked.messages),
        "build anew": (built, 20),
    }
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _round in range(asked.rounds):
        for name, (work, times) in jobs.items():
            start = time.process_time()
            for _ in range(times):
                work()
            seconds[name].append((time.process_time() - start) / times)
    print(
        f"HTML of {len(message.html):,} and text of {len(message.text):,} characters; {asked.rounds} rounds\n"
    )
    print("| | a message, CPU | a second of CPU |\n|---|---|---|")
    for name, told in seconds.items():
        middle = statistics.median(told)
        print(f"| {name} | {middle * 1e6:,.0f} µs | {1 / middle:,.0f} |")
