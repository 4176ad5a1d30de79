"""The record as insights reads it: what intake leaves behind after it changed orders."""

from django.db.models import F

from regulars.kernel.days import date_of_day
from regulars.shop.models import ChangedMonth, Order


def mark_changed(*days: int) -> None:
    """Do what intake does for the months whose orders it changed; without days, for every month."""
    for day in days or Order.objects.values_list("day", flat=True):
        row, is_new = ChangedMonth.objects.get_or_create(month=date_of_day(day).replace(day=1))
        if not is_new:
            ChangedMonth.objects.filter(pk=row.pk).update(version=F("version") + 1)
