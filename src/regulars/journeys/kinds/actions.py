"""Steps that do something: say it, give it, note it, tell a program, lead to another journey."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from django.db import connection
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from regulars.journeys.kinds import messages
from regulars.journeys.models import Journey
from regulars.journeys.operations.enrolling import enroll, remove
from regulars.journeys.registry import (
    Batch,
    Decision,
    Entrant,
    Field,
    Go,
    Said,
    Standing,
    Step,
    StepKind,
    World,
    Wrong,
    register_step,
)
from regulars.kernel.errors import RegularsError
from regulars.messaging.governance import OFFER_USED
from regulars.messaging.models import Channel
from regulars.offers.operations import issue
from regulars.shop.models import Consent
from regulars.shop.models.consents import Purpose
from regulars.shop.operations import attribute_rules, set_attributes, tag_customers, untag_customers
from regulars.shop.operations.attributes import Told
from regulars.shop.rules import attribute_value

_ATTRIBUTE = "attribute."
_PURPOSE = Field(
    name="purpose",
    label=_("What customers allowed"),
    type="choice",
    required=False,
    choices=Purpose.choices,
    default=Purpose.MARKETING.value,
)
_TAG = Field(name="tag", label=_("Tag by which caps know it"), type="text", required=False, default="")


def source_of(batch: Batch, ordinal: int) -> str:
    """Return what is written on codes and tags that a journey gives somebody the so-manieth time that they are on it."""
    return f"journey {batch.journey_id} #{ordinal}"


def by_ordinal(standings: Iterable[Standing]) -> dict[int, list[int]]:
    """Return the customers by which time it is that they are on the journey."""
    found: dict[int, list[int]] = defaultdict(list)
    for one in standings:
        found[one.ordinal].append(one.customer_id)
    return dict(sorted(found.items()))


# Messages


def _send(batch: Batch) -> None:
    offer_id = batch.step.get("offer")
    if offer_id is not None:
        _issue(batch)
    channels = Channel.objects.in_bulk([one["channel"] for one in batch.step["over"]])
    _say(batch, [channels[one["channel"]] for one in batch.step["over"]])


def _to_channel(batch: Batch) -> None:
    _say(batch, [Channel.objects.get(pk=batch.step["channel"])])


def _say(batch: Batch, channels: Sequence[Channel]) -> None:
    said = SAYS[batch.step["kind"]](batch.step)
    times = _times_before(batch)
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for one in batch.standings:
        groups[one.ordinal, times.get(one.enrollment_id, 0)].append(one.customer_id)
    for (ordinal, time), customer_ids in sorted(groups.items()):
        messages.say(batch, customer_ids, channels=channels, said=said, occasion=(ordinal, time))


def _times_before(batch: Batch) -> dict[int, int]:
    """Return how often enrollments passed this step before, where a loop leads back to it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT enrollment_id, count(*) FROM journeys_passage WHERE enrollment_id = ANY(%s) AND step = %s GROUP BY 1",
            [[one.enrollment_id for one in batch.standings if one.number], batch.name],
        )
        return dict(cursor.fetchall())


def _unallowed(step: Step) -> list[Wrong]:
    """Warn of channels over which nobody has allowed anything yet."""
    said = SAYS[step["kind"]](step)
    if said.is_transactional:
        return []
    found = []
    for channel in Channel.objects.filter(pk__in=said.channels).exclude(medium=""):
        allowed = Consent.objects.filter(channel=channel.medium, purpose=said.purpose, state="granted")
        if not allowed.exists():
            message = gettext("no customer has allowed this over %(channel)s yet") % {"channel": channel.name}
            field = "over" if "over" in step else "channel"
            found.append(Wrong(field, "no_consent", message, "warning"))
    return found


def _send_faults(step: Step) -> list[Wrong]:
    found = _unallowed(step)
    if step.get("offer") is None and messages.shows_offer(step):
        message = gettext("a template shows a code, and the step has no offer")
        found.append(Wrong("offer", "missing_offer", message))
    return found


def _send_says(step: Step) -> Said:
    return Said(
        channels=[one["channel"] for one in step["over"]],
        purpose=step.get("purpose") or Purpose.MARKETING,
        tag=step.get("tag") or "",
        is_transactional=bool(step.get("transactional")),
        offer_id=step.get("offer"),
    )


def _task_says(step: Step) -> Said:
    return Said(channels=[step["channel"]], purpose=step.get("purpose") or Purpose.MARKETING)


def _webhook_says(step: Step) -> Said:
    return Said(channels=[step["channel"]], purpose=Purpose.SERVICE, is_transactional=True, counts=False)


SAYS: Mapping[str, Callable[[Step], Said]] = {
    "send": _send_says,
    "task": _task_says,
    "webhook": _webhook_says,
}


# Everything else


def _pass_offer(batch: Batch, world: World) -> Mapping[int, Decision]:
    """Let everybody pass, with a note of those who get no code because they have used the offer as often as they may."""
    spent = world.used_up(batch.step["offer"], batch.customer_ids, now=batch.now)
    return {
        one.enrollment_id: Go(note=OFFER_USED if one.customer_id in spent else "") for one in batch.standings
    }


def _issue(batch: Batch) -> None:
    for ordinal, customer_ids in by_ordinal(batch.standings).items():
        issue(batch.step["offer"], customer_ids, source=source_of(batch, ordinal), now=batch.now)


def _tag(batch: Batch) -> None:
    change = untag_customers if batch.step.get("change") == "take" else tag_customers
    change(
        tag_id=batch.step["tag"],
        customer_ids=batch.customer_ids,
        source=f"journey {batch.journey_id}",
        now=batch.now,
    )


def _set_attribute(batch: Batch) -> None:
    name = batch.step["attribute"].removeprefix(_ATTRIBUTE)
    set_attributes(
        [
            Told(
                customer_id=who,
                name=name,
                value=batch.step["value"],
                at=batch.now,
                source=f"journey {batch.journey_id}",
            )
            for who in batch.customer_ids
        ]
    )


def _attribute_faults(step: Step) -> list[Wrong]:
    key = str(step["attribute"])
    if not key.startswith(_ATTRIBUTE):
        return [Wrong("attribute", "invalid", gettext("choose an attribute that you added yourself"))]
    name = key.removeprefix(_ATTRIBUTE)
    try:
        attribute_value(attribute_rules([name])[name], step["value"])
    except RegularsError as error:
        return [Wrong("value", "invalid", str(error))]
    return []


def _start_journey(batch: Batch) -> None:
    if Journey.objects.filter(pk=batch.step["journey"], state=Journey.State.RUNNING).exists():
        entrants = [
            Entrant(customer_id=one.customer_id, key=f"j{one.enrollment_id}.{one.number}", at=batch.now)
            for one in batch.standings
        ]
        enroll(batch.step["journey"], entrants, now=batch.now)


def _leave_journey(batch: Batch) -> None:
    remove(batch.step["journey"], batch.customer_ids, reason=f"journey {batch.journey_id}", now=batch.now)


_JOURNEY = Field(name="journey", label=_("Journey"), type="journey")


def register() -> None:
    """Offer them."""
    register_step(
        StepKind(
            kind="send",
            label=_("Send a message"),
            group="say",
            icon="send",
            help=_(
                "Each customer gets it over the first channel that reaches them. Consent, caps and quiet hours are the ledger's."
            ),
            fields=(
                Field(name="over", label=_("Channels and templates"), type="over"),
                Field(
                    name="offer",
                    label=_("Offer"),
                    type="offer",
                    required=False,
                    help=_(
                        "Everybody gets a code of their own with the message; who has used the offer as often as they may gets neither."
                    ),
                ),
                _PURPOSE,
                _TAG,
                Field(
                    name="transactional",
                    label=_("Has to be said"),
                    type="boolean",
                    required=False,
                    default=False,
                    help=_(
                        "A receipt or a reply: neither consent to adverts, caps nor quiet hours hold it back."
                    ),
                ),
            ),
            act=_send,
            says=_send_says,
            faults=_send_faults,
        )
    )
    register_step(
        StepKind(
            kind="task",
            label=_("Task for staff"),
            group="say",
            icon="phone",
            help=_("One of the staff calls, writes a card or packs a gift."),
            fields=(
                Field(name="channel", label=_("Channel"), type="channel", only=("staff_task",)),
                Field(name="title", label=_("What to do"), type="text"),
                Field(name="text", label=_("What to say"), type="text", required=False, default=""),
                _PURPOSE,
            ),
            act=_to_channel,
            says=_task_says,
            faults=_unallowed,
        )
    )
    register_step(
        StepKind(
            kind="offer",
            label=_("Give a code"),
            group="do",
            icon="discount",
            help=_(
                "Everybody gets a code of the offer, but for those who have used it as often as they may."
            ),
            fields=(Field(name="offer", label=_("Offer"), type="offer"),),
            decide=_pass_offer,
            act=_issue,
            says=lambda step: Said(offer_id=step["offer"]),
        )
    )
    register_step(
        StepKind(
            kind="tag",
            label=_("Tag"),
            group="do",
            icon="tag",
            help=_("Puts a tag on customers, or takes it off."),
            fields=(
                Field(name="tag", label=_("Tag"), type="tag"),
                Field(
                    name="change",
                    label=_("What to do"),
                    type="choice",
                    required=False,
                    choices=(("put", _("Put it on")), ("take", _("Take it off"))),
                    default="put",
                ),
            ),
            act=_tag,
        )
    )
    register_step(
        StepKind(
            kind="attribute",
            label=_("Set an attribute"),
            group="do",
            icon="pencil",
            help=_("Writes the same value down of everybody who comes by."),
            fields=(
                Field(name="attribute", label=_("Attribute"), type="attribute"),
                Field(name="value", label=_("Value"), type="text"),
            ),
            act=_set_attribute,
            faults=_attribute_faults,
        )
    )
    register_step(
        StepKind(
            kind="webhook",
            label=_("Call a program"),
            group="do",
            icon="webhook",
            help=_("A signed call for each customer, tried again until it is taken."),
            fields=(Field(name="channel", label=_("Channel"), type="channel", only=("webhook",)),),
            act=_to_channel,
            says=_webhook_says,
        )
    )
    register_step(
        StepKind(
            kind="start_journey",
            label=_("Start another journey"),
            group="do",
            icon="player-track-next",
            help=_("Who comes by is let into another journey too, by its own rules, if it runs."),
            fields=(_JOURNEY,),
            act=_start_journey,
        )
    )
    register_step(
        StepKind(
            kind="leave_journey",
            label=_("Leave another journey"),
            group="do",
            icon="door-exit",
            help=_("Who comes by is taken off another journey."),
            fields=(_JOURNEY,),
            act=_leave_journey,
        )
    )
