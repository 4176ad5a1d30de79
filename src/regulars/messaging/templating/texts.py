"""Links of texts: short addresses of ours in the place of the shop's, where nobody is in them.

A text has no markup that says what is a link, so they are found as they stand. Only addresses that the version writes out, or that
the letterhead names, are shortened: one made of a customer's data would be kept with it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from regulars.messaging.templating.mail import Letterhead

MOST_URL = 800
STAND_IN = "where-it-will-be-0"
"""What stands in previews: as long as the links of a shop with some thousand addresses and some hundred million messages."""
_URL = re.compile(r"https?://[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]+")
_ENDINGS = ".,;:!?'()*"


@dataclass(frozen=True, kw_only=True)
class Named:
    """The addresses that a version or the letterhead names: whole, or by how they begin."""

    whole: frozenset[str]
    begins: tuple[str, ...]

    def __contains__(self, url: object) -> bool:
        return isinstance(url, str) and (url in self.whole or url.startswith(self.begins))


def named_in(source: str, *, letterhead: Letterhead) -> Named:
    """Return which addresses of a text may be shortened.

    Args:
        source: What a person wrote; an address that goes on in a value is not among them.
        letterhead: Its website, and the pages of products.
    """
    written = {
        _trimmed(found.group())
        for found in _URL.finditer(source)
        if source[found.end() : found.end() + 1] != "{"
    }
    website = letterhead.website
    pages = letterhead.product_link.partition("{code}")[0]
    return Named(
        whole=frozenset({*written, *({website, website.rstrip("/")} if website else ())}),
        begins=(pages,) if pages else (),
    )


def shorten(text: str, *, named: Named, write: Callable[[str], str]) -> str:
    """Return a text with what `write` makes of each address that may be shortened."""

    def put(found: re.Match[str]) -> str:
        url = _trimmed(found.group())
        rest = found.group()[len(url) :]
        return f"{write(url)}{rest}" if url in named and len(url) <= MOST_URL else found.group()

    return _URL.sub(put, text)


def _trimmed(url: str) -> str:
    """Return an address without the punctuation of the sentence that it stands in."""
    return url.rstrip(_ENDINGS)
