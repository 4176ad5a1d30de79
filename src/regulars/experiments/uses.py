"""Which segments experiments use."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from regulars.experiments.models import Experiment
from regulars.shop.uses import Use, register


def register_uses() -> None:
    """Say what uses segments."""
    register("segment", _of_segment)


def _of_segment(segment_id: int) -> Iterator[Use]:
    at_work = (Experiment.State.DRAFT, Experiment.State.RUNNING)
    for experiment in Experiment.objects.filter(segment=segment_id).order_by("-id"):
        name = _("the experiment “%(name)s”") % {"name": experiment.name}
        yield Use(name=name, is_over=experiment.state not in at_work)
