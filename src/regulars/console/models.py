from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class SavedView(models.Model):
    """A list of customers that somebody keeps under a name: its filters, order and columns, as a query string."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(_("name"), max_length=60)
    query = models.TextField()
    is_shared = models.BooleanField(_("for everybody"), default=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("owner", "name"), name="console_view_once"),)
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name
