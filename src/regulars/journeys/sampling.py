"""Messages of some customers of a campaign, as they would have them if it went now."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from regulars.experiments.operations import ExperimentStateError, arm_of
from regulars.journeys.audiences import reach_in
from regulars.journeys.composing import KIND, given
from regulars.journeys.models import Campaign, CampaignChannel
from regulars.kernel.buckets import bucket
from regulars.kernel.errors import RegularsError
from regulars.messaging import composing
from regulars.messaging.models import Channel, TemplateVersion
from regulars.messaging.queries.reach import Reach
from regulars.messaging.queries.templates import latest_version
from regulars.segments import queries as segments
from regulars.shop.models import Customer

MOST_LOOKED_AT = 20_000
"""Above this the audience is judged by as many of it, drawn by their ids."""
SHOWN = 10
"""Messages that are made for each channel."""
_PORTION = 5_000


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The message of one customer, or why it cannot be made; `missing` names what it shows and they have not."""

    customer: Customer
    channel: Channel
    language: str = ""
    subject: str = ""
    text: str = ""
    html: str = ""
    missing: Sequence[str] = ()
    fault: str = ""


@dataclass(frozen=True, kw_only=True)
class Audience:
    """Who of those that were looked at gets a message, over which channel, and who does not; `late` would wait past the end."""

    reached: dict[int, Reach]
    held: frozenset[int]
    late: frozenset[int]
    excluded: Counter[str]

    @property
    def eligible(self) -> list[int]:
        """Who can be reached."""
        return list(self.reached)

    @property
    def treated(self) -> list[int]:
        """Who gets a message."""
        return [who for who in self.reached if who not in self.held and who not in self.late]


def looked_at(campaign: Campaign) -> tuple[int, list[int]]:
    """Return how many members there are, and by whom a campaign is judged: all, or some drawn by their ids, the same each time."""
    members = segments.member_ids(campaign.segment_id)
    targeted = members.count()
    if targeted <= MOST_LOOKED_AT:
        return targeted, list(members.order_by("customer_id"))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT customer_id FROM segments_membership WHERE segment_id = %s
            ORDER BY hashint8(customer_id), customer_id LIMIT %s
            """,
            [campaign.segment_id, MOST_LOOKED_AT],
        )
        return targeted, [who for (who,) in cursor.fetchall()]


def audience_of(
    campaign: Campaign,
    ids: Sequence[int],
    channels: Sequence[Channel],
    *,
    now: datetime,
    ends_at: datetime | None = None,
) -> Audience:
    """Return who of some members gets a message, by the rules that the ledger goes by; whoever must wait until `ends_at` gets none."""
    reached: dict[int, Reach] = {}
    excluded: Counter[str] = Counter()
    for begin in range(0, len(ids), _PORTION):
        portion = ids[begin : begin + _PORTION]
        for who, told in reach_in(
            campaign, portion, channels, arm=_arm_of(campaign, portion), now=now
        ).items():
            if told.reason:
                excluded[told.reason] += 1
            else:
                reached[who] = told
    salt = f"send:{KIND}:{campaign.pk}"
    held = frozenset(who for who in reached if bucket(who, salt=salt) < campaign.holdout_bp)
    late = frozenset(
        who
        for who, told in reached.items()
        if ends_at is not None and told.until is not None and told.until >= ends_at and who not in held
    )
    excluded.update(reached[who].waits for who in late)
    return Audience(reached=reached, held=held, late=late, excluded=excluded)


def _arm_of(campaign: Campaign, ids: Sequence[int]) -> set[int] | None:
    """Return whom its experiment lets a campaign go to; everybody before it is launched, which the warnings tell."""
    try:
        return arm_of(kind=KIND, source_id=campaign.pk, customer_ids=ids)
    except ExperimentStateError:
        return None


def samples_of(
    campaign: Campaign,
    audience: Audience,
    rows: Sequence[CampaignChannel],
    versions: dict[int, TemplateVersion | None],
    *,
    now: datetime,
) -> list[Sample]:
    """Return messages of the first `SHOWN` of each channel."""
    by_channel = {row.channel_id: row for row in rows}
    chosen: list[int] = []
    many: Counter[int] = Counter()
    for who in audience.treated:
        channel_id = audience.reached[who].channel_id
        many[channel_id] += 1
        if many[channel_id] <= SHOWN:
            chosen.append(who)
    customers = Customer.objects.in_bulk(chosen)
    return [
        _sample(campaign, customers[who], by_channel[audience.reached[who].channel_id], versions, now=now)
        for who in chosen
        if who in customers
    ]


def tried(campaign: Campaign, *, now: datetime) -> list[Sample]:
    """Return the messages that a preflight shows."""
    rows = list(campaign.channels.select_related("channel", "template"))
    _targeted, ids = looked_at(campaign)
    audience = audience_of(campaign, ids, [row.channel for row in rows], now=now)
    return samples_of(campaign, audience, rows, versions_of(rows), now=now)


def versions_of(rows: Sequence[CampaignChannel]) -> dict[int, TemplateVersion | None]:
    """Return by channel the version that goes out over it."""
    return {row.channel_id: latest_version(row.template_id) for row in rows}


def _sample(
    campaign: Campaign,
    customer: Customer,
    row: CampaignChannel,
    versions: dict[int, TemplateVersion | None],
    *,
    now: datetime,
) -> Sample:
    version = versions[row.channel_id]
    if version is None:
        return Sample(customer=customer, channel=row.channel, fault="-")
    content = version.content
    language = composing.language_for(
        customer.language, written=composing.languages_of(content), otherwise=row.template.language
    )
    try:
        shown = composing.preview(
            content[language],
            format=composing.format_of(row.template),
            language=language,
            customer_id=customer.pk,
            now=now,
            given=given(campaign),
        )
    except RegularsError as error:
        return Sample(customer=customer, channel=row.channel, language=language, fault=str(error))
    return Sample(
        customer=customer,
        channel=row.channel,
        language=language,
        subject=shown.filled.subject,
        text=shown.filled.text,
        html=shown.filled.html,
        missing=shown.missing,
    )
