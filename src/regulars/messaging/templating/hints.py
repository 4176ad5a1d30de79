"""What a practised sender would say of a message before it goes out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from regulars.messaging.channels.sms.segments import is_gsm, segments
from regulars.messaging.templating.building import Built, Filled
from regulars.messaging.templating.texts import STAND_IN

CLIPPED_AT = 102 * 1024
"""From so many bytes on, Gmail hides the rest of a mail."""
_MOST_SUBJECT = 60
_MOST_SUBJECT_WIDE = 20
_FEW_WORDS = 60
_LOUD = re.compile(
    r"100 ?% free|act now|click here|risk[- ]free|no obligation|winner|cash bonus|!!!|\$\$\$|点击领取|免费领取|中奖|稳赚|最后机会!!",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Hint:
    """One thing to mend or to know; `level` is `warning` or `info`."""

    code: str
    text: str
    level: Literal["warning", "info"] = "warning"


def hints(built: Built, filled: Filled) -> list[Hint]:
    """Return what to say of a message, the weightiest first."""
    return sorted(_hints(built, filled), key=lambda hint: hint.level == "info")


def _hints(built: Built, filled: Filled) -> Iterator[Hint]:
    if built.format == "text":
        yield from _of_text(built, filled)
        return
    yield from _of_subject(built, filled)
    if built.laid is None:
        return
    size = len(filled.html.encode())
    if size > CLIPPED_AT:
        yield Hint(
            "clipped",
            _(
                "%(size)d KB: Gmail hides what comes after 102 KB, and with it the link to unsubscribe. Shorten it."
            )
            % {"size": size // 1024},
        )
    asked = {one.names[0] for _part, one in built.asked}
    if "unsubscribe_url" not in asked:
        yield Hint(
            "no_unsubscribe",
            _(
                "Nobody can unsubscribe. Add the block “footer”; without it advertising mail is unlawful in most countries."
            ),
        )
    if built.laid.pictures and built.laid.words < _FEW_WORDS:
        yield Hint(
            "only_pictures",
            _(
                "Almost only pictures. Many programs hide them, and filters distrust such mail: say it in words too."
            ),
        )
    if not built.laid.links:
        yield Hint("no_link", _("No link: readers can do nothing, and clicks cannot be counted."), "info")
    if "</div>" in filled.html and "display:none" not in filled.html:
        yield Hint(
            "no_preheader",
            _("No preheader: lists of mails show the first words of the body instead."),
            "info",
        )
    if _LOUD.search(filled.text):
        yield Hint(
            "loud",
            _("“%(words)s” is what spam says. Filters and readers know it.") % {"words": _found(filled.text)},
        )


def _found(text: str) -> str:
    found = _LOUD.search(text)
    return found.group() if found else ""


def _of_subject(built: Built, filled: Filled) -> Iterator[Hint]:
    subject = filled.subject
    if not subject:
        yield Hint("no_subject", _("The subject is empty."))
        return
    most = _MOST_SUBJECT_WIDE if built.language.startswith("zh") else _MOST_SUBJECT
    if len(subject) > most:
        yield Hint(
            "long_subject",
            _("The subject has %(length)d characters; phones show about %(most)d.")
            % {"length": len(subject), "most": most},
            "info",
        )
    letters = [char for char in subject if char.isalpha() and char.isascii()]
    if len(letters) > 7 and sum(char.isupper() for char in letters) > 0.7 * len(letters):  # noqa: PLR2004  shouting
        yield Hint("shouting", _("The subject shouts. Capitals throughout look like spam."))
    if subject.count("!") + subject.count("！") > 1 or _LOUD.search(subject):
        yield Hint(
            "loud_subject", _("The subject sounds like spam: fewer exclamation marks, no promises in it.")
        )
    if re.match(r"(?i)(re|fw|fwd|回复|转发)\s*[:：]", subject):
        yield Hint("false_reply", _("The subject pretends to be a reply. Filters and laws object to that."))


def _of_text(built: Built, filled: Filled) -> Iterator[Hint]:
    parts, plain = segments(filled.text), is_gsm(filled.text)
    alphabet = _("Latin letters") if plain else _("any letters (UCS-2)")
    yield Hint(
        "segments",
        ngettext(
            "As an SMS: %(parts)d segment of %(alphabet)s, %(length)d characters, before a channel adds its sign and how to opt out.",
            "As an SMS: %(parts)d segments of %(alphabet)s, %(length)d characters, before a channel adds its sign and how to opt out. Each segment is paid for.",
            parts,
        )
        % {"parts": parts, "length": len(filled.text), "alphabet": alphabet},
        "warning" if parts > 3 else "info",  # noqa: PLR2004  more are seldom read
    )
    if f"/s/{STAND_IN}" in filled.text:
        yield Hint(
            "short_links",
            _(
                "Links lead through a short address of yours that counts clicks; the length is counted with it."
            ),
            "info",
        )
    if not plain and built.language == "en":
        odd = sorted({char for char in filled.text if not is_gsm(char)})
        yield Hint(
            "alphabet",
            _("%(chars)s make every segment hold 70 characters instead of 160.")
            % {"chars": " ".join(odd[:8])},
        )
