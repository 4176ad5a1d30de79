"""The channels: a folder for each, one interface. A new one is a folder and a line here."""

from regulars.messaging.channels.audience import AUDIENCE
from regulars.messaging.channels.channel import ChannelKind, InvalidChannelError
from regulars.messaging.channels.dingtalk import DINGTALK
from regulars.messaging.channels.onsite import ONSITE
from regulars.messaging.channels.providers import PROVIDERS
from regulars.messaging.channels.sms.aliyun import ALIYUN
from regulars.messaging.channels.sms.gateway import SMS_GATEWAY
from regulars.messaging.channels.sms.twilio import TWILIO
from regulars.messaging.channels.smtp import SMTP
from regulars.messaging.channels.staff_task import STAFF_TASK
from regulars.messaging.channels.webhook import WEBHOOK
from regulars.messaging.channels.wecom import WECOM
from regulars.messaging.channels.whatsapp import WHATSAPP

KINDS: tuple[ChannelKind, ...] = (
    SMTP,
    *PROVIDERS,
    SMS_GATEWAY,
    TWILIO,
    ALIYUN,
    WHATSAPP,
    WECOM,
    DINGTALK,
    ONSITE,
    WEBHOOK,
    AUDIENCE,
    STAFF_TASK,
)
_BY_KEY = {kind.key: kind for kind in KINDS}


def kind_named(key: str) -> ChannelKind:
    """Return a kind of channel.

    Raises:
        InvalidChannelError: There is none of this name.
    """
    try:
        return _BY_KEY[key]
    except KeyError:
        raise InvalidChannelError(
            f"kind == {key!r}, must be one of {', '.join(_BY_KEY)}", field="kind"
        ) from None
