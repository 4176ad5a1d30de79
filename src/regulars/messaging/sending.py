"""The sender: claim, compose, send, settle. Any number of them run beside each other, on any number of machines."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Event, Thread
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from regulars.kernel.crashes import crashpoint
from regulars.kernel.errors import RegularsError
from regulars.messaging.channels import KINDS, kind_named
from regulars.messaging.channels.channel import Dispatch, Fault, Outgoing, Receipt, Sender, SendError
from regulars.messaging.models import Channel, Delivery, SuppressedAddress
from regulars.messaging.operations.channels import (
    close_channel,
    hold_back_gone,
    open_channel,
    opening_of,
    reopen_channel,
)
from regulars.messaging.operations.claims import (
    AFTER_DOUBT,
    BATCH,
    MOST_DOUBTS,
    Batch,
    Claimed,
    Session,
    claim,
    database_now,
    recover,
)
from regulars.messaging.operations.fallbacks import pass_on
from regulars.messaging.operations.feedback import suppress
from regulars.messaging.operations.group_commit import GroupCommit
from regulars.messaging.operations.moves import LEASE_SECONDS, Move, State, move
from regulars.messaging.operations.sends import pause_send, settle_finished, settle_left
from regulars.messaging.registry import CompositionError, composer_of
from regulars.messaging.rules import backoff
from regulars.shop.wording import gettext as _
from regulars.shop.wording import worded

_log = structlog.stdlib.get_logger("regulars.messaging")
LANES = 8
# So many messages of a lane are marked as being sent by one commit: what dies leaves so many in doubt.
IN_HAND = 2
# While each takes less than this. One that was marked and is not begun soon is not begun at all, since others may take it over.
_QUICK_SECONDS, _BEGUN_WITHIN_SECONDS = 1.0, 5.0
_REPEATED = tuple(kind.key for kind in KINDS if kind.repeats_doubtful)
_IDLE_SECONDS = 0.5
# As many are claimed as go in this time, well within a claim's: consents are that fresh, and what a slow channel keeps waiting is free.
_BATCH_SECONDS, _LEAST_BATCH, _MOST_BATCH = 5.0, 10, 200
_RECOVER_EVERY_SECONDS = 5.0
# What was sent must be written down: a database that restarts is waited for so long.
_SETTLE_TRIES, _SETTLE_WAIT_SECONDS = 120, 0.5
# A send whose messages are refused so often has a bad list or bad content: a person must look.
_LEAST_SETTLED, _MOST_REFUSED = 50, 0.25
# A channel over which so much of a batch fails for a time is left alone.
_LEAST_TRIES, _MOST_FAILED = 10, 0.5


@dataclass(frozen=True, kw_only=True)
class _Ready:
    """A message that only needs to be handed over."""

    claimed: Claimed
    dispatch: Dispatch
    segments: int
    cost_minor: Decimal


@dataclass(kw_only=True)
class _Tally:
    """How a batch went."""

    accepted: int = 0
    refused: int = 0
    failed: int = 0
    trouble: str = ""

    @property
    def tries(self) -> int:
        return self.accepted + self.refused + self.failed


class Lane:
    """One sender in one thread, with its own session of the database and its own connections.

    Args:
        commits: Shared by the lanes of a process.
    """

    def __init__(self, commits: GroupCommit | None = None) -> None:
        self._session = Session()
        self._commits = commits or GroupCommit()
        self._senders: dict[int, tuple[tuple[Any, ...], Sender]] = {}
        self._recovered_at = -_RECOVER_EVERY_SECONDS
        self._many = BATCH

    def run(self, *, stop: Event, until_idle: bool) -> None:
        """Send whatever is due until told to stop, or until nothing is due. Outlives a database that restarts."""
        try:
            while not stop.is_set():
                try:
                    is_busy = self.step()
                except (OperationalError, InterfaceError) as error:
                    _log.warning("the sender lost the database", reason=str(error)[:200])
                    connection.close()
                    is_busy = False
                if not is_busy:
                    if until_idle:
                        return
                    stop.wait(_IDLE_SECONDS)
        finally:
            self.close()

    def step(self) -> bool:
        """Claim one batch and work it off; return whether there was one."""
        worker = self._session.ensure()
        now = database_now()
        if time.monotonic() - self._recovered_at >= _RECOVER_EVERY_SECONDS:
            self._recovered_at = time.monotonic()
            recover(now=now, repeated=_REPEATED)
            hold_back_gone(now=now)
            pass_on(now=now)
            settle_left(now=now)
        batch = claim(worker=worker, now=now, limit=self._many)
        if batch is None:
            return False
        if batch.claimed:
            begun_at = time.monotonic()
            _Work(batch, worker=worker, now=now, commits=self._commits).run(self._sender_of)
            a_second = len(batch.claimed) / max(time.monotonic() - begun_at, 0.001)
            self._many = min(max(int(a_second * _BATCH_SECONDS), _LEAST_BATCH), _MOST_BATCH)
        if len(batch.send.over) > 1:
            # What was settled a moment ago carries a later time than the claim.
            pass_on([batch.send.pk], now=database_now())
        settle_finished([batch.send.pk], now=now)
        return True

    def close(self) -> None:
        """Let go of everything."""
        self.hang_up()
        connection.close()

    def hang_up(self) -> None:
        """Let go of the connections to channels."""
        for _told, sender in self._senders.values():
            sender.close()
        self._senders.clear()

    def _sender_of(self, channel: Channel) -> Sender:
        """Return the open channel; opened anew when somebody changed how it is set up."""
        told = (channel.kind, channel.name, channel.sealed, sorted(channel.options.items()))
        known = self._senders.get(channel.pk)
        if known is not None and known[0] == told:
            return known[1]
        if known is not None:
            known[1].close()
        sender = open_channel(channel)
        self._senders[channel.pk] = (told, sender)
        return sender


class _Work:
    """One batch on its way out."""

    def __init__(self, batch: Batch, *, worker: int, now: datetime, commits: GroupCommit) -> None:
        self._batch = batch
        self._worker = worker
        self._now = now
        self._commits = commits
        self._tally = _Tally()
        self._open = {one.recipient.delivery_id: one for one in batch.claimed}

    def run(self, sender_of: Any) -> None:  # noqa: ANN401  `Lane._sender_of`
        batch = self._batch
        try:
            sender = sender_of(batch.channel)
        except RegularsError as error:
            close_channel(batch.channel.pk, trouble=worded(error), now=self._now)
            self._release()
            return
        try:
            ready = self._compose(sender)
        except RegularsError as error:
            pause_send(batch.send.pk, trouble=worded(error))
            self._release()
            return
        self._send(ready)
        self._release()
        self._look_back()

    def _compose(self, sender: Sender) -> list[_Ready]:
        """Make every message of the batch before the first is sent; what cannot be made fails alone."""
        batch = self._batch
        kind = kind_named(batch.channel.kind)
        values = opening_of(batch.channel).values
        recipients = [one.recipient for one in batch.claimed]
        variant = composer_of(batch.send.kind)(batch.source, channel=batch.channel.medium)
        fill = variant.batch(recipients, now=self._now)
        ready, failed = [], []
        for one in batch.claimed:
            try:
                message = fill(one.recipient)
                dispatch = sender.prepare(
                    Outgoing(
                        recipient=one.recipient,
                        source=batch.source,
                        message=message,
                        is_transactional=batch.send.is_transactional,
                    )
                )
                segments, cost_minor = kind.cost(message, values, cost_minor=batch.channel.cost_minor)
            except (CompositionError, SendError) as error:
                reason = error.reason if isinstance(error, SendError) else "composition"
                failed.append(
                    self._move(
                        one, was=State.CLAIMED, state=State.FAILED, reason=reason, trouble=worded(error)
                    )
                )
            except Exception as error:  # noqa: BLE001  one customer's data must not stop the others
                _log.exception("a message could not be made", delivery_id=one.recipient.delivery_id)
                failed.append(
                    self._move(
                        one,
                        was=State.CLAIMED,
                        state=State.FAILED,
                        reason="composition",
                        trouble=type(error).__name__,
                    )
                )
            else:
                ready.append(_Ready(claimed=one, dispatch=dispatch, segments=segments, cost_minor=cost_minor))
        if failed:
            self._write(failed)
            self._tally.refused += len(failed)
            self._tally.trouble = failed[-1].trouble
        return ready

    def _send(self, ready: Sequence[_Ready]) -> None:
        """Hand over one after the other. Each is marked before it goes, in the statement that settles those before it.

        As many as `IN_HAND` are marked at once while the channel is quick, and one at a time while it is not.
        """
        settled: list[Move] = []
        waiting, many = deque(ready), 1
        while waiting:
            marked = [waiting.popleft() for _one in range(min(many, len(waiting)))]
            begins = [
                self._move(
                    one.claimed, was=State.CLAIMED, state=State.SENDING, worker=self._worker,
                    lease_seconds=LEASE_SECONDS,
                )
                for one in marked
            ]  # fmt: skip
            begun_at = time.monotonic()
            moved = self._write([*settled, *begins])
            settled = []
            crashpoint("messaging.marked")
            for one in marked:
                if one.claimed.recipient.delivery_id not in moved:
                    # Paused, cancelled, or taken over.
                    continue
                if time.monotonic() - begun_at > _BEGUN_WITHIN_SECONDS:
                    settled.append(self._given_back(one))
                    continue
                try:
                    settled += self._hand_over(one)
                except SendError as error:
                    left = marked[marked.index(one) :]
                    self._write([*settled, *(self._given_back(one, error) for one in left)])
                    close_channel(
                        self._batch.channel.pk, trouble=worded(error), now=self._now, is_gone=error.is_gone
                    )
                    return
            many = IN_HAND if time.monotonic() - begun_at < _QUICK_SECONDS * len(marked) else 1
        if settled:
            self._write(settled)
        crashpoint("messaging.settled")

    def _hand_over(self, one: _Ready) -> list[Move]:
        """Send one message and return what is to be written down of it.

        Raises:
            SendError: The channel takes no messages at all.
        """
        try:
            receipt = one.dispatch()
        except SendError as error:
            if error.fault is Fault.CHANNEL:
                raise
            settled = self._outcome(one, error)
            if not error.is_address:
                return [settled]
            self._bounce(one, settled)
            return []
        return [self._accepted(one, receipt)]

    def _given_back(self, one: _Ready, error: SendError | None = None) -> Move:
        """Return how a message waits again that was marked and did not go."""
        return self._move(
            one.claimed, was=State.SENDING, state=State.PENDING, gives_back=True, reason="channel" if error else "",
            trouble=worded(error) if error else "",
        )  # fmt: skip

    def _accepted(self, one: _Ready, receipt: Receipt) -> Move:
        self._tally.accepted += 1
        return self._move(
            one.claimed, was=State.SENDING, state=State.ACCEPTED, provider_id=receipt.provider_id, segments=one.segments,
            cost_minor=one.cost_minor,
        )  # fmt: skip

    def _outcome(self, one: _Ready, error: SendError) -> Move:
        kind = kind_named(self._batch.channel.kind)
        attempts = one.claimed.attempts + 1
        self._tally.trouble = worded(error)
        said = {"reason": error.reason, "trouble": worded(error)}
        if error.fault is Fault.PERMANENT:
            self._tally.refused += 1
            state = State.BOUNCED if error.is_address else State.FAILED
            return self._move(one.claimed, was=State.SENDING, state=state, **said)
        self._tally.failed += 1
        if error.fault is Fault.UNCERTAIN:
            if kind.repeats_doubtful and attempts < MOST_DOUBTS:
                return self._move(
                    one.claimed, was=State.SENDING, state=State.PENDING, doubts=True, due_at=self._now + AFTER_DOUBT,
                    cost_minor=one.cost_minor, **said,
                )  # fmt: skip
            return self._move(
                one.claimed, was=State.SENDING, state=State.UNCERTAIN, doubts=True, segments=one.segments,
                cost_minor=one.cost_minor, **said,
            )  # fmt: skip
        wait = backoff(kind.retries, attempts, token=one.claimed.recipient.token)
        if wait is None:
            return self._move(one.claimed, was=State.SENDING, state=State.FAILED, **said)
        due_at = self._now + max(wait, error.wait or timedelta())
        return self._move(one.claimed, was=State.SENDING, state=State.PENDING, due_at=due_at, **said)

    def _bounce(self, one: _Ready, settled: Move) -> None:
        """Settle a message whose address does not exist, and write to that address no more."""
        with transaction.atomic():
            if self._write([settled]):
                suppress(
                    medium=self._batch.channel.medium,
                    address=one.claimed.recipient.address,
                    reason=SuppressedAddress.Reason.HARD_BOUNCE,
                    delivery_id=settled.delivery_id,
                    now=self._now,
                )

    def _release(self) -> None:
        """Give back what was claimed and not begun."""
        left = [self._move(one, was=State.CLAIMED, state=State.PENDING) for one in self._open.values()]
        if left:
            self._write(left)

    def _look_back(self) -> None:
        """Stop what does more harm than good: a send that is refused, a channel that does not get through."""
        batch, tally = self._batch, self._tally
        if tally.accepted and batch.channel.closings:
            reopen_channel(batch.channel.pk)
        if tally.tries >= _LEAST_TRIES and tally.failed >= _MOST_FAILED * tally.tries:
            close_channel(batch.channel.pk, trouble=tally.trouble, now=self._now)
        if tally.refused > _MOST_REFUSED * tally.tries:
            settled = Delivery.objects.filter(send=batch.send).exclude(
                state__in=(*Delivery.UNDER_WAY, State.SUPPRESSED)
            )
            refused, everything = (
                settled.filter(state__in=(State.FAILED, State.BOUNCED)).count(),
                settled.count(),
            )
            if everything >= _LEAST_SETTLED and refused > _MOST_REFUSED * everything:
                told = {"refused": refused, "everything": everything, "why": tally.trouble}
                pause_send(
                    batch.send.pk, trouble=_("%(refused)s of %(everything)s were refused: %(why)s") % told
                )

    def _move(self, one: Claimed, *, was: str, state: str, **told: Any) -> Move:  # noqa: ANN401  the rest of `Move`
        return Move(
            delivery_id=one.recipient.delivery_id, generation=one.generation, was=was, state=state, **told
        )

    def _write(self, moves: Sequence[Move]) -> set[int]:
        """Write states down. One that says what happened waits for the database if it must; a beginning does not."""
        for one in moves:
            if one.state != State.CLAIMED:
                self._open.pop(one.delivery_id, None)
        if connection.in_atomic_block:
            return move(moves, now=self._now)
        says_what_happened = [one for one in moves if one.was == State.SENDING]
        try:
            return self._commits.move(moves, now=self._now)
        except (OperationalError, InterfaceError):
            if not says_what_happened:
                raise
        for _try in range(_SETTLE_TRIES):
            connection.close()
            time.sleep(_SETTLE_WAIT_SECONDS)
            try:
                return self._commits.move(says_what_happened, now=self._now)
            except (OperationalError, InterfaceError) as error:
                _log.warning("waiting for the database", reason=str(error)[:200])
        raise OperationalError("the database did not come back")


def run_lanes(*, lanes: int = LANES, stop: Event, until_idle: bool) -> None:
    """Run so many senders in threads of this process until told to stop, or until nothing is due."""
    commits = GroupCommit()
    threads = [
        Thread(
            target=Lane(commits).run,
            kwargs={"stop": stop, "until_idle": until_idle},
            name=f"sender-{number}",
            daemon=True,
        )
        for number in range(lanes)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
