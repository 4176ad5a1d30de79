"""Of whom something was said since somebody looked: what must be thought over again."""

from django.db import models


class TouchedCustomer(models.Model):
    """Something of a customer changed in the record: an order, a tag, a consent, what they did.

    A queue with one reader, who takes rows out in the transaction that used them. Triggers fill it, once a statement, so
    that no writer can forget; events, which a trigger would slow down, are told by `operations.write_events`.
    Not unique: two writers who speak of one customer must not wait for each other.
    """

    customer_id = models.BigIntegerField()
    touched_at = models.DateTimeField(db_default=models.functions.Now())

    def __str__(self) -> str:
        return f"{self.customer_id} at {self.touched_at}"
