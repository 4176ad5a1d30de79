"""Launch campaigns and journeys, or ask somebody to who may: the owner settles from what size on."""

import json
from datetime import datetime
from hashlib import sha256
from typing import ClassVar

from django.db import transaction
from django.utils.translation import gettext as _

from regulars.journeys.graph import InvalidGraphError, check, hindrances
from regulars.journeys.models import Approval, ApprovalRule, Campaign, Journey
from regulars.journeys.operations import campaigns, journeys
from regulars.journeys.operations.journeys import Published, Running
from regulars.kernel.errors import RegularsError
from regulars.segments import queries as segments
from regulars.staff.models import User
from regulars.staff.rules import Capability, may

MOST_ABOVE = 1_000_000_000
_LONGEST_ANSWER = 500


class NoSuchApprovalError(RegularsError):
    """Nothing was asked for under this id."""

    code: ClassVar[str] = "no_such_approval"


class ApprovalStateError(RegularsError):
    """It was decided already, or what was asked for is not there any more."""

    code: ClassVar[str] = "approval_state"


class NotYoursToDecideError(RegularsError):
    """Who decides must be allowed to, and may not be who asked."""

    code: ClassVar[str] = "not_yours_to_decide"


def approval_rule() -> ApprovalRule | None:
    """Return whose launches wait; None: nobody's."""
    return ApprovalRule.objects.filter(pk=1).first()


def change_approval_rule(*, above: int | None) -> None:
    """Settle whose launches wait; what waits already goes on waiting.

    Args:
        above: Campaigns to more customers than this wait, and all journeys, of people who may not approve; None: nothing waits.

    Raises:
        ApprovalStateError: It is below 0 or above 1,000,000,000.
    """
    if above is None:
        ApprovalRule.objects.filter(pk=1).delete()
        return
    if not 0 <= above <= MOST_ABOVE:
        raise ApprovalStateError(
            _("%(field)s == %(value)s, must be %(least)s to %(most)s")
            % {"field": "above", "value": above, "least": 0, "most": MOST_ABOVE}
        )
    ApprovalRule.objects.update_or_create(pk=1, defaults={"above": above})


def launch_campaign(campaign_id: int, *, by: User | None, now: datetime) -> Approval | None:
    """Confirm a campaign, or ask for that where the rule wants it; asking twice asks once.

    Returns:
        What was asked for; None where it is confirmed.

    Raises:
        NoSuchCampaignError, CampaignStateError, InvalidCampaignError: As of `schedule_campaign`.
    """
    with transaction.atomic():
        campaign = campaigns.locked(campaign_id)
        customers = segments.member_ids(campaign.segment_id).count()
        if by is None or not _waits(by, customers=customers):
            campaigns.schedule_campaign(campaign_id, now=now)
            _overtake(campaign=campaign, by=by, now=now)
            return None
        if campaign.state != Campaign.State.DRAFT or campaign.archived_at is not None:
            raise campaigns.CampaignStateError(
                _("“%(name)s” is no draft any more; copy it") % {"name": campaign.name}
            )
        for problem in campaigns.problems(campaign, now=now):
            raise problem
        return _ask(campaign=campaign, customers=customers, by=by, now=now)


def launch_journey(
    journey_id: int, *, running: Running = "finish", by: User | None, now: datetime
) -> Published | Approval:
    """Publish a journey, or ask for that where the rule wants it; asking twice asks once.

    Raises:
        NoSuchJourneyError, JourneyStateError, InvalidGraphError: As of `publish`.
    """
    with transaction.atomic():
        journey = journeys.locked(journey_id)
        if by is None or not _waits(by, customers=None):
            done = journeys.publish(journey_id, running=running, by=by, now=now)
            _overtake(journey=journey, by=by, now=now)
            return done
        faults = hindrances(check(journey.graph, journey_id=journey.pk))
        if faults:
            raise InvalidGraphError(faults)
        return _ask(journey=journey, moves=running == "move", by=by, now=now)


def approve(approval_id: int, *, by: User, now: datetime) -> Approval:
    """Launch what was asked for. Approving it again changes nothing.

    Raises:
        NoSuchApprovalError: There is none.
        NotYoursToDecideError: They may not approve.
        ApprovalStateError: It was decided otherwise, or was changed since it was asked for.
        RegularsError: It cannot be launched as it is, as of `schedule_campaign` and `publish`.
    """
    with transaction.atomic():
        row = _locked(approval_id)
        if row.state == Approval.State.APPROVED:
            return row
        _check_decider(row, by)
        if row.fingerprint != _fingerprint(row.campaign, row.journey):
            raise ApprovalStateError(
                _("“%(name)s” was changed since it was asked for; it has to be asked for again")
                % {"name": row}
            )
        if row.campaign is not None:
            campaigns.schedule_campaign(row.campaign.pk, now=now)
        elif row.journey is not None:
            running: Running = "move" if row.moves else "finish"
            journeys.publish(row.journey.pk, running=running, by=by, now=now)
        _decide(row, Approval.State.APPROVED, by=by, now=now)
    return row


def decline(approval_id: int, *, by: User, answer: str = "", now: datetime) -> Approval:
    """Say no, and why. Raises as `approve`."""
    with transaction.atomic():
        row = _locked(approval_id)
        if row.state == Approval.State.DECLINED:
            return row
        _check_decider(row, by)
        row.answer = " ".join(answer.replace("\0", "").split())[:_LONGEST_ANSWER]
        _decide(row, Approval.State.DECLINED, by=by, now=now)
    return row


def withdraw(approval_id: int, *, by: User, now: datetime) -> Approval:
    """Take back what one asked for oneself.

    Raises:
        NoSuchApprovalError: There is none.
        NotYoursToDecideError: Somebody else asked.
        ApprovalStateError: It was decided already.
    """
    with transaction.atomic():
        row = _locked(approval_id)
        if row.state == Approval.State.WITHDRAWN:
            return row
        if row.asked_by_id != by.pk:
            raise NotYoursToDecideError(_("only who asked can take it back"))
        _still_waiting(row)
        _decide(row, Approval.State.WITHDRAWN, by=by, now=now)
    return row


def _waits(by: User, *, customers: int | None) -> bool:
    rule = approval_rule()
    if rule is None or may(by.role, Capability.APPROVE_LAUNCHES):
        return False
    return customers is None or customers > rule.above


def _ask(  # noqa: PLR0913  what is asked for
    *,
    campaign: Campaign | None = None,
    journey: Journey | None = None,
    customers: int | None = None,
    moves: bool = False,
    by: User,
    now: datetime,
) -> Approval:
    fingerprint = _fingerprint(campaign, journey)
    waiting = Approval.objects.filter(
        campaign=campaign, journey=journey, state=Approval.State.WAITING
    ).first()
    if waiting is not None:
        if (waiting.fingerprint, waiting.moves) == (fingerprint, moves):
            return waiting
        _decide(waiting, Approval.State.WITHDRAWN, by=by, now=now)
    return Approval.objects.create(
        campaign=campaign, journey=journey, customers=customers, moves=moves, fingerprint=fingerprint, asked_at=now, asked_by=by
    )  # fmt: skip


def _overtake(
    *, campaign: Campaign | None = None, journey: Journey | None = None, by: User | None, now: datetime
) -> None:
    """Close what was asked for of something that was launched by somebody who may."""
    for row in Approval.objects.filter(campaign=campaign, journey=journey, state=Approval.State.WAITING):
        _decide(row, Approval.State.APPROVED, by=by or row.asked_by, now=now)


def _fingerprint(campaign: Campaign | None, journey: Journey | None) -> str:
    told: object = None
    if campaign is not None:
        columns = (
            "name", "segment_id", "excluded", "purpose", "tag", "priority", "offer_id", "timing", "at", "on_day", "clock",
            "holdout_bp", "window_days", "lasts_days",
        )  # fmt: skip
        rows = campaign.channels.order_by("position").values_list("channel_id", "template_id")
        told = [[str(getattr(campaign, name)) for name in columns], list(rows)]
    elif journey is not None:
        told = journey.graph
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _check_decider(row: Approval, by: User) -> None:
    if not may(by.role, Capability.APPROVE_LAUNCHES):
        raise NotYoursToDecideError(_("this has to be decided by the owner or a manager"))
    _still_waiting(row)


def _still_waiting(row: Approval) -> None:
    if row.state != Approval.State.WAITING:
        raise ApprovalStateError(
            _("“%(name)s” was decided already: %(state)s") % {"name": row, "state": row.get_state_display()}
        )


def _decide(row: Approval, state: str, *, by: User, now: datetime) -> None:
    row.state, row.decided_by, row.decided_at = state, by, now
    row.save(update_fields=["state", "decided_by", "decided_at", "answer"])


def _locked(approval_id: int) -> Approval:
    row = (
        Approval.objects.select_for_update(of=("self",))
        .select_related("campaign", "journey", "asked_by")
        .filter(pk=approval_id)
        .first()
    )
    if row is None:
        raise NoSuchApprovalError(
            _("nothing was asked for under %(id)s") % {"id": approval_id}, approval_id=approval_id
        )
    return row
