"""One variant of a template, built once and filled for each customer."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from regulars.messaging.templating.faults import FillingError, TemplateFaultError, TemplateTooBigError
from regulars.messaging.templating.filters import Speech
from regulars.messaging.templating.mail import MOST_WRITTEN, Laid, Letterhead, expand_blocks, lay_out
from regulars.messaging.templating.sandbox import Asked, Compiled, compile_text
from regulars.shop.wording import gettext as _

Format = Literal["email", "text", "task"]
_MOST_LINE = 250
_MOST_PLAIN = 5_000
_MOST_HEAD = 1_000
"""Characters of a subject or a preheader as written, values included."""
_LOCALES = {"en": "en_001", "zh-hans": "zh_Hans_CN"}
_BREAKS = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a person writes of a message in one language."""

    subject: str = ""
    preheader: str = ""
    body: str = ""


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A message for one customer."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Built:
    """Content that is laid out and read: what remains is to put a customer's values in.

    Attributes:
        format: `email` has all parts, `text` a text alone, `task` a subject and a text.
        language: Of its words, `en` or `zh-hans`.
        subject: One line.
        html: Of a mail.
        text: The text, of a mail the plain twin of its HTML.
        written: Preheader and body by part as they were written, the body without its blocks: faults are told by their lines.
        laid: How a mail is laid out.
        asked: Every value that it asks for, by part.
    """

    format: Format
    language: str
    subject: Compiled
    html: Compiled | None
    text: Compiled
    written: Mapping[str, Compiled]
    laid: Laid | None
    asked: tuple[tuple[str, Asked], ...]

    def fill(self, values: Mapping[str, object], *, link: Callable[[str, int], str]) -> Filled:
        """Return the message for one customer.

        Args:
            values: What it may say, by name.
            link: Returns what to write for a link: its address and its number.

        Raises:
            FillingError: These values cannot be filled in; `part` and `line` say where in the writing, the line 0 where it is not known.
        """
        # The text leads where the HTML leads; each link is signed once.
        speech = Speech(_LOCALES.get(self.language, "en_001"), cache(link))
        try:
            # A mail shows its subject in its HTML too: what is wrong with it is told of the subject.
            subject = one_line(self.subject.fill(values, by=speech))
        except FillingError as error:
            error.details["part"] = "subject"
            raise
        try:
            html = self.html.fill(values, by=speech) if self.html else ""
            text = self.text.fill(values, by=speech)
        except FillingError as error:
            error.details |= self._place(values, speech)
            raise
        return Filled(
            subject=subject,
            html=html,
            text=re.sub(r"\n[ \t]*(?:\n[ \t]*)+\n", "\n\n", text).strip() + ("\n" if self.html else ""),
        )

    def _place(self, values: Mapping[str, object], speech: Speech) -> Mapping[str, object]:
        """Return in which part and line of what a person wrote a message fails; line 0 where only what was made of it does."""
        for part, written in self.written.items():
            try:
                written.fill(values, by=speech)
            except FillingError as error:
                return {"part": part, "line": error.details["line"]}
        return {"part": "body", "line": 0}


def one_line(text: str) -> str:
    """Return a text that can be a header: nothing in it ends a line, and it is not endless.

    Raises:
        FillingError: It is longer than any subject.
    """
    line = " ".join(_BREAKS.sub(" ", text).split())
    if len(line) > _MOST_LINE:
        raise FillingError(
            _("a subject of %(count)s characters, must be at most %(most)s")
            % {"count": len(line), "most": _MOST_LINE}
        )
    return line


def build(
    content: Content,
    *,
    format: Format,  # noqa: A002  its name
    language: str,
    letterhead: Letterhead,
    block: Callable[[str, bool], str],
) -> Built:
    """Lay out and read one variant.

    Args:
        content: What a person wrote.
        format: For what it is.
        language: Of its words.
        letterhead: What the shop's messages share.
        block: Returns what stands for a block, by what its tag says: plain writing for a mail (True), or text (False).

    Raises:
        TemplateTooBigError: A part is longer than it may be.
        TemplateFaultError: A part cannot be read; `part` and `line` say where.
    """
    # Read as written first, so that a fault is told in the lines of whoever wrote it.
    heads = {}
    for part, source in (("subject", content.subject), ("preheader", content.preheader)):
        if len(source) > _MOST_HEAD:
            raise TemplateTooBigError(
                _("a subject and a preheader are written in at most 1000 characters"), part=part
            )
        heads[part] = _read(source, part)
    asked = [(part, one) for part, read in heads.items() for one in read.asked()]
    if format != "email" and len(content.body) > (_MOST_PLAIN if format == "text" else MOST_WRITTEN):
        raise TemplateTooBigError(
            _("%(count)s characters, must be at most %(most)s")
            % {"count": len(content.body), "most": _MOST_PLAIN},
            part="body",
        )
    written = _read(expand_blocks(content.body, lambda _told: "").join(str, str), "body")
    if format == "email":
        try:
            laid = lay_out(
                content.body,
                preheader=content.preheader,
                title=content.subject,
                language="zh-Hans" if language.startswith("zh") else "en",
                letterhead=letterhead,
                block=lambda told: block(told, True),  # noqa: FBT003  named where it is defined
            )
        except TemplateFaultError as error:
            error.details.setdefault("line", _line_of(str(error.details.pop("near", "")), content.body))
            raise
        html = _read(laid.html, "body", is_html=True)
        text = _read(laid.text, "body")
    else:
        laid, html = None, None
        plain = expand_blocks(content.body, lambda told: block(told, False)).join(str, str)  # noqa: FBT003  as above
        text = _read(plain, "body")
    asked += [("body", one) for one in (html or text).asked() if one.names[0] != "_address"]
    return Built(
        format=format,
        language=language,
        subject=heads["subject"],
        html=html,
        text=text,
        written={"preheader": heads["preheader"], "body": written},
        laid=laid,
        asked=tuple(asked),
    )


def _line_of(near: str, written: str) -> int:
    """Return the line in which something stands first; 0 where it stands nowhere."""
    at = written.lower().find(near.lower()) if near else -1
    return written.count("\n", 0, at) + 1 if at >= 0 else 0


def _read(source: str, part: str, *, is_html: bool = False) -> Compiled:
    try:
        return compile_text(source, is_html=is_html)
    except TemplateFaultError as error:
        error.details.setdefault("part", part)
        raise
