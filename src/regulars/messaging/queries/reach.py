"""Who could be reached now, by the rules that the ledger itself goes by when it claims a message."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from regulars.messaging.governance import Verdict, judge
from regulars.messaging.models import Channel, Delivery, Send
from regulars.offers.models import Offer


def would_become(  # noqa: PLR0913  whom, over what, by which rules, when
    customer_ids: Sequence[int],
    *,
    channel: Channel,
    purpose: str,
    tag: str,
    now: datetime,
    is_transactional: bool = False,
    offer: Offer | None = None,
) -> dict[int, Verdict]:
    """Return what would become of a message to each of these customers, were it claimed now. Locks and writes nothing.

    Args:
        customer_ids: Whom, some thousand at a time.
        channel: By which channel.
        purpose: What they must have allowed.
        tag: By which caps know it.
        now: When.
        is_transactional: Whether it has to be said.
        offer: Of which the message brings a code.
    """
    return judge(
        [Delivery(pk=who, customer_id=who) for who in customer_ids],
        send=Send(purpose=purpose, tag=tag, counts=False, is_transactional=is_transactional, offer=offer),
        channel=channel,
        now=now,
    )


@dataclass(frozen=True, kw_only=True)
class Reach:
    """One customer: over which channel; `reason` why not, "" where they can be; `waits` for what and `until` when, if not at once."""

    channel_id: int
    reason: str = ""
    waits: str = ""
    until: datetime | None = None


def reach_of(  # noqa: PLR0913  likewise
    customer_ids: Sequence[int],
    *,
    purpose: str,
    tag: str,
    channels: Sequence[Channel],
    now: datetime,
    is_transactional: bool = False,
    offer: Offer | None = None,
) -> dict[int, Reach]:
    """Return for each customer the first channel that can reach them; where none can, the first one with its reason.

    Args:
        customer_ids: Some thousand at a time.
        purpose: What they must have allowed.
        tag: By which caps know it.
        channels: In the order in which they are tried.
        now: When.
        is_transactional: Whether it has to be said.
        offer: Of which the message brings a code.
    """
    found: dict[int, Reach] = {}
    refused: dict[int, Reach] = {}
    left = list(customer_ids)
    for channel in channels:
        verdicts = would_become(
            left,
            channel=channel,
            purpose=purpose,
            tag=tag,
            now=now,
            is_transactional=is_transactional,
            offer=offer,
        )
        for who in left:
            verdict = verdicts.get(who)
            if verdict is None:
                continue
            if verdict.reason and verdict.due_at is None:
                refused.setdefault(who, Reach(channel_id=channel.pk, reason=verdict.reason))
            else:
                found[who] = Reach(channel_id=channel.pk, waits=verdict.reason, until=verdict.due_at)
        left = [who for who in left if who not in found]
    return refused | found
