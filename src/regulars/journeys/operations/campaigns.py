"""Write campaigns, schedule them, stop them; `starting` begins them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import transaction

from regulars.journeys.models import Campaign, CampaignChannel
from regulars.journeys.rules import Start
from regulars.journeys.sampling import Sample, tried
from regulars.kernel.errors import RegularsError
from regulars.messaging import composing
from regulars.messaging.models import Channel, Send, Template
from regulars.messaging.operations import sends
from regulars.messaging.queries.templates import latest_version
from regulars.offers import queries as offers
from regulars.offers.models import Offer
from regulars.segments import queries as segments
from regulars.segments.models import Segment
from regulars.shop.models.consents import Purpose
from regulars.shop.wording import gettext as _
from regulars.staff.models import User

MOST_CHANNELS = 3
MOST_HOLDOUT_BP = 5_000
_NAME_LENGTH, _TAG_LENGTH = 100, 60
_MOST_PRIORITY, _MOST_WINDOW_DAYS, _MOST_DAYS = 100, 90, 30
_FARTHEST = timedelta(days=366)


class NoSuchCampaignError(RegularsError):
    """No campaign has this id."""

    code: ClassVar[str] = "no_such_campaign"


class CampaignStateError(RegularsError):
    """What was asked of a campaign does not fit the state that it is in."""

    code: ClassVar[str] = "campaign_state"


class InvalidCampaignError(RegularsError):
    """Something that was told of a campaign cannot be; `field` names the part."""

    code: ClassVar[str] = "invalid_campaign"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message, field=field)
        self.field = field


@dataclass(frozen=True, kw_only=True)
class Over:
    """A channel and the template of what is said over it."""

    channel_id: int
    template_id: int


@dataclass(frozen=True, kw_only=True)
class CampaignTold:
    """Everything that a person says of a campaign.

    Attributes:
        name: For the staff.
        segment_id: To whom.
        over: Channels in the order in which they are tried, one to three, each of another medium.
        excluded: Segments whose members get nothing.
        purpose: What customers must have allowed.
        tag: By which caps know it.
        priority: 0 to 100; higher goes first.
        offer_id: The offer of which everybody gets a code with the message.
        start: When; nothing told means as soon as it is confirmed.
        holdout_bp: How many of 10,000 get nothing, to measure against; 0 to 5,000.
        window_days: For how many days after a message orders count; 1 to 90.
        lasts_days: For how many days after the start messages may begin; 1 to 30.
    """

    name: str
    segment_id: int
    over: Sequence[Over]
    excluded: Sequence[int] = ()
    purpose: str = Purpose.MARKETING
    tag: str = ""
    priority: int = 50
    offer_id: int | None = None
    start: Start = Start()  # noqa: RUF009  frozen
    holdout_bp: int = 1_000
    window_days: int = 7
    lasts_days: int = 3


def create_campaign(told: CampaignTold, *, by: User | None, now: datetime) -> Campaign:
    """Make a campaign, as a draft.

    Raises:
        InvalidCampaignError: Something of it cannot be; `field` names the part.
    """
    columns = _columns(told)
    with transaction.atomic():
        campaign = Campaign.objects.create(**columns, created_at=now, created_by=by)
        _put_channels(campaign, told.over)
    return campaign


def change_campaign(campaign_id: int, *, told: CampaignTold) -> Campaign:
    """Change a draft.

    Raises:
        NoSuchCampaignError: There is none.
        CampaignStateError: It is no draft any more.
        InvalidCampaignError: As of `create_campaign`.
    """
    columns = _columns(told)
    with transaction.atomic():
        campaign = _draft(campaign_id)
        for name, value in columns.items():
            setattr(campaign, name, value)
        campaign.save(update_fields=list(columns))
        campaign.channels.all().delete()
        _put_channels(campaign, told.over)
    return campaign


def copy_campaign(campaign_id: int, *, by: User | None, now: datetime) -> Campaign:
    """Make a draft like a campaign. Its time, if it had one, is not copied.

    Raises:
        NoSuchCampaignError: There is none.
    """
    source = found(campaign_id)
    with transaction.atomic():
        copy = Campaign.objects.create(
            name=_next_name(source.name),
            segment_id=source.segment_id,
            excluded=source.excluded,
            purpose=source.purpose,
            tag=source.tag,
            priority=source.priority,
            offer_id=source.offer_id,
            holdout_bp=source.holdout_bp,
            window_days=source.window_days,
            lasts_days=source.lasts_days,
            created_at=now,
            created_by=by,
        )
        for row in source.channels.all():
            CampaignChannel.objects.create(
                campaign=copy, position=row.position, channel_id=row.channel_id, template_id=row.template_id
            )
    return copy


def archive_campaign(campaign_id: int, *, now: datetime) -> Campaign:
    """Put a campaign out of sight; its figures stay. One that is there stays as it is.

    Raises:
        NoSuchCampaignError: There is none.
        CampaignStateError: It waits for its time, or is being sent.
    """
    with transaction.atomic():
        campaign = locked(campaign_id)
        send = campaign.send
        is_at_work = send is not None and send.state != Send.State.CANCELLED and send.finished_at is None
        if campaign.state == Campaign.State.SCHEDULED or is_at_work:
            raise CampaignStateError(_("“%(name)s” is at work; stop it first") % {"name": campaign.name})
        if campaign.archived_at is None:
            campaign.archived_at = now
            campaign.save(update_fields=["archived_at"])
    return campaign


def unarchive_campaign(campaign_id: int) -> Campaign:
    """Take a campaign out of the archive.

    Raises:
        NoSuchCampaignError: There is none.
    """
    with transaction.atomic():
        campaign = locked(campaign_id)
        campaign.archived_at = None
        campaign.save(update_fields=["archived_at"])
    return campaign


def schedule_campaign(campaign_id: int, *, now: datetime) -> Campaign:
    """Confirm a draft: what is published of its templates now is what is sent, at its time.

    Raises:
        NoSuchCampaignError: There is none.
        CampaignStateError: It is no draft any more, or is in the archive.
        InvalidCampaignError: It cannot be sent as it is; `field` names the part.
    """
    with transaction.atomic():
        campaign = _draft(campaign_id)
        for problem in problems(campaign, now=now):
            raise problem
        for row in campaign.channels.select_related("template"):
            row.version = latest_version(row.template_id)
            row.save(update_fields=["version"])
        campaign.starts_at = start_of(campaign).first(now=now)
        campaign.state = Campaign.State.SCHEDULED
        campaign.trouble = ""
        campaign.save(update_fields=["starts_at", "state", "trouble"])
    return campaign


def unschedule_campaign(campaign_id: int) -> Campaign:
    """Make a scheduled campaign a draft again. A draft stays one.

    Raises:
        NoSuchCampaignError: There is none.
        CampaignStateError: It has begun.
    """
    with transaction.atomic():
        campaign = locked(campaign_id)
        if campaign.state == Campaign.State.BEGUN:
            raise CampaignStateError(_("“%(name)s” has begun") % {"name": campaign.name})
        campaign.state, campaign.starts_at, campaign.trouble = Campaign.State.DRAFT, None, ""
        campaign.save(update_fields=["state", "starts_at", "trouble"])
        campaign.channels.update(version=None)
    return campaign


def pause_campaign(campaign_id: int) -> Campaign:
    """Begin no more of its messages.

    Raises:
        NoSuchCampaignError: There is none.
        CampaignStateError: It has not begun.
        SendStateError: It was cancelled.
    """
    campaign = begun(campaign_id)
    sends.pause_send(_send_id(campaign))
    return campaign


def resume_campaign(campaign_id: int) -> Campaign:
    """Go on with a paused campaign. Raises as `pause_campaign`."""
    campaign = begun(campaign_id)
    sends.resume_send(_send_id(campaign))
    return campaign


def cancel_campaign(campaign_id: int, *, now: datetime) -> int:
    """Hold back for good whatever of a campaign has not begun, and return how many messages that is.

    Raises:
        NoSuchCampaignError: There is none.
        CampaignStateError: It has not begun; take a scheduled one back instead.
    """
    return sends.cancel_send(_send_id(begun(campaign_id)), now=now)


def retry_campaign(campaign_id: int, *, now: datetime) -> int:
    """Try again those whom a campaign did not reach, and return how many. Raises as `pause_campaign`."""
    return sends.send_to_unreached(_send_id(begun(campaign_id)), now=now)


def problems(
    campaign: Campaign, *, now: datetime, samples: Sequence[Sample] | None = None
) -> list[InvalidCampaignError]:
    """Return what must be mended before a draft can be sent, in words for its writer.

    Args:
        campaign: The draft.
        now: When it would be confirmed.
        samples: Messages of some of its customers; without them, they are made if nothing else is wrong.
    """
    found = [
        *_problems_of_segments(campaign, now=now),
        *_problems_of_channels(campaign),
        *_problems_of_offer(campaign, now=now),
        *_problems_of_time(campaign, now=now),
    ]
    return found or _problems_of_samples(tried(campaign, now=now) if samples is None else samples)


def start_of(campaign: Campaign) -> Start:
    """Return when a campaign begins."""
    return Start(at=campaign.at, on_day=campaign.on_day, clock=campaign.clock)


def found(campaign_id: int) -> Campaign:
    """Return a campaign with its segment, offer and send.

    Raises:
        NoSuchCampaignError: There is none.
    """
    campaign = (
        Campaign.objects.select_related("segment", "offer", "send", "created_by")
        .filter(pk=campaign_id)
        .first()
    )
    if campaign is None:
        raise NoSuchCampaignError(
            _("there is no campaign %(id)s") % {"id": campaign_id}, campaign_id=campaign_id
        )
    return campaign


def begun(campaign_id: int) -> Campaign:
    """Return a campaign that has begun. Raises as `pause_campaign`."""
    campaign = found(campaign_id)
    if campaign.state != Campaign.State.BEGUN:
        raise CampaignStateError(_("“%(name)s” has not begun") % {"name": campaign.name})
    return campaign


def locked(campaign_id: int) -> Campaign:
    """Return a campaign that nobody else changes until the transaction ends. Raises as `found`."""
    if Campaign.objects.select_for_update(no_key=True).filter(pk=campaign_id).first() is None:
        raise NoSuchCampaignError(
            _("there is no campaign %(id)s") % {"id": campaign_id}, campaign_id=campaign_id
        )
    return found(campaign_id)


def _send_id(campaign: Campaign) -> int:
    assert campaign.send_id is not None  # noqa: S101  by constraint of what has begun
    return campaign.send_id


def _draft(campaign_id: int) -> Campaign:
    campaign = locked(campaign_id)
    if campaign.state != Campaign.State.DRAFT or campaign.archived_at is not None:
        raise CampaignStateError(_("“%(name)s” is no draft any more; copy it") % {"name": campaign.name})
    return campaign


def _put_channels(campaign: Campaign, over: Sequence[Over]) -> None:
    for position, one in enumerate(over):
        CampaignChannel.objects.create(
            campaign=campaign, position=position, channel_id=one.channel_id, template_id=one.template_id
        )


# What can be told


def _columns(told: CampaignTold) -> dict[str, Any]:
    """Return what is told of a campaign by the columns that keep it."""
    name = " ".join(told.name.replace("\0", "").split())
    if not 1 <= len(name) <= _NAME_LENGTH:
        raise InvalidCampaignError(
            _("a name of %(many)s characters, must have 1 to 100") % {"many": len(name)}, field="name"
        )
    tag = told.tag.strip()
    if len(tag) > _TAG_LENGTH or "\0" in tag:
        raise InvalidCampaignError(_("the tag has more than 60 characters"), field="tag")
    if told.purpose not in Purpose.values:
        raise _choice("purpose", told.purpose, Purpose.values)
    for field, value, least, most in (
        ("priority", told.priority, 0, _MOST_PRIORITY),
        ("holdout_bp", told.holdout_bp, 0, MOST_HOLDOUT_BP),
        ("window_days", told.window_days, 1, _MOST_WINDOW_DAYS),
        ("lasts_days", told.lasts_days, 1, _MOST_DAYS),
    ):
        if not least <= value <= most:
            raise InvalidCampaignError(
                _("%(field)s == %(value)s, must be %(least)s to %(most)s")
                % {"field": field, "value": value, "least": least, "most": most},
                field=field,
            )
    _check_segments(told)
    _check_over(told.over)
    if told.offer_id is not None and not Offer.objects.filter(pk=told.offer_id).exists():
        raise InvalidCampaignError(_("there is no such offer"), field="offer")
    return {
        "name": name,
        "segment_id": told.segment_id,
        "excluded": sorted(set(told.excluded)),
        "purpose": told.purpose,
        "tag": tag,
        "priority": told.priority,
        "offer_id": told.offer_id,
        "holdout_bp": told.holdout_bp,
        "window_days": told.window_days,
        "lasts_days": told.lasts_days,
        **_timing(told.start),
    }


def _timing(start: Start) -> dict[str, Any]:
    is_local = start.on_day is not None or start.clock is not None
    if is_local and (start.on_day is None or start.clock is None or start.at is not None):
        raise InvalidCampaignError(
            _("a local time needs a day and an hour, and nothing else"), field="on_day"
        )
    timing = Campaign.Timing.LOCAL if is_local else Campaign.Timing.AT if start.at else Campaign.Timing.NOW
    return {"timing": timing, "at": start.at, "on_day": start.on_day, "clock": start.clock}


def _check_segments(told: CampaignTold) -> None:
    asked = {told.segment_id, *told.excluded}
    known = set(Segment.objects.filter(pk__in=asked, archived_at=None).values_list("pk", flat=True))
    if told.segment_id not in known:
        raise InvalidCampaignError(_("there is no such segment"), field="segment")
    if not set(told.excluded) <= known:
        raise InvalidCampaignError(_("there is no such segment"), field="excluded")
    if told.segment_id in told.excluded:
        raise InvalidCampaignError(_("who gets it cannot be left out as well"), field="excluded")


def _check_over(over: Sequence[Over]) -> None:
    if not 1 <= len(over) <= MOST_CHANNELS:
        raise InvalidCampaignError(_("choose one to three channels"), field="over")
    channels = Channel.objects.filter(is_active=True).in_bulk([one.channel_id for one in over])
    templates = Template.objects.filter(archived_at=None).in_bulk([one.template_id for one in over])
    media: set[str] = set()
    for one in over:
        channel, template = channels.get(one.channel_id), templates.get(one.template_id)
        if channel is None:
            raise InvalidCampaignError(_("there is no such channel in use"), field="over")
        if template is None:
            raise InvalidCampaignError(_("there is no such template"), field="over")
        if channel.medium in media:
            raise InvalidCampaignError(_("two channels reach people by the same way"), field="over")
        media.add(channel.medium)
        _check_content(channel, template)


def _check_content(channel: Channel, template: Template) -> None:
    version = latest_version(template.pk)
    if version is None:
        return
    try:
        composing.of_version(version.pk, channel=channel.medium)
    except RegularsError as error:
        raise InvalidCampaignError(
            _("“%(template)s” cannot go over %(channel)s: %(why)s")
            % {"template": template.name, "channel": channel.name, "why": error},
            field="over",
        ) from error


def _choice(field: str, value: str, choices: Sequence[str]) -> InvalidCampaignError:
    return InvalidCampaignError(
        _("%(field)s == %(value)s, must be one of %(choices)s")
        % {"field": field, "value": repr(value), "choices": ", ".join(choices)},
        field=field,
    )


# What must be right before it goes


def _problems_of_segments(campaign: Campaign, *, now: datetime) -> list[InvalidCampaignError]:
    """Return what is wrong with whom it goes to and whom it leaves out, but for what passes by itself."""
    named = Segment.objects.in_bulk([campaign.segment_id, *campaign.excluded])
    wrong = []
    for segment_id in (campaign.segment_id, *campaign.excluded):
        field = "segment" if segment_id == campaign.segment_id else "excluded"
        segment = named.get(segment_id)
        if segment is None:
            wrong.append(
                _wrong(
                    _("a segment that it leaves out is gone; change the campaign and save it"), field=field
                )
            )
            continue
        told = {"segment": segment.title}
        match segments.staleness(segment, now=now, behind=False):
            case "archived":
                wrong.append(_wrong(_("the segment “%(segment)s” is in the archive") % told, field=field))
            case "failed":
                message = _("who is in the segment “%(segment)s” could not be worked out")
                wrong.append(_wrong(message % told, field=field))
    return wrong


def _problems_of_channels(campaign: Campaign) -> list[InvalidCampaignError]:
    wrong = []
    for row in campaign.channels.select_related("channel", "template"):
        version = latest_version(row.template_id)
        told = {"template": row.template.name, "channel": row.channel.name}
        if not row.channel.is_active:
            wrong.append(_wrong(_("%(channel)s is no longer in use") % told))
        if row.template.archived_at is not None:
            wrong.append(_wrong(_("“%(template)s” is in the archive") % told))
        elif version is None:
            wrong.append(_wrong(_("“%(template)s” was not published yet") % told))
        else:
            wrong += _problems_of_content(campaign, row, version.pk)
    return wrong


def _problems_of_content(
    campaign: Campaign, row: CampaignChannel, version_id: int
) -> list[InvalidCampaignError]:
    try:
        variant = composing.of_version(version_id, channel=row.channel.medium)
    except RegularsError as error:
        told = {"template": row.template.name, "channel": row.channel.name, "why": error}
        return [_wrong(_("“%(template)s” cannot go over %(channel)s: %(why)s") % told)]
    if campaign.offer_id is None and shows_coupon(variant):
        told = {"template": row.template.name}
        return [_wrong(_("“%(template)s” shows a code, and the campaign has no offer") % told, field="offer")]
    return []


def _problems_of_samples(samples: Sequence[Sample]) -> list[InvalidCampaignError]:
    """Return over which channels not one of the messages that were tried can be made."""
    by_channel: dict[int, list[Sample]] = {}
    for one in samples:
        by_channel.setdefault(one.channel.pk, []).append(one)
    return [
        _wrong(
            _("over %(channel)s no message can be made, for none of the customers tried: %(why)s")
            % {"channel": some[0].channel.name, "why": some[0].fault}
        )
        for some in by_channel.values()
        if all(one.fault for one in some)
    ]


def shows_coupon(variant: composing.TemplateVariant) -> bool:
    """Return whether a template says anything of the offer."""
    return any(asked.names[0] == "coupon" for one in variant.variants.values() for _part, asked in one.asked)


def _problems_of_offer(campaign: Campaign, *, now: datetime) -> list[InvalidCampaignError]:
    if campaign.offer is None:
        return []
    told = {"offer": campaign.offer.name}
    if offers.shown_state(campaign.offer, now=now) not in ("live", "waiting"):
        return [_wrong(_("the offer “%(offer)s” does not run") % told, field="offer")]
    ends_at = campaign.offer.ends_at
    if ends_at is not None and ends_at <= start_of(campaign).first(now=now):
        return [_wrong(_("the offer “%(offer)s” ends before the campaign begins") % told, field="offer")]
    return []


def _problems_of_time(campaign: Campaign, *, now: datetime) -> list[InvalidCampaignError]:
    at = campaign.at
    if campaign.on_day is not None and campaign.clock is not None:
        # Where that day ends last on earth it must not have gone by.
        at = Start(on_day=campaign.on_day, clock=campaign.clock).first(now=now) + timedelta(hours=26)
    if at is None:
        return []
    if at <= now:
        return [_wrong(_("its time has gone by"), field="at")]
    if at > now + _FARTHEST:
        return [_wrong(_("its time is more than a year away"), field="at")]
    return []


def _wrong(message: str, *, field: str = "over") -> InvalidCampaignError:
    return InvalidCampaignError(message, field=field)


def _next_name(name: str) -> str:
    taken = set(Campaign.objects.filter(archived_at=None).values_list("name", flat=True))
    stem = name[: _NAME_LENGTH - 6]
    numbers = range(2, len(taken) + 3)
    return next(one for number in numbers if (one := f"{stem} {number}") not in taken)
