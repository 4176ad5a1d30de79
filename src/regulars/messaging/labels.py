"""What states and reasons of deliveries are called."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from regulars.shop.models.consents import Channel as Medium

REASONS: dict[str, str | Promise] = {
    "no_consent": _("No consent to this"),
    "no_address": _("No address"),
    "offer_over": _("The offer is over"),
    "offer_used": _("Has used up the offer"),
    "hard_bounce": _("The address does not exist"),
    "complaint": _("Reported our mail as spam"),
    "staff": _("Blocked by staff"),
    "cap": _("Had enough messages"),
    "quiet_hours": _("Quiet hours"),
    "pace": _("Waits for its place: the channel goes no faster"),
    "holdout": _("Hold-out, to measure against"),
    "global_holdout": _("Gets no advertising at all, to measure against"),
    "other_arm": _("In another arm of the experiment"),
    "excluded": _("In a segment that the campaign leaves out"),
    "expired": _("Too late"),
    "cancelled": _("Cancelled"),
    "channel": _("The channel did not work"),
    "channel_gone": _("The channel is out of use"),
    "composition": _("The message could not be made"),
    "no_such_address": _("The address does not exist"),
    "refused": _("Refused by the receiver"),
    "sender_refused": _("The sender was refused"),
    "deferred": _("Put off by the receiver"),
    "server_busy": _("The server was busy"),
    "throttled": _("Too fast for the receiver"),
    "server_error": _("The other side had an error"),
    "no_connection": _("No connection"),
    "connection_lost": _("The connection broke before the message was over"),
    "answer_cut": _("The answer was cut off: it may be there"),
    "sender_silent": _("The sender fell silent: it may be there"),
    "sender_died": _("The sender died: it may be there"),
    "sent_again": _("Sent again: it may be there twice"),
    "credentials_refused": _("The credentials were refused"),
    "bad_header": _("A header cannot be set"),
    "bad_content": _("The content cannot be sent"),
    "bad_address": _("The address cannot be written to"),
    "opted_out_there": _("Opted out at the carrier"),
    "not_there": _("Not to be reached on this platform"),
    "limited_there": _("The platform limits how much customers get"),
    "suppressed_there": _("The service writes to this address no more"),
    "no_mailbox": _("The mailbox of bounces cannot be read"),
    "gone": _("The receiver is gone"),
    "bounced": _("Came back"),
    "complained": _("Reported as spam"),
    "failed": _("Failed at the carrier"),
    "address_not_allowed": _("The address may not be called"),
}

HOLDS = ("cap", "quiet_hours", "pace")
"""Reasons of what waits for its time, and not for another try."""
AT_START = "start."
"""Reasons that begin so were found before anything was sent; in words they are the same."""


def medium_label(medium: str) -> str | Promise:
    """Return what a medium is called; of one without a consent of its own its name."""
    return dict(Medium.choices).get(medium, medium)


def reason_label(reason: str) -> str:
    """Return a reason in words; one that other rooms gave, as it is."""
    return str(REASONS.get(reason.removeprefix(AT_START), reason))
