"""What a campaign's messages say: the version that was confirmed for the channel, with the campaign's offer."""

from typing import ClassVar

from regulars.journeys.models import Campaign, CampaignChannel
from regulars.kernel.errors import RegularsError
from regulars.messaging import composing
from regulars.messaging.coupons import OFFER
from regulars.messaging.labels import medium_label
from regulars.messaging.registry import Source, register_source
from regulars.shop.wording import gettext as _

KIND = "campaign"


class NothingToSayError(RegularsError):
    """The campaign has no confirmed content for the channel."""

    code: ClassVar[str] = "campaign_without_content"


def compose(source: Source, *, channel: str) -> composing.TemplateVariant:
    """Compose for sources of the kind `campaign`.

    Raises:
        NothingToSayError: The campaign says nothing over this medium.
    """
    row = (
        CampaignChannel.objects.filter(campaign=source.id, channel__medium=channel, version__isnull=False)
        .order_by("position")
        .first()
    )
    if row is None or row.version_id is None:
        raise NothingToSayError(
            _("the campaign has nothing to say over %(channel)s") % {"channel": medium_label(channel)}
        )
    return composing.of_version(row.version_id, channel=channel, given=given(row.campaign))


def given(campaign: Campaign) -> dict[str, object]:
    """Return what a campaign brings to its templates."""
    return {} if campaign.offer_id is None else {OFFER: campaign.offer_id}


def register() -> None:
    """Compose for campaigns."""
    register_source(KIND, compose)
