"""By which channel each customer is reached, and why some are not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from regulars.journeys.rules import AT_START
from regulars.messaging.models import Channel
from regulars.messaging.queries.reach import would_become

PORTION = 5_000


@dataclass(frozen=True, kw_only=True)
class Reach:
    """One customer: over which channel; `reason` why not, "" where they can be; `waits` for what, if not at once."""

    channel_id: int
    reason: str = ""
    waits: str = ""

    @property
    def at_start(self) -> str:
        """The reason as the ledger keeps it."""
        return f"{AT_START}{self.reason}" if self.reason else ""


def reach_of(  # noqa: PLR0913  whom, by which rules, over what, when
    customer_ids: Sequence[int],
    *,
    purpose: str,
    tag: str,
    channels: Sequence[Channel],
    now: datetime,
    is_transactional: bool = False,
) -> dict[int, Reach]:
    """Return for each customer the first channel that can reach them; where none can, the first one with its reason.

    Args:
        customer_ids: Up to `PORTION`.
        purpose: What they must have allowed.
        tag: By which caps know it.
        channels: In the order in which they are tried.
        now: When.
        is_transactional: Whether it has to be said.
    """
    found: dict[int, Reach] = {}
    refused: dict[int, Reach] = {}
    left = list(customer_ids)
    for channel in channels:
        verdicts = would_become(
            left, channel=channel, purpose=purpose, tag=tag, now=now, is_transactional=is_transactional
        )
        for who in left:
            verdict = verdicts.get(who)
            if verdict is None:
                continue
            if verdict.reason and verdict.due_at is None:
                refused.setdefault(who, Reach(channel_id=channel.pk, reason=verdict.reason))
            else:
                found[who] = Reach(channel_id=channel.pk, waits=verdict.reason)
        left = [who for who in left if who not in found]
    return refused | found
