"""What journeys say: rows of the ledger, and what stands in them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from regulars.journeys.models import Journey, JourneyVersion
from regulars.journeys.operations.campaigns import shows_coupon
from regulars.journeys.registry import SOURCE, Batch, Said, Step
from regulars.kernel.errors import RegularsError
from regulars.messaging import composing
from regulars.messaging.coupons import OFFER
from regulars.messaging.labels import medium_label
from regulars.messaging.models import Channel, Send
from regulars.messaging.operations.sends import begin_send, enlist
from regulars.messaging.queries.reach import reach_of
from regulars.messaging.queries.templates import latest_version
from regulars.messaging.registry import Fill, Message, Recipient, Source, Variant, register_source
from regulars.messaging.tasks import request_sending
from regulars.shop.wording import gettext as _


class NothingToSayError(RegularsError):
    """The step has no content for the channel."""

    code: ClassVar[str] = "journey_without_content"


def say(
    batch: Batch,
    customer_ids: Sequence[int],
    *,
    channels: Sequence[Channel],
    said: Said,
    occasion: tuple[int, int],
) -> None:
    """Put a message to each customer into the ledger, over the first channel that reaches them.

    Whom it refuses for good gets it over the next. Whom none reaches is there too, held back with the reason. The occasion (which time on the journey, which time at the step)
    makes it a message of its own: the ledger takes one of a send for each customer and channel.
    """
    send = _send_of(batch, channels=channels, said=said, occasion=occasion)
    reached = reach_of(
        customer_ids,
        purpose=said.purpose,
        tag=said.tag,
        channels=channels,
        now=batch.now,
        is_transactional=said.is_transactional,
        offer=send.offer,
    )
    over: dict[int, list[int]] = defaultdict(list)
    for who in customer_ids:
        over[reached[who].channel_id if who in reached else channels[0].pk].append(who)
    for channel_id, some in over.items():
        excluded = {who: reached[who].reason for who in some if who in reached and reached[who].reason}
        enlist(send.pk, some, channel_id=channel_id, now=batch.now, excluded=excluded)
    request_sending()


def _send_of(batch: Batch, *, channels: Sequence[Channel], said: Said, occasion: tuple[int, int]) -> Send:
    version = JourneyVersion.objects.select_related("journey").get(pk=batch.version_id)
    ordinal, time = occasion
    times = f" ({ordinal + time})" if ordinal + time > 1 else ""
    return begin_send(
        Source(kind=SOURCE, id=batch.journey_id, step=f"{version.number}.{batch.name}.{ordinal}.{time}"),
        label=f"{version.journey.name}: {batch.step.get('label') or batch.name}{times}",
        purpose=said.purpose,
        now=batch.now,
        by=version.published_by,
        tag=said.tag,
        is_transactional=said.is_transactional,
        counts=said.counts,
        over=[channel.pk for channel in channels],
        offer_id=said.offer_id,
    )


def shows_offer(step: Step) -> bool:
    """Return whether a template of a step says anything of an offer."""
    media = dict(Channel.objects.values_list("pk", "medium"))
    for one in step["over"]:
        version = latest_version(one["template"])
        if version is not None and shows_coupon(
            composing.of_version(version.pk, channel=media[one["channel"]])
        ):
            return True
    return False


# Content


@dataclass(frozen=True, kw_only=True)
class _Plain:
    """Content that is the same for all, with who it is about for programs."""

    subject: str
    text: str
    data: dict[str, object]

    def batch(self, recipients: Sequence[Recipient], *, now: datetime) -> Fill:
        del recipients
        told = {**self.data, "at": now.isoformat()}
        return lambda one: Message(
            subject=self.subject, text=self.text, data={**told, "customer": one.customer_id}
        )


def compose(source: Source, *, channel: str) -> Variant:
    """Compose for sources of the kind `journey`, whose step is `version.step.ordinal.time`.

    What is published of a template now is what is said: a template that is mended is mended for everybody on the way.

    Raises:
        NothingToSayError: The step says nothing over this medium.
    """
    number, name, *_occasion = source.step.split(".")
    version = JourneyVersion.objects.filter(journey=source.id, number=int(number)).first()
    step = version.graph["steps"].get(name, {}) if version is not None else {}
    if "over" in step:
        return _of_template(step, channel=channel, source=source)
    if "channel" not in step:
        raise _nothing(name, channel)
    journey = Journey.objects.get(pk=source.id)
    return _Plain(
        subject=step.get("title") or "",
        text=step.get("text") or "",
        data={"journey": {"id": journey.pk, "name": journey.name}, "step": name, "version": int(number)},
    )


def _of_template(step: Step, *, channel: str, source: Source) -> Variant:
    media = dict(Channel.objects.values_list("pk", "medium"))
    for one in step["over"]:
        version = latest_version(one["template"])
        if media.get(one["channel"]) == channel and version is not None:
            given: dict[str, object] = {} if step.get("offer") is None else {OFFER: step["offer"]}
            return composing.of_version(version.pk, channel=channel, given=given)
    raise _nothing(source.step, channel)


def _nothing(step: str, channel: str) -> NothingToSayError:
    return NothingToSayError(
        _("the step %(step)s has nothing to say over %(channel)s")
        % {"step": step, "channel": medium_label(channel)}
    )


def register() -> None:
    """Compose for journeys."""
    register_source(SOURCE, compose)
