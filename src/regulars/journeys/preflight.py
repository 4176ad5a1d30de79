"""What a campaign would do if it were confirmed now: whom it reaches, what it costs, how small an effect could be seen."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import sqrt
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from regulars.analytics.experiments import fixed_alpha, minimum_detectable_effect
from regulars.experiments.operations import ExperimentStateError, arm_of
from regulars.experiments.rules import ALPHA, LEAST_UNITS
from regulars.insights.formats import count, labelled
from regulars.journeys.composing import KIND
from regulars.journeys.models import Campaign, CampaignChannel
from regulars.journeys.operations.campaigns import InvalidCampaignError, problems, shows_coupon, start_of
from regulars.journeys.queries.campaigns import left_out
from regulars.journeys.sampling import Audience, Sample, audience_of, looked_at, samples_of, versions_of
from regulars.journeys.starting import end_of
from regulars.kernel.days import start_of_day, zone_named
from regulars.kernel.errors import RegularsError
from regulars.messaging import composing, pacing
from regulars.messaging.channels import kind_named
from regulars.messaging.checking import check
from regulars.messaging.models import Channel, TemplateVersion
from regulars.messaging.operations.channels import opening_of
from regulars.messaging.queries.templates import has_changes
from regulars.messaging.registry import Message
from regulars.segments import queries as segments
from regulars.shop.queries import business, record_ends

_WHOLE_BP = 10_000


@dataclass(frozen=True, kw_only=True)
class Part:
    """How many customers share a reason, "" for none."""

    reason: str
    customers: int


_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, kw_only=True)
class OverChannel:
    """What goes over a channel: how many messages, what one and all cost in minor units."""

    channel: Channel
    version: TemplateVersion | None
    messages: int
    each_minor: Decimal
    cost_minor: Decimal


@dataclass(frozen=True, kw_only=True)
class Detectable:
    """How small an effect would probably be seen (80 % power, 5 % false alarms however often one looks).

    Attributes:
        base: Share of these customers who bought in as many days up to `last_day`, 0 to 1.
        last_day: Yesterday or, where the record ends before, the day of its last order.
        points: The smallest difference of that share, 0 to 1.
        buyers: The same in buyers among those who get the message.
    """

    base: float
    last_day: int
    points: float
    buyers: float

    @property
    def is_possible(self) -> bool:
        """Whether so many more could buy at all."""
        return self.base + self.points <= 1


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """A campaign as it would go now.

    Attributes:
        targeted: Members of the segment.
        is_estimate: Only `sampling.MOST_LOOKED_AT` of them were looked at.
        excluded: By reason, most first.
        waiting: Who would have to wait, by what for.
        holdout: How many get nothing, to measure against.
        messages: How many messages go out.
        over: By channel.
        detectable: None where there is no hold-out, or too few customers or buyers to tell.
        samples: Some customers and their messages.
        problems: What must be mended first.
        warnings: What should be looked at.
    """

    targeted: int
    is_estimate: bool
    excluded: Sequence[Part]
    waiting: Sequence[Part]
    holdout: int
    messages: int
    over: Sequence[OverChannel]
    detectable: Detectable | None
    samples: Sequence[Sample]
    problems: Sequence[InvalidCampaignError]
    warnings: Sequence[str]

    @property
    def cost_minor(self) -> Decimal:
        """What sending costs."""
        return sum((one.cost_minor for one in self.over), Decimal(0))


def preflight(campaign: Campaign, *, now: datetime) -> Preflight:
    """Return what a campaign would do now, by the rules that the ledger goes by. Reads at most `sampling.MOST_LOOKED_AT` customers."""
    targeted, ids = looked_at(campaign)
    scale = targeted / len(ids) if ids else 1.0
    rows = list(campaign.channels.select_related("channel", "template"))
    begins_at = max(now, start_of(campaign).first(now=now))
    ends_at = end_of(campaign, now=begins_at)
    audience = audience_of(campaign, ids, [row.channel for row in rows], now=now, ends_at=ends_at)
    treated = audience.treated
    versions = versions_of(rows)
    samples = samples_of(campaign, audience, rows, versions, now=now)
    over = [_over(row, versions[row.channel_id], audience, treated, samples, scale=scale) for row in rows]
    return Preflight(
        targeted=targeted,
        is_estimate=len(ids) < targeted,
        excluded=_parts(audience.excluded, scale),
        waiting=_parts(
            Counter(audience.reached[who].waits for who in treated if audience.reached[who].waits), scale
        ),
        holdout=round(len(audience.held) * scale),
        messages=round(len(treated) * scale),
        over=over,
        detectable=_detectable(campaign, audience.eligible, len(audience.held), scale=scale, now=now),
        samples=samples,
        problems=problems(campaign, now=now, samples=samples),
        warnings=[
            *_warnings(campaign, rows, versions, samples, now=now),
            *_too_few_uses(campaign, messages=round(len(treated) * scale)),
            *_too_slow(over, begins_at=begins_at, ends_at=ends_at),
            *_leads_nowhere(),
        ],
    )


def _parts(counted: Counter[str], scale: float) -> list[Part]:
    return [
        Part(reason=reason, customers=round(many * scale)) for reason, many in counted.most_common() if many
    ]


def _over(  # noqa: PLR0913  a row, and what was found
    row: CampaignChannel,
    version: TemplateVersion | None,
    audience: Audience,
    treated: Sequence[int],
    samples: Sequence[Sample],
    *,
    scale: float,
) -> OverChannel:
    many = round(sum(audience.reached[who].channel_id == row.channel_id for who in treated) * scale)
    shown = [one for one in samples if one.channel.pk == row.channel_id and not one.fault]
    each = _each(row.channel, shown)
    return OverChannel(
        channel=row.channel, version=version, messages=many, each_minor=each, cost_minor=each * many
    )


def _each(channel: Channel, samples: Sequence[Sample]) -> Decimal:
    """Return what one message costs: the mean of the samples, since long ones are charged as several."""
    if not samples or not channel.cost_minor:
        return channel.cost_minor
    kind, values = kind_named(channel.kind), opening_of(channel).values
    costs = [
        kind.cost(
            Message(subject=one.subject, html=one.html, text=one.text), values, cost_minor=channel.cost_minor
        )[1]
        for one in samples
    ]
    return sum(costs, Decimal(0)) / len(costs)


def _detectable(
    campaign: Campaign, eligible: Sequence[int], held: int, *, scale: float, now: datetime
) -> Detectable | None:
    units, control = round((len(eligible) - held) * scale), round(held * scale)
    if not campaign.holdout_bp or min(units, control) < LEAST_UNITS:
        return None
    until_day = record_ends(now=now)
    until = start_of_day(until_day, zone_named(business().time_zone))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(DISTINCT customer_id) FROM shop_order
            WHERE customer_id = ANY(%s::bigint[]) AND is_valid AND placed_at >= %s AND placed_at < %s
            """,
            [list(eligible), until - timedelta(days=campaign.window_days), until],
        )
        (buyers,) = cursor.fetchone()
    base = buyers / len(eligible)
    if not 0 < base < 1:
        return None
    found = minimum_detectable_effect(
        standard_deviation=sqrt(base * (1 - base)),
        units=units,
        control_units=control,
        mean=base,
        # The reading may be looked at every day, and is a little stricter for it.
        alpha=fixed_alpha(ALPHA),
    )
    return Detectable(base=base, last_day=until_day - 1, points=found.effect, buyers=found.effect * units)


def _warnings(
    campaign: Campaign,
    rows: Sequence[CampaignChannel],
    versions: dict[int, TemplateVersion | None],
    samples: Sequence[Sample],
    *,
    now: datetime,
) -> list[str]:
    told = []
    try:
        arm_of(kind=KIND, source_id=campaign.pk, customer_ids=())
    except ExperimentStateError as error:
        told.append(
            _(
                "The campaign waits until its experiment is launched, and then reaches those drawn into its arm: %(why)s."
            )
            % {"why": error}
        )
    told += _waits_for(campaign, now=now)
    for row in rows:
        version = versions[row.channel_id]
        if version is None:
            continue
        if has_changes(row.template):
            told.append(
                _("“%(template)s” was changed after it was published: what goes out is version %(number)s.")
                % {"template": row.template.name, "number": version.number}
            )
        if campaign.offer_id is not None and not _says_offer(version, row):
            told.append(
                _("“%(template)s” does not show the code of the offer.") % {"template": row.template.name}
            )
        told += _failing(row, samples)
        told += _hints(row, version, samples, now=now)
    return list(dict.fromkeys(told))


def _leads_nowhere() -> Iterator[str]:
    """Say where the links of messages lead to this machine alone."""
    if urlsplit(settings.PUBLIC_URL).hostname in _THIS_MACHINE:
        yield _(
            "Links in the messages (unsubscribe, coupons, counted clicks) lead to %(url)s, which only this machine reaches: set REGULARS_PUBLIC_URL."
        ) % {"url": settings.PUBLIC_URL}


def _too_few_uses(campaign: Campaign, *, messages: int) -> Iterator[str]:
    """Say where more customers get a code than the offer can still be used."""
    offer = campaign.offer
    if offer is not None and offer.stock is not None and offer.stock - offer.uses < messages:
        yield _(
            "The offer “%(offer)s” can be used %(left)s more times in all, and %(messages)s customers get a code of it."
        ) % {"offer": offer.name, "left": count(offer.stock - offer.uses), "messages": count(messages)}


def _too_slow(over: Sequence[OverChannel], *, begins_at: datetime, ends_at: datetime) -> Iterator[str]:
    """Say which channels are too slow, by their own limits, to begin all messages before the campaign ends."""
    zone = zone_named(business().time_zone)
    for one in over:
        begun = pacing.room(one.channel, zone=zone, now=begins_at, until=ends_at)
        if begun is not None and begun < one.messages:
            yield _(
                "%(channel)s is too slow by its limits: of %(messages)s messages it begins about %(begun)s before the campaign ends; the others are not sent."
            ) % {"channel": one.channel.name, "messages": count(one.messages), "begun": count(begun)}


# Of `segments.WHY_STALE`: what is over by itself before long.
_PASSES = ("edited", "old", "behind")


def _waits_for(campaign: Campaign, *, now: datetime) -> list[str]:
    """Return why segments do not speak of now, of those that soon will."""
    told = []
    behind = segments.is_behind(now=now)
    for segment in (campaign.segment, *left_out(campaign)):
        stale = segments.staleness(segment, now=now, behind=behind)
        if stale in _PASSES:
            told.append(
                _(
                    "“%(segment)s”: %(stale)s. The campaign waits until that is over; the numbers here are of the last time."
                )
                % {"segment": segment.title, "stale": segments.WHY_STALE[stale]}
            )
    return told


def _says_offer(version: TemplateVersion, row: CampaignChannel) -> bool:
    try:
        return shows_coupon(composing.of_version(version.pk, channel=row.channel.medium))
    except RegularsError:
        # What is wrong with it is told among the problems.
        return True


def _failing(row: CampaignChannel, samples: Sequence[Sample]) -> list[str]:
    """Return how many samples of a channel fail; where all do, the problems tell it."""
    tried = [one for one in samples if one.channel.pk == row.channel_id]
    faults = [one.fault for one in tried if one.fault]
    if not faults or len(faults) == len(tried):
        return []
    told = {"template": row.template.name, "many": len(faults), "tried": len(tried), "why": faults[0]}
    return [
        _(
            "“%(template)s” cannot be made for %(many)s of the %(tried)s customers tried, and they would get nothing: %(why)s"
        )
        % told
    ]


def _hints(
    row: CampaignChannel, version: TemplateVersion, samples: Sequence[Sample], *, now: datetime
) -> list[str]:
    shown = [one for one in samples if one.channel.pk == row.channel_id and not one.fault]
    found: list[str] = []
    for language in sorted({one.language for one in shown}):
        who = next(one.customer.pk for one in shown if one.language == language)
        checked = check(
            version.content[language],
            format=composing.format_of(row.template),
            language=language,
            customer_id=who,
            now=now,
        )
        found += [labelled(row.template.name, hint.text) for hint in checked.hints]
    return found
