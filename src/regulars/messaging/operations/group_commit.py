"""Moves of several senders of a process in one statement: a commit costs the disk as much for one message as for twenty."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Condition

from django.db import DatabaseError, OperationalError

from regulars.messaging.operations.moves import Move, move, move_claims


@dataclass(eq=False, slots=True)
class _Asked:
    """What one sender wants written down, and what came of it."""

    moves: Sequence[Move]
    now: datetime
    moved: set[int] = field(default_factory=set)
    error: BaseException | None = None
    is_over: bool = False


class GroupCommit:
    """Writes moves down. Who finds nobody writing writes, over its own connection, for all who have come to wait meanwhile."""

    def __init__(self) -> None:
        self._turn = Condition()
        self._waiting: list[_Asked] = []
        self._is_writing = False

    def move(self, moves: Sequence[Move], *, now: datetime) -> set[int]:
        """Bring deliveries to their next states and return which of these were moved, as `moves.move` does. Outside a transaction.

        What the database refuses is written again by each for itself: one message's data stops only its own sender.

        Raises:
            OperationalError: As `moves.move`; whoever waited for the same statement gets it too, and knows as little what became of it.
        """
        mine = _Asked(moves, now)
        with self._turn:
            self._waiting.append(mine)
            self._turn.wait_for(lambda: mine.is_over or not self._is_writing)
            if not mine.is_over:
                self._is_writing = True
                together, self._waiting = self._waiting, []
        if not mine.is_over:
            self._write(together)
        if isinstance(mine.error, DatabaseError) and not isinstance(mine.error, OperationalError):
            return move(moves, now=now)
        if mine.error is not None:
            raise mine.error
        return mine.moved

    def _write(self, together: Sequence[_Asked]) -> None:
        error: BaseException | None = None
        moved: set[tuple[int, int]] = set()
        try:
            moved = move_claims(
                [one for asked in together for one in asked.moves], now=max(asked.now for asked in together)
            )
        except BaseException as told:  # noqa: BLE001  all who wait must be told, whatever it is
            error = told
        with self._turn:
            for asked in together:
                # By the claim they speak for: of two senders that claimed a delivery one after the other, one moved it.
                asked.moved = {
                    one.delivery_id for one in asked.moves if (one.delivery_id, one.generation) in moved
                }
                asked.error, asked.is_over = error, True
            self._is_writing = False
            self._turn.notify_all()
