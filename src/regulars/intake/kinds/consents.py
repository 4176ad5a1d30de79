"""Consents: who allowed which channel, or took it back. The ledger only grows, so such an import is not undone."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.intake.kinds.fields import IDENTIFIERS, shared, when
from regulars.intake.kinds.kind import Field, Kind, Step

_ADDRESS = "CASE WHEN t.channel = 'email' THEN t.email WHEN t.channel IN ('sms', 'phone', 'whatsapp') THEN t.phone END"

CONSENTS = Kind(
    name="consents",
    label=pgettext_lazy("kind of file", "Consents"),
    thing=_("consent"),
    note=_("One statement a row: a customer allowed a channel, or took it back, and when."),
    fields=(
        *shared(*IDENTIFIERS),
        when("stated_at", _("Date of consent"), "consent date", "consented at", "opt in date", "subscribed at", "同意时间", "授权时间", "订阅时间", is_tellable=True),
        Field(
            name="channel",
            form="word",
            words=("channel", "consent channel", "medium", "渠道", "触达渠道"),
            label=_("Channel"),
            is_tellable=True,
            choices={
                "email": ("e-mail", "mail", "newsletter", "邮件", "邮箱", "电子邮件"),
                "sms": ("text", "text message", "短信"),
                "phone": ("call", "telephone", "电话"),
                "whatsapp": ("whats app",),
                "wecom": ("wechat work", "wechat", "企业微信", "微信"),
                "dingtalk": ("ding talk", "钉钉"),
                "post": ("letter", "direct mail", "邮寄", "信件"),
                "push": ("push notification", "app push", "推送"),
                "web": ("site", "onsite", "网站", "站内"),
            },
        ),
        Field(
            name="purpose",
            form="word",
            words=("purpose", "consent purpose", "用途", "目的"),
            label=_("Purpose"),
            is_tellable=True,
            note=_("Without it: offers and news."),
            choices={
                "marketing": ("promotion", "promotions", "newsletter", "ads", "营销", "促销"),
                "service": ("support", "care", "服务", "售后"),
                "profiling": ("personalisation", "personalization", "个性化", "个性化推荐"),
                "analytics": ("statistics", "统计", "分析"),
            },
        ),
        Field(
            name="consent",
            form="word",
            words=("consent", "consent state", "accepts marketing", "accepts email marketing", "opt in", "subscribed", "subscription status", "是否同意", "是否订阅", "同意状态", "状态"),
            label=_("Allowed or taken back"),
            choices={
                "granted": ("yes", "true", "1", "y", "opt in", "opted in", "subscribed", "accepted", "allowed", "是", "同意", "已同意", "接受", "已接受", "允许", "已允许", "已订阅", "订阅", "已授权", "授权"),
                "pending": ("pending confirmation", "unconfirmed", "待确认"),
                "withdrawn": ("no", "false", "0", "n", "opt out", "opted out", "unsubscribed", "not subscribed", "declined", "revoked", "否", "不同意", "不接受", "不允许", "拒绝", "未订阅", "未授权", "已退订", "退订"),
            },
        ),
        Field(
            name="wording",
            form="text",
            words=("wording", "wording version", "consent text", "terms version", "条款版本", "文本版本"),
            label=_("Wording"),
            is_tellable=True,
            note=_("Which text they agreed to."),
        ),
        Field(
            name="evidence",
            form="text",
            words=("source", "consent source", "evidence", "opt in source", "来源", "授权来源"),
            label=_("Where it was said"),
            is_tellable=True,
        ),
        Field(
            name="ip",
            form="ip",
            words=("ip", "ip address", "network address", "consent ip", "opt in ip", "optin ip", "signup ip", "IP地址", "网络地址"),
            label=_("Network address"),
            note=_("From which it was said, where the law lets you keep it."),
        ),
        *shared("store"),
    ),
    main=(*IDENTIFIERS[:3], "stated_at", "channel", "purpose", "consent"),
    needs=(IDENTIFIERS, ("stated_at",), ("channel",), ("consent",)),
    fills=("stated_at", "channel", "consent"),
    moment="stated_at",
    takes_customers=True,
    can_undo=False,
    takes_consents=True,
    merge=(
        Step(
            sql=f"""
            CREATE TEMPORARY TABLE staged_consent ON COMMIT DROP AS
            SELECT c.customer_id, t.channel, coalesce(t.purpose, 'marketing') AS purpose, t.consent AS state,
                   timestamptz 'epoch' + t.stated_at_us * interval '1 microsecond' AS at, coalesce({_ADDRESS}, '') AS address,
                   coalesce(t.wording, '') AS wording, coalesce(t.evidence, 'file') AS source, t.ip::inet AS ip,
                   'file:' || encode(sha256(convert_to(concat_ws('|', t.customer_key, t.channel,
                       coalesce(t.purpose, 'marketing'), t.consent, t.stated_at_us, t.wording), 'UTF8')), 'hex') AS key,
                   NULL::bigint AS by_id, '' AS reason
            FROM stage_row t JOIN staged_customer c USING (customer_key)
            ORDER BY t.stated_at_us, t.line_number
            """,
        ),
    ),
)  # fmt: skip
