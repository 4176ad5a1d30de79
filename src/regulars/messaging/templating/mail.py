"""From what a merchant wrote to the HTML and the plain text of a mail, built once, with the template language still in it.

The template language is taken out and tokens stand in its place while MJML is laid out and styles are inlined, so that neither
program ever sees it; comments stand for tags that write nothing, because a comment may stand anywhere in a table. Then the tokens'
surroundings are checked: a value may stand in text, in the address of a link or a picture, and in a few harmless attributes.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape, unescape
from html.parser import HTMLParser
from urllib.parse import urlsplit

import css_inline
import mrml

from regulars.messaging.templating.faults import TemplateFaultError, TemplateTooBigError
from regulars.messaging.templating.letters import components
from regulars.shop.wording import gettext as _

MOST_WRITTEN = 60_000
"""The most characters of a body that a person wrote."""
_MOST_DEPTH = 60
_MOST_TOKENS = 2_000
_MOST_RULES = 400
_MOST_LINKS = 200

_LIQUID = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_TAG = re.compile(r"<!--.*?-->|<(/?)([a-zA-Z][a-zA-Z0-9-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>", re.DOTALL)
_BARE_VALUE = re.compile(r"""(\s[a-zA-Z_:@][\w:.-]*)\s*=\s*([^\s"'=<>`]+)""")
_PLACE = re.compile(r" at position \d+:\d+")
_VOID = {"br", "img", "hr", "wbr", "col"}
_WRITES = {
    "mj-text", "mj-button", "mj-table", "mj-raw", "mj-title", "mj-preview", "mj-style", "mj-navbar-link", "mj-social-element",
    "mj-accordion-title", "mj-accordion-text",
}  # fmt: skip
_REFUSED = {"script", "iframe", "object", "embed", "form", "input", "button", "textarea", "select", "base", "link", "svg", "math", "frame", "frameset", "applet", "portal"}  # fmt: skip
_MAY_HOLD_VALUES = {"alt", "title", "aria-label", "lang", "width", "height"}
_COMPONENTS = frozenset(
    (
        "mj-accordion", "mj-accordion-element", "mj-accordion-text", "mj-accordion-title", "mj-all", "mj-attributes", "mj-body",
        "mj-breakpoint", "mj-button", "mj-carousel", "mj-carousel-image", "mj-class", "mj-column", "mj-divider", "mj-font",
        "mj-group", "mj-head", "mj-hero", "mj-image", "mj-include", "mj-navbar", "mj-navbar-link", "mj-preview", "mj-raw",
        "mj-section", "mj-social", "mj-social-element", "mj-spacer", "mj-style", "mj-table", "mj-text", "mj-title", "mj-wrapper",
    )
)  # fmt: skip
_SCHEMES = ("http://", "https://", "mailto:", "tel:", "sms:")
# No fonts from elsewhere: they would tell others who reads.
_OPTIONS = mrml.RenderOptions(fonts={})
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)


@dataclass(frozen=True, kw_only=True)
class Letterhead:
    """What all mails of a shop share.

    Attributes:
        shop: Its name.
        website: Its address, beginning with https://; "" where it has none.
        logo_url: A picture; the shop's name is written where there is none.
        accent: The colour of buttons and links, `#` and six digits.
        postal_address: Where it can be written to; many countries ask for it in advertising.
        product_link: The address of a product's page, with `{code}` in the place of its code; "" for no such pages.
    """

    shop: str = ""
    website: str = ""
    logo_url: str = ""
    accent: str = "#4f46e5"
    postal_address: str = ""
    product_link: str = ""


@dataclass(frozen=True)
class Link:
    """An address that a mail leads to.

    Attributes:
        number: Its place among the mail's links.
        source: As written, with the template language in it.
        is_fixed: Whether it is the same for everybody.
    """

    number: int
    source: str
    is_fixed: bool


@dataclass(frozen=True, kw_only=True)
class Laid:
    """A mail that is laid out, with the template language in its places.

    Attributes:
        html: The HTML.
        text: Its plain-text twin.
        links: Where it leads, by number.
        pictures: How many pictures it has.
        words: How many characters of text it shows.
    """

    html: str
    text: str
    links: tuple[Link, ...]
    pictures: int
    words: int


class Tokens:
    """Stands for the template language in a text while others work on the text."""

    def __init__(self, *texts: str) -> None:
        mark = "rgq"
        while any(mark in text.lower() for text in texts):
            mark += "q"
        self._mark = mark
        self._sources: list[str] = []
        self.pattern = re.compile(rf"{mark}([vc])(\d+)x")
        self.control = re.compile(rf"(?:{mark}c\d+x\s*)+")

    def take_out(self, text: str) -> str:
        """Return the text with tokens in it.

        Raises:
            TemplateTooBigError: It has more values and tags than a mail may have.
        """
        return _LIQUID.sub(lambda found: self.token(found.group()), text)

    def token(self, source: str) -> str:
        """Return a token for a piece of the template language."""
        if len(self._sources) >= _MOST_TOKENS:
            raise TemplateTooBigError(_("more than %(most)s values and tags") % {"most": _MOST_TOKENS})
        self._sources.append(source)
        kind = "v" if source.startswith("{{") else "c"
        return f"{self._mark}{kind}{len(self._sources) - 1}x"

    def put_back(self, text: str) -> str:
        """Return the text with the template language in it again."""
        return self.pattern.sub(lambda found: self._sources[int(found.group(2))], text)

    def are_in(self, text: str | None) -> bool:
        """Return whether a text holds any."""
        return bool(text and self.pattern.search(text))


def lay_out(  # noqa: PLR0913  what a mail is made of
    body: str,
    *,
    preheader: str,
    title: str,
    language: str,
    letterhead: Letterhead,
    block: Callable[[str], str],
) -> Laid:
    """Lay out a mail.

    Args:
        body: Plain writing (see `letters`), a document of MJML from `<mjml>` to `</mjml>`, or one of HTML.
        preheader: What a list of mails shows after the subject, with values.
        title: The title of the document.
        language: A BCP 47 tag.
        letterhead: What the shop's mails share.
        block: Returns the plain writing of a block by what its tag says.

    Raises:
        TemplateTooBigError: It is longer, deeper or fuller than a mail may be.
        TemplateFaultError: It cannot be laid out; the message says why, `near` what stands there.
    """
    if len(body) > MOST_WRITTEN:
        raise TemplateTooBigError(
            _("%(count)s characters, must be at most %(most)s") % {"count": len(body), "most": MOST_WRITTEN},
            part="body",
        )
    start = body.lstrip()[:15].lower()
    is_html = start.startswith(("<!doctype", "<html"))
    is_mjml = start.startswith("<mjml")
    expanded = expand_blocks(body, lambda told: _refuse_block(told) if is_html else block(told))
    tokens = Tokens(*expanded.pieces)
    whole = expanded.join(
        tokens.take_out,
        lambda text: _in_lines(_in_components(tokens.take_out(text), tokens)),
    )
    if is_html:
        html = _balanced(whole, tokens)
    else:
        if not is_mjml:
            whole = _document(
                _in_components(whole, tokens),
                language=language,
                letterhead=letterhead,
                shop=tokens.take_out("{{ shop.name }}"),
            )
        html = _from_mjml(whole, tokens)
    try:
        inlined = _INLINER.inline(html)
    except (ValueError, css_inline.InlineError) as error:
        raise TemplateFaultError(
            _("the styles cannot be read: %(said)s") % {"said": error}, part="body"
        ) from error
    reader = _Reader(tokens)
    reader.feed(inlined)
    reader.close()
    hidden = _hidden(tokens.take_out(preheader)) if preheader.strip() else ""
    made = re.sub(r"(<body[^>]*>)", lambda found: found.group(1) + hidden, "".join(reader.html), count=1)
    made = re.sub(r"<title></title>", f"<title>{escape(tokens.take_out(title))}</title>", made, count=1)
    return Laid(
        html=tokens.put_back(made),
        text=tokens.put_back(_tidy("".join(reader.text))),
        links=tuple(reader.links),
        pictures=reader.pictures,
        words=len(tokens.pattern.sub("value", "".join(reader.text)).strip()),
    )


# Blocks


@dataclass
class Expanded:
    """A text cut at its blocks: what was written, and what blocks stand for, in turn."""

    pieces: list[str] = field(default_factory=list)

    def join(self, written: Callable[[str], str], block: Callable[[str], str]) -> str:
        """Put it together again, each kind of piece done in its way."""
        return "".join(block(piece) if at % 2 else written(piece) for at, piece in enumerate(self.pieces))


_BLOCK = re.compile(r"\{%-?\s*block\s+([^%]*?)\s*-?%\}")


def expand_blocks(text: str, block: Callable[[str], str]) -> Expanded:
    """Cut a text at its blocks (`{% block "coupon" %}`) and put in what each stands for."""
    pieces = _BLOCK.split(text)
    return Expanded([block(piece) if at % 2 else piece for at, piece in enumerate(pieces)])


def _refuse_block(told: str) -> str:
    raise TemplateFaultError(
        _("the block %(block)s stands in HTML; blocks stand in plain writing or in MJML") % {"block": told},
        part="body",
    )


def _in_components(text: str, tokens: Tokens) -> str:
    try:
        return components(text, control=tokens.control)
    except TemplateFaultError as error:
        error.details["near"] = tokens.put_back(str(error.details["near"])).strip()
        raise


def _in_lines(text: str) -> str:
    return f"\n{text}\n"


# MJML


def _document(inner: str, *, language: str, letterhead: Letterhead, shop: str) -> str:
    chinese = language.startswith("zh")
    fonts = (
        "-apple-system, BlinkMacSystemFont, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', Arial, sans-serif"
        if chinese
        else "-apple-system, BlinkMacSystemFont, 'Segoe UI', Helvetica, Arial, sans-serif"
    )
    head = (
        f'<mj-image src="{escape(_not_read(letterhead.logo_url))}" alt="{shop}" width="140px" align="left" padding="8px 24px" />'
        if letterhead.logo_url
        else f'<mj-text font-size="17px" font-weight="600" padding="8px 24px">{shop}</mj-text>'
    )
    accent = escape(letterhead.accent)
    return f"""<mjml lang="{language}"><mj-head><mj-attributes>
<mj-all font-family="{fonts}" />
<mj-text font-size="16px" line-height="{"1.75" if chinese else "1.6"}" color="#27272a" padding="8px 24px" />
<mj-class name="h1" font-size="26px" line-height="1.3" padding="16px 24px 4px" />
<mj-class name="h2" font-size="19px" line-height="1.4" padding="16px 24px 0" />
<mj-class name="small" font-size="13px" line-height="1.6" color="#6b7280" />
<mj-button background-color="{accent}" color="#ffffff" font-size="16px" font-weight="600" border-radius="8px" inner-padding="13px 26px" padding="16px 24px" align="left" />
<mj-divider border-width="1px" border-color="#e4e4e7" padding="16px 24px" />
<mj-image padding="12px 24px" border-radius="8px" />
<mj-table font-size="15px" line-height="1.5" color="#27272a" padding="8px 24px" />
</mj-attributes>
<mj-style>h1, h2 {{ margin: 0; font-size: inherit; line-height: inherit; }} ul {{ margin: 0; padding-left: 22px; }} a {{ color: {accent}; }}</mj-style>
</mj-head><mj-body background-color="#f4f4f5" width="600px">
<mj-section padding="20px 0 4px"><mj-column>{head}</mj-column></mj-section>
<mj-section background-color="#ffffff" border-radius="12px" padding="20px 0"><mj-column>
{inner}
</mj-column></mj-section>
<mj-section padding="8px 0"><mj-column><mj-spacer height="8px" /></mj-column></mj-section>
</mj-body></mjml>"""


def _from_mjml(source: str, tokens: Tokens) -> str:
    try:
        made = mrml.to_html(_balanced(source, tokens), mrml.ParserOptions(include_loader=mrml.noop_loader()))
    except OSError as error:
        # The place that it tells counts in what was made of the writing.
        said = _PLACE.sub("", str(error))
        raise TemplateFaultError(
            _("the MJML cannot be read: %(said)s") % {"said": said}, part="body"
        ) from error
    return str(made.content)


def _balanced(source: str, tokens: Tokens) -> str:
    """Return markup that every reader reads alike, with comments for tags of the template language.

    Elements are counted here, because the programs behind go as deep as they are led.
    """
    made: list[str] = []
    open_elements: list[str] = []
    at = 0
    is_mjml = source.lstrip()[:5].lower() == "<mjml"

    def text(piece: str) -> str:
        safe = re.sub(r"<(?![a-zA-Z/!])", "&lt;", piece)
        is_written = not is_mjml or any(one in _WRITES for one in open_elements)
        return tokens.pattern.sub(
            lambda found: (
                found.group()
                if found.group(1) == "v"
                else f"<!--{found.group()}-->"
                if is_written
                else f"<mj-raw><!--{found.group()}--></mj-raw>"
            ),
            safe,
        )

    for found in _TAG.finditer(source):
        made.append(text(source[at : found.start()]))
        at = found.end()
        if found.group().startswith("<!--"):
            made.append("" if tokens.are_in(found.group()) else found.group())
            continue
        closing, name, rest = found.group(1), found.group(2).lower(), found.group(3)
        if is_mjml and not closing and name.startswith("mj-") and name not in _COMPONENTS:
            raise TemplateFaultError(
                _("MJML has no component %(element)s") % {"element": f"<{name}>"},
                part="body",
                near=f"<{found.group(2)}",
            )
        is_empty = rest.rstrip().endswith("/") or name in _VOID
        if closing:
            _close(name, open_elements, written=found.group(), is_strict=is_mjml)
        elif not is_empty:
            open_elements.append(name)
            if len(open_elements) > _MOST_DEPTH:
                raise TemplateTooBigError(
                    _("elements within elements %(depth)s deep, must be at most %(most)s")
                    % {"depth": len(open_elements), "most": _MOST_DEPTH},
                    part="body",
                )
        made.append(_element(closing, found.group(2), rest, name in _VOID))
    if is_mjml and open_elements:
        raise _not_closed(open_elements[-1])
    made.append(text(source[at:]))
    whole = "".join(made)
    rules = sum(
        part.count("{")
        for part in re.findall(r"<(?:mj-)?style.*?</(?:mj-)?style", whole, re.DOTALL | re.IGNORECASE)
    )
    if rules > _MOST_RULES:
        raise TemplateTooBigError(
            _("%(count)s rules of style, must be at most %(most)s") % {"count": rules, "most": _MOST_RULES},
            part="body",
        )
    return whole


def _close(name: str, open_elements: list[str], *, written: str, is_strict: bool) -> None:
    """Take an element that ends off those that are open; a browser forgives what MJML does not."""
    if name not in open_elements:
        if is_strict:
            raise TemplateFaultError(
                _("%(end)s ends nothing that is begun") % {"end": written}, part="body", near=written
            )
        return
    while (within := open_elements.pop()) != name:
        if is_strict:
            raise _not_closed(within)


def _not_closed(name: str) -> TemplateFaultError:
    return TemplateFaultError(
        _("%(element)s has no end; close it with %(end)s") % {"element": f"<{name}>", "end": f"</{name}>"},
        part="body",
        near=f"<{name}",
    )


def _element(closing: str, name: str, rest: str, is_void: bool) -> str:  # noqa: FBT001  one of four parts of a tag
    if closing:
        return "" if is_void else f"</{name}>"
    inner = rest.rstrip()
    slash = "/" if inner.endswith("/") and not inner.endswith("=/") else ""
    inner = inner[:-1] if slash else inner
    if "=" in inner:
        # Only outside of quotes: what is in them stays as it is.
        parts = re.split(r"(\"[^\"]*\"|'[^']*')", inner)
        inner = "".join(
            part if at % 2 else _BARE_VALUE.sub(r'\1="\2"', part) for at, part in enumerate(parts)
        )
    return f"<{name}{inner}{' /' if slash or is_void else ''}>"


# HTML


class _Reader(HTMLParser):
    """Goes through finished HTML once: checks where values stand, numbers links, and writes the plain text beside it."""

    _BLOCKS = {"p", "div", "tr", "h1", "h2", "h3", "h4", "ul", "ol", "table", "blockquote"}  # noqa: RUF012  a constant

    def __init__(self, tokens: Tokens) -> None:
        super().__init__(convert_charrefs=False)
        self.tokens = tokens
        self.html: list[str] = []
        self.text: list[str] = []
        self.links: list[Link] = []
        self.pictures = 0
        self._href: list[tuple[str, int]] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self._check(tag, attrs)
        raw = self.get_starttag_text() or ""
        if tag in {"style", "title", "head"}:
            self._silent += 1
        if tag in self._BLOCKS:
            self.text.append("\n")
        elif tag == "li":
            self.text.append("\n- ")
        elif tag == "br":
            self.text.append("\n")
        elif tag == "hr":
            self.text.append("\n----\n")
        told = dict(attrs)
        if tag in {"a", "area"} and told.get("href") is not None:
            raw = self._lead(tag, attrs, told["href"] or "")
        elif tag == "img":
            self.pictures += 1
            if told.get("alt"):
                self.text.append(f" {told['alt']} ")
            raw = self._picture(tag, attrs)
        self.html.append(raw)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID | {"meta"}:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in {"style", "title", "head"}:
            self._silent -= 1
        if tag == "a" and self._href:
            source, place = self._href.pop()
            words = "".join(self.text[place:]).strip()
            if source and self.tokens.put_back(source) != words:
                self.text.append(f" ({source})" if words else source)
        if tag in self._BLOCKS:
            self.text.append("\n")
        elif tag == "td":
            self.text.append(" ")
        self.html.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self._silent and self.lasttag == "style" and self.tokens.are_in(data):
            raise TemplateFaultError(
                _("a value stands in a style; values stand in text and in addresses"), part="body"
            )
        self.html.append(data)
        if not self._silent:
            self.text.append(re.sub(r"\s+", " ", data))

    def handle_entityref(self, name: str) -> None:
        self.html.append(f"&{name};")
        if not self._silent:
            self.text.append(unescape(f"&{name};").replace("\xa0", " "))

    def handle_charref(self, name: str) -> None:
        self.html.append(f"&#{name};")
        if not self._silent:
            self.text.append(unescape(f"&#{name};").replace("\xa0", " "))

    def handle_comment(self, data: str) -> None:
        if self.tokens.pattern.fullmatch(data):
            self.html.append(data)
            self.text.append(data)
        elif data.startswith(("[if", "<![endif")):
            self.html.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.html.append(f"<!{decl}>")

    def _check(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag in _REFUSED or (
            tag == "meta"
            and any(name == "http-equiv" and (value or "").lower() == "refresh" for name, value in attrs)
        ):
            raise TemplateFaultError(
                _("%(element)s has no place in a mail") % {"element": f"<{tag}>"},
                part="body",
                near=f"<{tag}",
            )
        for name, value in attrs:
            if name.startswith("on") or name in {"srcdoc", "formaction", "ping"}:
                raise TemplateFaultError(
                    _("%(attribute)s on %(element)s has no place in a mail")
                    % {"attribute": f"{name}=", "element": f"<{tag}>"},
                    part="body",
                    near=name,
                )
            is_address = (name == "href" and tag in {"a", "area"}) or (name == "src" and tag == "img")
            if self.tokens.are_in(name) or (
                self.tokens.are_in(value) and not is_address and name not in _MAY_HOLD_VALUES
            ):
                raise TemplateFaultError(
                    _(
                        "a value stands in %(attribute)s of %(element)s; values stand in text, in the addresses of links and pictures, and in %(others)s"
                    )
                    % {
                        "attribute": f"{self.tokens.put_back(name)}=",
                        "element": f"<{tag}>",
                        "others": ", ".join(sorted(_MAY_HOLD_VALUES)),
                    },
                    part="body",
                    near=self.tokens.put_back(value or name),
                )

    def _lead(self, tag: str, attrs: Sequence[tuple[str, str | None]], href: str) -> str:
        href = href.strip()
        source = self.tokens.put_back(href)
        is_fixed = source == href
        # What begins with a value is judged when it is filled in.
        if not href.lower().startswith((*_SCHEMES, "#")) and not self.tokens.pattern.match(href):
            raise TemplateFaultError(
                _("the link “%(url)s” leads nowhere; begin it with https://, mailto: or tel:")
                % {"url": source[:100]},
                part="body",
                near=source,
            )
        if href.lower().startswith(("mailto:", "tel:", "sms:", "#")):
            self._href.append(("", len(self.text)))
            return _start_tag(tag, attrs, {})
        if len(self.links) >= _MOST_LINKS:
            raise TemplateTooBigError(_("more than %(most)s links") % {"most": _MOST_LINKS}, part="body")
        number = len(self.links)
        self.links.append(Link(number, source, is_fixed))
        token = self.tokens.token(_through("tracked", source, number, is_fixed=is_fixed))
        self._href.append((token, len(self.text)))
        return _start_tag(tag, attrs, {"href": token})

    def _picture(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> str:
        src = (dict(attrs).get("src") or "").strip()
        if not self.tokens.are_in(src):
            if not src.startswith(("https://", "http://")):
                raise TemplateFaultError(
                    _("the picture “%(url)s” cannot be loaded; begin its address with https://")
                    % {"url": src[:100]},
                    part="body",
                    near=src,
                )
            return _start_tag(tag, attrs, {})
        token = self.tokens.token(_through("picture", self.tokens.put_back(src), 0, is_fixed=False))
        return _start_tag(tag, attrs, {"src": token})


def _through(name: str, source: str, number: int, *, is_fixed: bool) -> str:
    """Return what writes an address that goes through a filter of ours."""
    if is_fixed:
        return f'{{{{ "{_not_read(source)}" | {name}: {number} }}}}'
    return f"{{% capture _address %}}{source}{{% endcapture %}}{{{{ _address | {name}: {number} }}}}"


def _not_read(url: str) -> str:
    """Return an address in which nothing is taken for the template language."""
    return url.replace('"', "%22").replace("{", "%7B").replace("}", "%7D")


def _start_tag(tag: str, attrs: Sequence[tuple[str, str | None]], changed: dict[str, str]) -> str:
    told = "".join(
        f" {name}" if value is None else f' {name}="{escape(changed.get(name, value))}"'
        for name, value in attrs
    )
    return f"<{tag}{told}>"


def _hidden(preheader: str) -> str:
    # What follows would be shown after it in a list of mails; invisible blanks push it out of sight.
    blanks = "&#847;&zwnj;&nbsp;" * 40
    return f'<div style="display:none;max-height:0;overflow:hidden;opacity:0">{escape(preheader, quote=False)}{blanks}</div>'


def _tidy(text: str) -> str:
    lines = [re.sub(r"[ \t]+", " ", line).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def hosts_of(links: Sequence[Link]) -> frozenset[str]:
    """Return the hosts that a mail's links name themselves, outside of any value."""
    found = set()
    for link in links:
        start = _LIQUID.split(link.source)[0]
        parts = urlsplit(start)
        # A host that a value could continue is none.
        if parts.netloc and (link.is_fixed or parts.path):
            found.add((parts.hostname or "").lower())
    return frozenset(found)
