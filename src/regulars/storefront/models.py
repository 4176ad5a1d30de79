from django.db import models


class Window(models.Model):
    """How often somebody has called in their present window. The table is unlogged: a crash forgives.

    `key` is a keyed digest of a network address or an e-mail address, and what is counted.
    """

    key = models.CharField(max_length=64, primary_key=True, db_collation="C")
    started_at = models.DateTimeField(db_index=True)
    calls = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.key[:8]}: {self.calls}"
