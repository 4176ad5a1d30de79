"""Row X3: templates cannot get out of their room, cannot take more than their share, and cannot forge headers."""

import gc
import itertools
import multiprocessing
import resource
import time
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest

from regulars.kernel.errors import RegularsError
from regulars.messaging.templating import sandbox
from regulars.messaging.templating.building import Content, build
from regulars.messaging.templating.faults import TemplateFaultError
from regulars.messaging.templating.mail import Letterhead
from regulars.messaging.templating.values import Amount, Day, Word

pytestmark = pytest.mark.reliability

CANARY = "c4nary-7f3a"
# Of 7127 and 7129: an engine that reckons says it, and nothing else does, no time of day.
PRODUCT = "50808383"
_CPU_SECONDS = 1.0
_MEMORY = 128 * 1024 * 1024


class Shop:
    """Something that a template must not see into."""

    secret = CANARY

    def tell(self) -> str:
        """Return what nobody may hear."""
        return CANARY


VALUES: dict[str, Any] = {
    "customer": {
        "name": "Anna",
        "spent": Amount.of(100, "GBP"),
        "tier": Word.of("VIP", "VIP"),
        "day": Day.of(20_000),
        "orders": 3,
    },
    "shop": Shop(),
    "list": [1, 2, 3],
    "text": "words",
}

_OBJECTS = ("shop", "customer.spent", "customer.tier", "customer.day", "text", "list", "customer", "''", "0")
_ATTRIBUTES = (
    "__class__", "__class__.__mro__", "__class__.__base__.__subclasses__", "__init__.__globals__", "__dict__", "secret", "tell",
    "as_tuple", "currency", "code", "format", "_meta", "__reduce__",
)  # fmt: skip
_OTHERS = (
    "{% include '/etc/passwd' %}", "{% render '/etc/passwd' %}", "{% include 'secret' with shop %}", "{% extends 'x' %}",
    "{% layout 'x' %}", "{% import 'os' as os %}", "{% macro x %}{{ shop }}{% endmacro %}", "{% call x %}", "{% with x: shop %}{{ x.secret }}{% endwith %}",
    "{% tablerow x in shop %}{{ x }}{% endtablerow %}", "{% increment shop %}", "{% ifchanged %}{{ shop.secret }}{% endifchanged %}",
    "{{ shop | map: 'secret' }}", "{{ list | map: '__class__' }}", "{{ shop | where: 'secret' }}", "{{ shop | attr: 'secret' }}",
    "{{ shop | json }}", "{{ shop | inspect }}", "{{ shop | safe }}", "{{ text | safe }}", "{{ '<b>' | safe }}", "{{ shop | sort: 'secret' }}",
    "{{ 'secret' | t: shop }}", "{{ shop | sum: 'secret' }}", "{{ shop | find: 'secret', 'x' }}", "{{ shop | date: '%s' }}",
    "{{ 7127*7129 }}", "{{ ''.join(['a']) }}", "{{ config }}", "{{ self }}", "{{ request }}", "{{ settings.SECRET_KEY }}", "{{ cycler.__init__ }}",
    "{{ lipsum.__globals__ }}", "${7127*7129}", "<%= 7127*7129 %>", "#{7127*7129}", "{{= 7127*7129 }}", "{% debug %}", "{% load os %}", "{% raw %}{{ shop.secret }}{% endraw %}",
    "{{ forloop.__class__ }}", "{% for x in shop %}{{ x }}{% endfor %}", "{% for x in list %}{{ forloop.it }}{{ forloop.__class__ }}{% endfor %}",
    "{{ now }}", "{{ 'now' | date: '%s' }}", "{% assign shop = shop.secret %}{{ shop }}", "{% capture x %}{{ shop.secret }}{% endcapture %}{{ x }}",
)  # fmt: skip


def injections() -> list[str]:
    """Return every payload: each object with each attribute by dot, and by bracket, and the others."""
    paths = [f"{{{{ {one}.{attribute} }}}}" for one in _OBJECTS[:7] for attribute in _ATTRIBUTES]
    keys = [
        f'{{{{ {one}["{attribute}"] }}}}' for one, attribute in itertools.product(_OBJECTS[:2], _ATTRIBUTES)
    ]
    return [*paths, *keys, *_OTHERS]


def escapes(values: dict[str, Any]) -> list[str]:
    """Return the payloads that got something out of their room."""
    found = []
    for payload in injections():
        try:
            told = sandbox.compile_text(payload).fill(values)
        except RegularsError:
            continue
        if (
            CANARY in told
            or "<class" in told
            or "built-in" in told
            or "bound method" in told
            or PRODUCT in told
            or "root:" in told
        ):
            found.append(payload)
    return found


def test_no_payload_gets_out_of_its_room() -> None:
    payloads = injections()
    assert len(payloads) >= 150
    found = escapes(VALUES)
    print(
        f"X3 injections: N={len(payloads)}, escapes={len(found)} (below {3 / len(payloads):.3f} with 95 % confidence)"
    )
    assert found == []


def test_a_sandbox_that_reads_attributes_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(_context: sandbox.Context, obj: Any, key: Any) -> Any:  # noqa: ANN401  the planted bug
        return obj[key] if isinstance(obj, dict) and key in obj else getattr(obj, str(key), None)

    monkeypatch.setattr(sandbox.Context, "get_item", opened)
    found = escapes(VALUES)
    print(f"X3 planted bug, attributes open: {len(found)} escapes")
    assert len(found) > 20


# Bombs


_DOUBLING = "{% assign x = 'aaaaaaaaaa' %}" + "{% assign x = x | append: x %}" * 60 + "{{ x }}"
_LETTER = "Hello"
BOMBS: dict[str, str] = {
    "endless loop": "{% for i in (1..1000000000) %}x{% endfor %}",
    "beyond any number": "{% for i in (1..99999999999999999999999) %}x{% endfor %}",
    "nested loops": "{% for a in (1..999) %}{% for b in (1..999) %}{% for c in (1..999) %}x{% endfor %}{% endfor %}{% endfor %}",
    "many loops": "{% for i in (1..9999) %}{% if i %}{% endif %}{% endfor %}" * 800,
    "busy loop": "{% for i in (1..9999) %}" + "{% if true %}{% endif %}" * 2_000 + "{% endfor %}",
    "doubling": _DOUBLING,
    "doubling in a loop": "{% assign x = 'ab' %}{% for i in (1..60) %}{% assign x = x | append: x %}{% endfor %}{{ x }}",
    "doubling by capture": "{% assign x = 'ab' %}"
    + "{% capture x %}{{ x }}{{ x }}{% endcapture %}" * 60
    + "{{ x }}",
    "multiplying": "{% assign x = 'a' %}"
    + "{% assign x = x | replace: 'a', 'aaaaaaaaaa' %}" * 20
    + "{{ x }}",
    "splitting and joining": "{% assign x = 'a' | append: 'bbbbbbbbbbbbbbbbbb' %}"
    + "{% assign x = x | split: '' | join: x %}" * 8,
    "large numbers": "{% assign n = 9 %}" + "{% assign n = n | times: n %}" * 60 + "{{ n }}",
    "long number": "{{ '" + "9" * 20_000 + "' | plus: 1 }}",
    "wide date": "{{ 'now' | date: '%999999999d' }}",
    "wide pattern": "{{ '2026-01-01' | date: '" + "d" * 5_000 + "' }}",
    "much output": "{% for i in (1..9000) %}" + "y" * 40 + "{% endfor %}" * 1,
    "many names": "".join(f"{{% assign n{i} = 'aaaaaaaaaaaaaaaaaaaa' %}}" for i in range(1_500)),
    "deep nesting": "{% if true %}" * 2_000 + "{% endif %}" * 2_000,
    "deep brackets": "{{ a" + "[a" * 8_000 + "]" * 8_000 + " }}",
    "long condition": "{% if a " + "and a " * 8_000 + "%}x{% endif %}",
    "many filters": "{{ 'a' " + "| upcase " * 6_000 + "}}",
    "unclosed": "{{ " * 15_000,
    "unclosed tags": "{% if " * 9_000,
    "deep elements": "<mj-text>" + "<div>" * 11_000 + "</mj-text>",
    "deep html": "<html><body>" + "<b>" * 18_000,
    "many styles": "<html><head><style>"
    + "div div div div *{color:red}" * 1_500
    + "</style></head><body>"
    + "<div>" * 50
    + "x"
    + "</div>" * 50,
    "many values": "{{ a }} " * 7_000,
    "many links": "[a](https://a.test/) " * 2_500,
    "catastrophic markup": "<a " + "a='" * 15_000,
    "catastrophic emphasis": "**a" * 15_000,
    "catastrophic button": "[" * 30_000 + "](",
    "catastrophic block": "{% block " + '"a" ' * 12_000 + "%}",
    "braces": "{%" * 28_000,
}


def _filled(source: str) -> None:
    built = build(
        Content(subject="x", body=source),
        format="email",
        language="en",
        letterhead=Letterhead(),
        block=lambda _told, _mail: "",
    )
    built.fill(VALUES, link=lambda url, _number: url)


def _measured(work: Callable[[str], None], source: str, told: Any) -> None:  # noqa: ANN401  a queue of a process
    work("Hello {{ text }}")
    # What the tests before left in memory is not the template's to be looked through.
    gc.freeze()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    start, refused = time.process_time(), False
    try:
        work(source)
    except RegularsError:
        refused = True
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    told.put((time.process_time() - start, peak, refused))


def _cost(source: str, work: Callable[[str], None] = _filled) -> tuple[float, int, bool] | None:
    """Return CPU seconds, bytes and whether it was refused, in a process of its own; None where that died."""
    context = multiprocessing.get_context("fork")
    told = context.Queue()
    process = context.Process(target=_measured, args=(work, source, told))
    process.start()
    process.join()
    return told.get(timeout=5) if process.exitcode == 0 else None


def test_no_bomb_takes_more_than_its_share() -> None:
    assert len(BOMBS) >= 20
    costs = {name: _cost(source) for name, source in BOMBS.items()}
    dead = [name for name, cost in costs.items() if cost is None]
    assert dead == []
    told = {name: cost for name, cost in costs.items() if cost is not None}
    worst = max(told, key=lambda name: told[name][0])
    largest = max(told, key=lambda name: told[name][1])
    print(
        f"X3 bombs: N={len(BOMBS)}, refused={sum(one[2] for one in told.values())}, most CPU {told[worst][0]:.2f} s ({worst}), "
        f"most memory {told[largest][1] / 2**20:.0f} MB ({largest})"
    )
    assert {name: one for name, one in told.items() if one[0] > _CPU_SECONDS or one[1] > _MEMORY} == {}


def _unmetered(source: str) -> None:
    sandbox.MOST_WORK = 10**12
    sandbox.compile_text(source).fill(VALUES)


def test_a_sandbox_that_counts_no_work_is_found_out() -> None:
    metered, cost = _cost(BOMBS["nested loops"]), _cost(BOMBS["nested loops"], _unmetered)
    print(f"X3 planted bug, work not counted: {cost}, counted: {metered}")
    assert metered is not None
    assert cost is None or cost[0] > 3 * metered[0] or not cost[2]


# Headers


_BREAKS = (
    "\r\n",
    "\n",
    "\r",
    "\r\n ",
    "\n\t",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x85",
    "\u2028",
    "\u2029",
    "%0d%0a",
    "=0D=0A",
    "\x00\r\n",
    "\r\r\n\n",
)
_HEADERS = (
    "Bcc: x@evil.test",
    "Subject: other",
    "Content-Type: text/html\r\n\r\n<b>",
    "\r\nX: y",
    "To: <x@evil.test>",
)


def test_no_name_makes_a_header() -> None:
    built = build(
        Content(subject="Hi {{ customer.name }}", body="x"),
        format="email", language="en", letterhead=Letterhead(), block=lambda _told, _mail: "",
    )  # fmt: skip
    names = [f"Anna{mark}{header}" for mark in _BREAKS for header in _HEADERS]
    forged = []
    for name in names:
        subject = built.fill({"customer": {"name": name}}, link=lambda url, _number: url).subject
        mail = EmailMessage()
        mail["Subject"] = subject
        if (
            len(subject.splitlines()) != 1
            or set(mail.keys()) != {"Subject"}
            or "\r" in subject
            or "\n" in subject
        ):
            forged.append(name)
    print(
        f"X3 header injections: N={len(names)}, forged={len(forged)} (below {3 / len(names):.2f} with 95 % confidence)"
    )
    assert forged == []


_CONTEXTS = {
    "text": "<mj-text>{value}</mj-text>",
    "alt": '<mj-image src="https://a.test/x.png" alt="{value}" />',
    "title": '<mj-text><a href="https://a.test/" title="{value}">x</a></mj-text>',
    "address": '<mj-text><a href="https://a.test/{value}">x</a></mj-text>',
    "bare address": "<mj-text><a href=https://a.test/{value}>x</a></mj-text>",
    "picture": '<mj-image src="https://a.test/{value}" />',
    "plain": "{value}",
    "heading": "# {value}",
}
_MARKUP = (
    "<script>alert(1)</script>", '"><script>x</script>', "' onerror='x", '" onmouseover="x', "--><img src=x onerror=x>", "</title><script>",
    "javascript:alert(1)", "{{ shop.secret }}", "{% include 'x' %}", "]]><x>", "<!--", "&lt;script&gt;", '"/><svg onload=x>', "**x** [y](javascript:z)",
)  # fmt: skip


def test_no_value_becomes_markup_wherever_it_stands() -> None:
    from html.parser import HTMLParser  # noqa: PLC0415  beside the only class that reads it

    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.bad: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag in {"script", "svg", "x"} or any(name.startswith("on") for name, _value in attrs):
                self.bad.append(tag)
            if any(name == "href" and (value or "").startswith("javascript") for name, value in attrs):
                self.bad.append(tag)

    tried, bad = 0, []
    for place, source in _CONTEXTS.items():
        built = build(
            Content(subject="x", body=source.replace("{value}", "{{ customer.name }}")),
            format="email", language="en", letterhead=Letterhead(), block=lambda _told, _mail: "",
        )  # fmt: skip
        for markup in _MARKUP:
            tried += 1
            html = built.fill(
                {"customer": {"name": markup}, "shop": Shop()}, link=lambda url, _number: url
            ).html
            reader = Reader()
            reader.feed(html)
            if reader.bad or CANARY in html:
                bad.append((place, markup))
    print(f"X3 markup through values: N={tried}, escapes={len(bad)}")
    assert bad == []


@pytest.mark.parametrize(
    "source",
    [
        '<mj-text><p style="color:{{ customer.name }}">x</p></mj-text>',
        "<mj-text><a {{ customer.name }}>x</a></mj-text>",
        '<mj-text><a onclick="{{ customer.name }}">x</a></mj-text>',
        "<html><head><style>{{ customer.name }}</style></head><body>x</body></html>",
        "<html><body><script>{{ customer.name }}</script></body></html>",
        "<mj-text><{{ customer.name }}>x</mj-text>",
        '<mj-text><iframe src="https://x.test"></iframe></mj-text>',
        '<mj-text><a href="javascript:{{ customer.name }}">x</a></mj-text>',
        '<mj-text><a href="data:text/html,x">x</a></mj-text>',
        '<mj-include path="/etc/passwd" />',
        '<html><head><link rel="stylesheet" href="file:///etc/passwd"></head><body>x</body></html>',
        '<html><head><base href="https://evil.test/"></head><body>x</body></html>',
    ],
)
def test_a_value_where_no_escaping_helps_is_refused(source: str) -> None:
    try:
        built = build(
            Content(subject="x", body=source),
            format="email",
            language="en",
            letterhead=Letterhead(),
            block=lambda _t, _m: "",
        )
    except TemplateFaultError:
        return
    html = built.fill({"customer": {"name": "evil-value"}}, link=lambda url, _number: url).html
    assert "<evil-value" not in html
    assert "root:" not in html
    assert not any(mark in html for mark in ("<script", "<iframe", "<link", "<base", "onclick"))
    assert "evil-value" not in html or "&lt;evil-value" in html
