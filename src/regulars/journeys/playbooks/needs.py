"""What a playbook needs of the shop, and whether it is there: data in the record, channels, rooms that are not built yet."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from regulars.insights.models import DueProduct, Profile, Recommendation
from regulars.insights.queries import latest_run
from regulars.journeys.playbooks import Message, Playbook
from regulars.messaging.models import Channel
from regulars.messaging.starters import Said
from regulars.shop.models import AttributeValue, Consent, Event, Order, OrderLine
from regulars.shop.models.consents import Channel as Medium

Kind = Literal["data", "channel", "room"]
TEXT_MEDIA = (Medium.SMS, Medium.WECOM, Medium.WHATSAPP)
_ATTRIBUTE, _EVENT = "attribute.", "event."
_ROOMS: Mapping[str, Promise] = {
    "loyalty": _("needs the loyalty programme, which Regulars does not have yet"),
    "feedback": _("needs surveys, which Regulars does not have yet"),
    "care": _("needs tickets, which Regulars does not have yet"),
}


@dataclass(frozen=True, kw_only=True)
class Need:
    """Something that a playbook needs.

    Attributes:
        code: What: `orders`, `consent.email`, `channel.email`, `room.loyalty`.
        kind: Data, a channel, or a room that is not built yet.
        words: In words, with the reason where it is not met.
        is_met: Whether it is there.
        hinders: Whether the playbook cannot be turned on without it; otherwise it waits until it comes.
    """

    code: str
    kind: Kind
    words: str
    is_met: bool
    hinders: bool = False


@dataclass(frozen=True)
class _Data:
    words: Promise
    missing: Promise
    is_there: Callable[[], bool]


_DATA: Mapping[str, _Data] = {
    "orders": _Data(
        _("Orders"), _("no order is in the record yet"), lambda: Order.objects.filter(is_valid=True).exists()
    ),
    "products": _Data(
        _("Products of orders"),
        _("the orders do not tell their products"),
        OrderLine.objects.exists,
    ),
    "labels": _Data(
        _("Tiers and stages"), _("tiers and stages were not computed yet"), lambda: latest_run() is not None
    ),
    "churn": _Data(
        _("Forecast of who may not come back"),
        _("too few customers for a forecast yet"),
        lambda: Profile.objects.filter(churn_probability__isnull=False).exists(),
    ),
    "cycles": _Data(
        _("Products bought again and again"),
        _("no product is bought again and again yet"),
        DueProduct.objects.exists,
    ),
    "recommendations": _Data(
        _("Recommendations"),
        _("nothing can be recommended yet"),
        Recommendation.objects.exists,
    ),
}
KNOWN = frozenset(_DATA)


def needs_of(book: Playbook) -> list[Need]:
    """Return what a playbook needs: what hinders it first, then the data it waits for; a query each."""
    return [*_rooms(book), *_channels(book), *_data(book), *_consents(book)]


def hindrances(needs: Sequence[Need]) -> list[Need]:
    """Return what keeps a playbook from being turned on."""
    return [one for one in needs if one.hinders and not one.is_met]


def channel_of(message: Message) -> Channel | None:
    """Return the first channel in use by which a message can go; None where there is none."""
    rows = Channel.objects.filter(is_active=True).order_by("id")
    if message.format == "task":
        return rows.filter(kind="staff_task", medium=message.medium).first()
    if message.format == "email":
        return rows.filter(medium=Medium.EMAIL).first()
    found = {row.medium: row for row in rows.filter(medium__in=TEXT_MEDIA).order_by("-id")}
    return next((found[medium] for medium in TEXT_MEDIA if medium in found), None)


def _rooms(book: Playbook) -> Iterator[Need]:
    for one in book.rooms:
        yield Need(
            code=f"room.{one.room}",
            kind="room",
            words=str(_ROOMS[one.room]) if one.hinders else f"{_said(one.en, one.zh)}: {_ROOMS[one.room]}",
            is_met=False,
            hinders=one.hinders,
        )


def _said(en: str, zh: str) -> str:
    return str(Said(en=en, zh=zh))


def _channels(book: Playbook) -> Iterator[Need]:
    """Yield for each sending step whether a channel is there; tasks of staff need none, their list is made."""
    seen = set()
    for step in book.journey.steps.values():
        said = [book.messages[name] for name in step.get("over", ())]
        formats = tuple(dict.fromkeys(one.format for one in said))
        if not said or formats in seen or "task" in formats:
            continue
        seen.add(formats)
        words = gettext("E-mail") if formats[0] == "email" else gettext("SMS or chat")
        if len(formats) > 1:
            words = gettext("E-mail, SMS or chat")
        is_met = any(channel_of(one) is not None for one in said)
        missing = gettext("no such channel is set up yet")
        yield Need(
            code=f"channel.{formats[0]}",
            kind="channel",
            words=words if is_met else f"{words}: {missing}",
            is_met=is_met,
            hinders=True,
        )


def _data(book: Playbook) -> Iterator[Need]:
    for code in book.needs:
        if code.startswith(_ATTRIBUTE):
            name = code.removeprefix(_ATTRIBUTE)
            label = book.attributes[name]
            words = _said(label.en, label.zh)
            is_met = AttributeValue.objects.filter(definition__name=name).exists()
            missing = gettext("no customer has told it yet; they can under their own settings")
        elif code.startswith(_EVENT):
            name = code.removeprefix(_EVENT)
            words = gettext("Behaviour “%(event)s”") % {"event": name}
            is_met = Event.objects.filter(name=name).exists()
            missing = gettext("your site or app has not told of it yet")
        else:
            known = _DATA[code]
            words, is_met, missing = str(known.words), known.is_there(), str(known.missing)
        yield Need(code=code, kind="data", words=words if is_met else f"{words}: {missing}", is_met=is_met)


def _consents(book: Playbook) -> Iterator[Need]:
    """Yield whether anybody has allowed what it sends, where something is to be allowed."""
    media: dict[str, bool] = {}
    for step in book.journey.steps.values():
        if step.get("transactional"):
            continue
        for name in step.get("over", ()):
            one = book.messages[name]
            channel = channel_of(one)
            medium = one.medium or (
                channel.medium if channel else "email" if one.format == "email" else "sms"
            )
            media.setdefault(medium, True)
    if not media:
        return
    allowed = set(
        Consent.objects.filter(channel__in=media, purpose="marketing", state="granted")
        .values_list("channel", flat=True)
        .distinct()
    )
    words = gettext("Customers who allow it: %(how)s") % {
        "how": ", ".join(str(Medium(medium).label) for medium in media)
    }
    is_met = bool(allowed)
    missing = gettext("nobody has yet, so nobody gets anything")
    yield Need(
        code=f"consent.{next(iter(media))}",
        kind="data",
        words=words if is_met else f"{words}; {missing}",
        is_met=is_met,
    )
