"""Campaigns as experiments: who was to get one and who was held out, and campaigns as what an arm does."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from regulars.experiments.registry import Assigned, Kind, Listed, register_kind
from regulars.journeys.composing import KIND
from regulars.journeys.models import Campaign
from regulars.journeys.operations.campaigns import copy_campaign
from regulars.messaging.models import Delivery
from regulars.staff.models import User

TREATED, HOLDOUT = "treated", "holdout"
_WHOLE_BP = 10_000
_LISTED = 200


def register() -> None:
    """Register campaigns."""
    register_kind(
        Kind(
            kind=KIND,
            label=gettext_lazy("Campaign"),
            listed=_listed,
            assigned=_assigned,
            choices=_choices,
            exposures=_exposures,
            roll_out=_roll_out,
        )
    )


def assigned(campaign: Campaign, *, now: datetime) -> Assigned | None:
    """Return who was to get a campaign and who was held out; None before it has begun, and without a hold-out.

    Everybody who could be reached when it began is on a side, whatever became of their message. Orders count from the start until
    the campaign's window after its last message, for both sides.
    """
    if campaign.send_id is None or campaign.started_at is None or not campaign.holdout_bp:
        return None
    last = Delivery.objects.filter(send=campaign.send_id).aggregate(at=Max("accepted_at"))["at"]
    ends_at = (last or campaign.started_at) + timedelta(days=campaign.window_days)
    if campaign.started_at >= now:
        return None
    exposures, told = _of_send(campaign)
    return Assigned(
        statement=f"""
            SELECT d.customer_id, CASE WHEN bool_or(d.reason = 'holdout') THEN '{HOLDOUT}' ELSE '{TREATED}' END AS arm,
                %(a_since)s AS drawn, %(a_since)s AS at, %(a_until)s AS until
            FROM messaging_delivery d WHERE d.send_id = %(a_send)s AND d.reason NOT LIKE 'start.%%' GROUP BY d.customer_id
        """,  # noqa: S608  literals of this module
        parameters={**told, "a_since": campaign.started_at, "a_until": ends_at},
        labels={HOLDOUT: _("Hold-out"), TREATED: _("To get it")},
        shares={HOLDOUT: campaign.holdout_bp, TREATED: _WHOLE_BP - campaign.holdout_bp},
        since=campaign.started_at,
        ends_at=ends_at,
        exposures=exposures,
    )


def _assigned(campaign_id: int, now: datetime) -> Assigned | None:
    found = Campaign.objects.filter(pk=campaign_id).first()
    return None if found is None else assigned(found, now=now)


def _listed() -> Sequence[Listed]:
    rows = Campaign.objects.filter(state=Campaign.State.BEGUN, holdout_bp__gt=0, archived_at=None)
    return [
        Listed(
            id=one.pk, name=one.name, since=one.started_at,
            ends_at=one.started_at + timedelta(days=one.lasts_days + one.window_days),
        )
        for one in rows.order_by("-id")[:_LISTED]
        if one.started_at is not None
    ]  # fmt: skip


def _choices() -> Sequence[tuple[int, str]]:
    rows = Campaign.objects.exclude(state=Campaign.State.BEGUN).filter(archived_at=None)
    return list(rows.order_by(F("id").desc()).values_list("pk", "name")[:_LISTED])


def _exposures(campaign_id: int) -> tuple[str, Mapping[str, Any]] | None:
    found = Campaign.objects.filter(pk=campaign_id).first()
    return None if found is None or found.send_id is None else _of_send(found)


def _of_send(campaign: Campaign) -> tuple[str, Mapping[str, Any]]:
    statement = """
        SELECT d.customer_id, d.accepted_at AS at, d.accepted_at + %(a_window)s AS until, d.cost_minor FROM messaging_delivery d
        WHERE d.send_id = %(a_send)s AND d.state IN ('accepted', 'delivered', 'complained')
    """
    return statement, {"a_send": campaign.send_id, "a_window": timedelta(days=campaign.window_days)}


def _roll_out(campaign_id: int, by: User | None, now: datetime) -> int:
    return copy_campaign(campaign_id, by=by, now=now).pk
