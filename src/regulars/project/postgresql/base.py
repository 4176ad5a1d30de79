"""The database backend, where Django looks for it."""

import select

from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that was closed, or told of its end, has something to be read; one that is good has nothing.

    Django asks `SELECT 1` before each request: for a call of the track API half of what PostgreSQL does.
    """

    def is_usable(self) -> bool:
        """Return whether the connection is still good; only one that was told something, or whose transaction failed, is asked."""
        if self.connection.closed:
            return False
        if self.connection.info.transaction_status == TransactionStatus.INERROR:
            return super().is_usable()
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0) or super().is_usable()
