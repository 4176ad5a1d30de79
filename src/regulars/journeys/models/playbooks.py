"""Which playbooks the shop turned on and what was made of them, and the files of its own."""

import pghistory
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from regulars.journeys.models.journeys import Journey


@pghistory.track()
class AdoptedPlaybook(models.Model):
    """A playbook that was turned on, by its code in the library.

    `made` holds by kind (`messages`, `offers`, `segments`) the ids of what was made under the names of the file, so that
    turning it on again makes only what is there no more. All of it is ordinary and may be changed or put away.
    """

    code = models.CharField(_("playbook"), max_length=60, unique=True, db_collation="C")
    journey = models.ForeignKey(Journey, on_delete=models.SET_NULL, null=True, related_name="+")
    chosen = models.JSONField(_("settings"), default=dict)
    made = models.JSONField(default=dict)
    turned_on_at = models.DateTimeField()
    turned_on_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    def __str__(self) -> str:
        return self.code


@pghistory.track()
class OwnPlaybook(models.Model):
    """A playbook that this shop added to the library: the text of its file, by the code that it goes by."""

    code = models.CharField(_("playbook"), max_length=60, unique=True, db_collation="C")
    text = models.TextField()
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    def __str__(self) -> str:
        return self.code
