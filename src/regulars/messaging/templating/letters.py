"""Plain writing that becomes a well-set mail: paragraphs, headings, buttons, pictures, lists, as MJML components."""

import re
from collections.abc import Iterator
from html import escape

from regulars.messaging.templating.faults import TemplateFaultError
from regulars.shop.wording import gettext as _

_BUTTON = re.compile(r"\[([^\[\]\n]+)\]\(([^()\s]+)\)")
_PICTURE = re.compile(r"!\[([^\[\]\n]*)\]\(([^()\s]+)\)(?:\(([^()\s]+)\))?")
_STRONG = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
_ELEMENT = re.compile(r"<(mj-[a-z-]+)")
_STRUCTURE = {"mj-section", "mj-wrapper", "mj-hero", "mj-column", "mj-group", "mj-body", "mj-head"}


def components(source: str, *, control: re.Pattern[str]) -> str:
    """Return MJML components for the inside of a column.

    A blank line ends a paragraph. A line alone of `[Words](address)` is a button, of `![words](address)` a picture, of `---` a
    line; `#` and `##` begin headings, `-` items of a list, `>` small print; `**words**` are strong. A line that begins with an
    MJML component is taken as it is, up to its end.

    Args:
        source: The writing, with the template language out of it.
        control: Finds what stands for a tag of the template language that writes nothing itself, on a line alone.

    Raises:
        TemplateFaultError: A component does not end, or is one that holds columns; `near` is its line.
    """
    return "\n".join(_components(source.replace("\r\n", "\n").split("\n"), control))


def _components(lines: list[str], control: re.Pattern[str]) -> Iterator[str]:
    paragraph: list[str] = []
    place = 0
    while place < len(lines):
        line = lines[place].strip()
        place += 1
        element = _ELEMENT.match(line)
        if element or not line or control.fullmatch(line) or _stands_alone(line):
            if paragraph:
                yield _paragraph(paragraph)
                paragraph = []
            if element:
                taken, place = _element(element.group(1), lines, place - 1)
                yield taken
            elif line:
                yield f"<mj-raw>{line}</mj-raw>" if control.fullmatch(line) else _alone(line)
            continue
        paragraph.append(line)
    if paragraph:
        yield _paragraph(paragraph)


def _stands_alone(line: str) -> bool:
    return line == "---" or line.startswith("#") or bool(_BUTTON.fullmatch(line) or _PICTURE.fullmatch(line))


def _alone(line: str) -> str:
    if line == "---":
        return "<mj-divider />"
    if line.startswith("#"):
        level = 2 if line.startswith("##") else 1
        return (
            f'<mj-text mj-class="h{level}"><h{level}>{_inline(line.lstrip("#").strip())}</h{level}></mj-text>'
        )
    button = _BUTTON.fullmatch(line)
    if button:
        return f'<mj-button href="{escape(button.group(2))}">{_inline(button.group(1))}</mj-button>'
    words, source, link = _PICTURE.fullmatch(line).groups()  # type: ignore[union-attr]  # one of the four it stands alone for
    leads = f' href="{escape(link)}"' if link else ""
    return f'<mj-image src="{escape(source)}" alt="{escape(words)}"{leads} />'


def _paragraph(lines: list[str]) -> str:
    if all(line.startswith("- ") for line in lines):
        items = "".join(f"<li>{_inline(line[2:])}</li>" for line in lines)
        return f"<mj-text><ul>{items}</ul></mj-text>"
    if all(line.startswith(">") for line in lines):
        return f'<mj-text mj-class="small">{"<br />".join(_inline(line[1:].strip()) for line in lines)}</mj-text>'
    return f"<mj-text>{'<br />'.join(_inline(line) for line in lines)}</mj-text>"


def _inline(text: str) -> str:
    safe = _STRONG.sub(r"<strong>\1</strong>", escape(text, quote=False))
    return _BUTTON.sub(
        lambda found: f'<a href="{found.group(2).replace(chr(34), "%22")}">{found.group(1)}</a>', safe
    )


def _element(name: str, lines: list[str], place: int) -> tuple[str, int]:
    if name in _STRUCTURE:
        raise TemplateFaultError(
            _("%(element)s holds columns; write the whole mail in MJML, from <mjml> to </mjml>")
            % {"element": f"<{name}>"},
            near=lines[place],
        )
    taken: list[str] = []
    for at in range(place, len(lines)):
        taken.append(lines[at])
        if f"</{name}>" in lines[at] or (at == place and lines[at].rstrip().endswith("/>")):
            return "\n".join(taken), at + 1
    raise TemplateFaultError(
        _("%(element)s has no end; close it with %(end)s") % {"element": f"<{name}>", "end": f"</{name}>"},
        near=lines[place],
    )
