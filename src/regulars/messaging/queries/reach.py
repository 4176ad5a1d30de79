"""Who could be reached now, by the rules that the ledger itself goes by when it claims a message."""

from collections.abc import Sequence
from datetime import datetime

from regulars.messaging.governance import Verdict, judge
from regulars.messaging.models import Channel, Delivery, Send


def would_become(  # noqa: PLR0913  whom, over what, by which rules, when
    customer_ids: Sequence[int],
    *,
    channel: Channel,
    purpose: str,
    tag: str,
    now: datetime,
    is_transactional: bool = False,
) -> dict[int, Verdict]:
    """Return what would become of a message to each of these customers, were it claimed now. Locks and writes nothing.

    Args:
        customer_ids: Whom, some thousand at a time.
        channel: By which channel.
        purpose: What they must have allowed.
        tag: By which caps know it.
        now: When.
        is_transactional: Whether it has to be said.
    """
    return judge(
        [Delivery(pk=who, customer_id=who) for who in customer_ids],
        send=Send(purpose=purpose, tag=tag, counts=False, is_transactional=is_transactional),
        channel=channel,
        now=now,
    )
