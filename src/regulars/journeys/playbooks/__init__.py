"""The library of playbooks: what to say to whom and when, one file each, in both languages, made by hand and tested like code.

A file says what is made when somebody turns the playbook on: messages, an offer, segments, attributes, and the journey, whose
graph is that of `journeys.graph` with names in the places of ids. A text that begins with @ stands for a setting.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec
from django.utils.translation import gettext_noop

from regulars.kernel.errors import RegularsError
from regulars.messaging.starters import NoSuchStarterError, Said, starter
from regulars.shop.wording import gettext as _

FOLDER = Path(__file__).parent
PLACE = "@"
"""What stands for a setting begins with it."""
Group = Literal["tier", "stage", "cycle", "date", "behaviour"]
SettingType = Literal["days", "hours", "percent", "count", "money", "text"]
_NUMBERED = re.compile(r"\d\d-([a-z][a-z0-9_]*)\.toml")
_STARTER_SET = re.compile(r"^starter_set = \d+\n", re.MULTILINE)
_CODE = re.compile(r"[a-z][a-z0-9_]{0,59}")


class NoSuchPlaybookError(RegularsError):
    """The library has no playbook of this code."""

    code: ClassVar[str] = "no_such_playbook"


_SAID = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"Expected `(?P<kind>.+)`, got `(?P<told>.+)`", gettext_noop("must be `%(kind)s`, not `%(told)s`")),
        (r"Object missing required field `(?P<name>.+)`", gettext_noop("“%(name)s” is missing")),
        (r"Invalid enum value (?P<told>.+)", gettext_noop("%(told)s is none of the values there are")),
        (r"Object contains unknown field `(?P<name>.+)`", gettext_noop("there is no “%(name)s” here")),
    )
)


class InvalidPlaybookError(RegularsError):
    """A file of the library cannot be used; `file` and `field` say where."""

    code: ClassVar[str] = "invalid_playbook"

    def __init__(self, file: str, field: str, message: str) -> None:
        super().__init__(f"{file}: {field}: {message}", file=file, field=field)
        self.file, self.field = file, field


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """A part of a file: nothing in it may be unknown."""


class SettingTold(Strict):
    """Something that people may choose. Of money the default is a multiple of the shop's average order."""

    type: SettingType
    en: str
    zh: str
    least: int = 0
    most: int = 1_000_000_000


class EvidenceTold(Strict):
    """What others say that they found, and where; no promise."""

    en: str
    zh: str
    source: str
    url: str = ""


class OfferTold(Strict):
    """What customers are given. `benefit` and sums may name settings; a share in percent becomes one of 10,000."""

    name: Said
    kind: str
    benefit: dict[str, Any] = {}
    least: int | str = 0
    code_days: int | str = 14
    holder_only: bool = True


class Written(Strict):
    """A message in one language."""

    body: str
    subject: str = ""
    preheader: str = ""


class MessageTold(Strict):
    """What is said: a starter of the messages' library, or words of its own. Tasks reach people by phone or post."""

    starter: str = ""
    name: Said | None = None
    format: Literal["email", "text", "task"] = "email"
    medium: Literal["", "phone", "post"] = ""
    en: Written | None = None
    zh: Written | None = None


class SegmentTold(Strict):
    """A segment of its own; those that come with Regulars are named by their codes."""

    name: Said
    rule: dict[str, Any]


class AttributeTold(Strict):
    """An attribute that customers can tell of themselves."""

    en: str
    zh: str
    type: Literal["yearly", "date", "text"] = "yearly"


class RoomTold(Strict):
    """A room that is not built yet: without it the playbook cannot be turned on, or works without that part."""

    room: Literal["loyalty", "feedback", "care"]
    en: str
    zh: str
    hinders: bool = True


class JourneyTold(Strict):
    """The graph, with names in the places of ids."""

    first: str
    entry: dict[str, Any]
    steps: dict[str, dict[str, Any]]
    reentry: dict[str, Any] = msgspec.field(default_factory=lambda: {"kind": "never"})
    entrants_per_day: int | None = None
    holdout_bp: int = 1_000
    goal: dict[str, Any] | None = None
    exit: dict[str, Any] | None = None


class File(Strict):
    """A file of the library."""

    group: Group
    name: Said
    about: Said
    journey: JourneyTold
    of: str = ""
    starter_set: int = 0
    needs: list[str] = []
    evidence: list[str] = []
    settings: dict[str, int | float | str | Said] = {}
    offers: dict[str, OfferTold] = {}
    messages: dict[str, MessageTold] = {}
    segments: dict[str, SegmentTold] = {}
    attributes: dict[str, AttributeTold] = {}
    rooms: list[RoomTold] = []


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Something that people may choose before they turn a playbook on.

    `default` is a number, a text, words in both languages, or of money a multiple of the average order.
    """

    name: str
    label: Said
    type: SettingType
    default: int | float | str | Said
    least: int
    most: int


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message: its format, by what a task reaches people, and what it says by language (`en`, `zh-hans`)."""

    name: str
    title: Said
    format: str
    medium: str
    content: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class Playbook:
    """One of the library.

    Attributes:
        code: The name of its file, without the number that orders it.
        group: By what it goes: tier, stage, cycle, date or behaviour.
        of: Which tier or stage; "" for any.
        name: What it is called.
        about: What is done, for whom and why, in a sentence or two.
        starter_set: Its place in the starter set; 0 where it is none of it.
        needs: What the record must hold, as `playbooks.needs` names it.
        rooms: Rooms that are not built yet.
        evidence: What others say that they found.
        settings: What people may choose.
        messages: What is said.
        offers: What is given.
        segments: Segments of its own.
        attributes: What customers are asked to tell.
        journey: The graph, with names in the places of ids.
    """

    code: str
    group: Group
    of: str
    name: Said
    about: Said
    starter_set: int
    needs: Sequence[str]
    rooms: Sequence[RoomTold]
    evidence: Sequence[EvidenceTold]
    settings: Mapping[str, Setting]
    messages: Mapping[str, Message]
    offers: Mapping[str, OfferTold]
    segments: Mapping[str, SegmentTold]
    attributes: Mapping[str, AttributeTold]
    journey: JourneyTold = field(repr=False)


@cache
def library() -> tuple[Playbook, ...]:
    """Return the library, in the order of its files.

    Raises:
        InvalidPlaybookError: A file cannot be used.
    """
    return read_folder(FOLDER)


def starter_set() -> list[Playbook]:
    """Return what a shop begins with, in the order of a customer's life."""
    return sorted((one for one in library() if one.starter_set), key=lambda one: one.starter_set)


def playbook(code: str) -> Playbook:
    """Return one of the library.

    Raises:
        NoSuchPlaybookError: It has none of this code.
    """
    found = next((one for one in library() if one.code == code), None)
    if found is None:
        raise NoSuchPlaybookError(
            _("no playbook is called %(name)s; choose from %(choices)s")
            % {"name": repr(code), "choices": ", ".join(one.code for one in library())}
        )
    return found


def read_folder(folder: Path) -> tuple[Playbook, ...]:
    """Return the playbooks of a folder, with the settings and the evidence that they share in `_settings.toml`, `_evidence.toml`.

    Raises:
        InvalidPlaybookError: A file cannot be used; the message begins with the file and the field.
    """
    shared = _shared(folder)
    found = [_read(path, shared) for path in sorted(folder.glob("[0-9]*.toml"))]
    for one in found:
        if [other.code for other in found].count(one.code) > 1:
            raise InvalidPlaybookError(one.code, "code", _("two files have it"))
    return tuple(found)


def text_of(code: str) -> str:
    """Return the file of a playbook of the library, without its place in the starter set: to be changed under another name.

    Raises:
        NoSuchPlaybookError: It has none of this code.
    """
    [path] = FOLDER.glob(f"[0-9][0-9]-{playbook(code).code}.toml")
    return _STARTER_SET.sub("", path.read_text(encoding="utf-8"))


def read_text(code: str, text: str) -> Playbook:
    """Return the playbook that a file of somebody's own tells, with the settings and the evidence of the library.

    Raises:
        InvalidPlaybookError: It cannot be used; the message begins with the file and the field.
    """
    file = f"{code}.toml"
    if _CODE.fullmatch(code) is None:
        raise InvalidPlaybookError(
            file, "code", _("begins with a letter: at most 60 of a to z, 0 to 9 and _")
        )
    book = _book(code, file, _parsed(file, text, File), _shared(FOLDER))
    if book.starter_set:
        raise InvalidPlaybookError(file, "starter_set", _("is of the library alone"))
    return book


@dataclass(frozen=True)
class _Shared:
    """What the playbooks of a folder share."""

    settings: Mapping[str, SettingTold]
    evidence: Mapping[str, EvidenceTold]


def _shared(folder: Path) -> _Shared:
    return _Shared(
        settings=_table(folder / "_settings.toml", dict[str, SettingTold]),
        evidence=_table(folder / "_evidence.toml", dict[str, EvidenceTold]),
    )


def _table(path: Path, type_: Any) -> Any:  # noqa: ANN401  as msgspec has it
    return _parsed(path.name, path.read_text(encoding="utf-8"), type_)


def _parsed(file: str, text: str, type_: Any) -> Any:  # noqa: ANN401  as msgspec has it
    try:
        return msgspec.convert(tomllib.loads(text), type_)
    except tomllib.TOMLDecodeError as error:
        raise InvalidPlaybookError(file, "file", _("this is no TOML: %(said)s") % {"said": error}) from error
    except msgspec.ValidationError as error:
        told, _dash, place = str(error).partition(" - at `")
        raise InvalidPlaybookError(file, place.strip("`$.") or "file", _in_words(told)) from error


def _in_words(said: str) -> str:
    """Return what msgspec says of a value, in the language of whoever reads."""
    for pattern, words in _SAID:
        found = pattern.fullmatch(said)
        if found is not None:
            return _(words) % found.groupdict()
    return _("this cannot be read: %(said)s") % {"said": said}


def _read(path: Path, shared: _Shared) -> Playbook:
    named = _NUMBERED.fullmatch(path.name)
    if named is None:
        raise InvalidPlaybookError(path.name, "file", _("is called NN-code.toml"))
    return _book(named.group(1), path.name, _table(path, File), shared)


def _book(code: str, file: str, told: File, shared: _Shared) -> Playbook:
    known = partial(_known, file)
    chosen = {name: _setting(name, default, shared.settings, file) for name, default in told.settings.items()}
    _check_names(told, chosen, file)
    return Playbook(
        code=code,
        group=told.group,
        of=told.of,
        name=told.name,
        about=told.about,
        starter_set=told.starter_set,
        needs=told.needs,
        rooms=told.rooms,
        evidence=[known(name, shared.evidence, "evidence") for name in told.evidence],
        settings=chosen,
        messages={name: _message(name, one, told.name, file) for name, one in told.messages.items()},
        offers=told.offers,
        segments=told.segments,
        attributes=told.attributes,
        journey=told.journey,
    )


def _known(file: str, name: str, among: Mapping[str, Any], place: str) -> Any:  # noqa: ANN401  whatever is in it
    if name not in among:
        told = {"name": repr(name), "choices": ", ".join(among) or "–"}
        raise InvalidPlaybookError(file, place, _("%(name)s is not there; choose from %(choices)s") % told)
    return among[name]


def _setting(
    name: str, default: float | str | Said, settings: Mapping[str, SettingTold], file: str
) -> Setting:
    one: SettingTold = _known(file, name, settings, "settings")
    if (one.type == "text") != isinstance(default, str | Said):
        raise InvalidPlaybookError(
            file,
            f"settings.{name}",
            _("%(value)s is no %(type)s") % {"value": repr(default), "type": one.type},
        )
    label = Said(en=one.en, zh=one.zh)
    return Setting(name=name, label=label, type=one.type, default=default, least=one.least, most=one.most)


def _check_names(told: File, settings: Mapping[str, Setting], file: str) -> None:
    """Refuse what names a setting, step, message or offer that the file has not."""
    known = partial(_known, file)
    for place, name in _settings_named(told):
        known(name, settings, place)
    known(told.journey.first, told.journey.steps, "journey.first")
    for step, fields in told.journey.steps.items():
        place = f"journey.steps.{step}"
        for name in fields.get("over", ()):
            known(name, told.messages, f"{place}.over")
        if "offer" in fields:
            known(fields["offer"], told.offers, f"{place}.offer")


def _message(name: str, told: MessageTold, otherwise: Said, file: str) -> Message:
    if told.starter:
        try:
            found = starter(told.starter)
        except NoSuchStarterError as error:
            raise InvalidPlaybookError(file, f"messages.{name}.starter", str(error)) from error
        _check_medium(name, found.format, told.medium, file)
        return Message(
            name=name,
            title=told.name or found.name,
            format=found.format,
            medium=told.medium,
            content=found.content,
        )
    if told.en is None or told.zh is None:
        missing = "en" if told.en is None else "zh"
        raise InvalidPlaybookError(
            file, f"messages.{name}.{missing}", _("is not written, and no starter is named")
        )
    _check_medium(name, told.format, told.medium, file)
    return Message(
        name=name,
        title=told.name or otherwise,
        format=told.format,
        medium=told.medium,
        content={
            language: {
                "subject": one.subject.strip(),
                "preheader": one.preheader.strip(),
                "body": one.body.strip() + "\n",
            }
            for language, one in (("en", told.en), ("zh-hans", told.zh))
        },
    )


def _check_medium(name: str, format_: str, medium: str, file: str) -> None:
    if (format_ == "task") != bool(medium):
        message = _("is phone or post of tasks, and of nothing else")
        raise InvalidPlaybookError(file, f"messages.{name}.medium", message)


def _settings_named(told: File) -> Iterator[tuple[str, str]]:
    """Yield the places where settings stand, with their names."""
    for name, offer in told.offers.items():
        for field_name, value in (
            ("benefit", offer.benefit), ("least", offer.least), ("code_days", offer.code_days)
        ):  # fmt: skip
            yield from _named_in(value, f"offers.{name}.{field_name}")
    for name, segment in told.segments.items():
        yield from _named_in(segment.rule, f"segments.{name}.rule")
    for name, part in (("entry", told.journey.entry), ("reentry", told.journey.reentry), ("steps", told.journey.steps),
                       ("goal", told.journey.goal), ("exit", told.journey.exit)):  # fmt: skip
        yield from _named_in(part, f"journey.{name}")


def _named_in(value: object, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and value.startswith(PLACE):
        yield place, value.removeprefix(PLACE)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _named_in(one, f"{place}.{key}")
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _named_in(one, f"{place}[{number}]")
