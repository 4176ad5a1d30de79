"""Behaviour: what customers viewed, searched, put into the cart."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.intake.kinds.behaviour import event_steps
from regulars.intake.kinds.fields import IDENTIFIERS, shared, when
from regulars.intake.kinds.kind import Field, Kind

EVENTS = Kind(
    name="events",
    label=pgettext_lazy("kind of file", "Behaviour"),
    thing=_("event"),
    note=_("One thing a customer did a row: a view, a search, a cart. Columns without a field are kept as properties."),
    fields=(
        Field(
            name="event_id",
            form="code",
            words=("event id", "message id", "messageid", "insert id", "hit id", "事件编号", "事件ID", "日志ID"),
            label=_("Event id"),
            note=_("Tells events apart. Without it their content does, and identical ones are counted."),
        ),
        Field(
            name="event_name",
            form="text",
            words=("event name", "event", "event type", "action", "behavior type", "行为类型", "事件名称", "事件", "行为"),
            label=_("What they did"),
            note=_("As in Segment's e-commerce names: Product Viewed, Product Added, Cart Viewed."),
        ),
        when("happened_at", _("When"), "event time", "event timestamp", "occurred at", "sent at", "行为时间", "访问时间", "事件时间", "time", "时间"),
        *shared(*IDENTIFIERS, "product_code", "order_code"),
        Field(
            name="url",
            form="text",
            words=("url", "page url", "page location", "page", "link", "页面地址", "访问页面", "网址"),
            label=_("Page"),
            longest=2000,
        ),
        *shared("store"),
    ),
    main=("event_name", "happened_at", *IDENTIFIERS[:3], "product_code", "url"),
    needs=(("event_name",), ("happened_at",), IDENTIFIERS),
    fills=("event_name", "happened_at"),
    moment="happened_at",
    takes_customers=True,
    keeps_rest=True,
    merge=event_steps(
        moment="happened_at", name="t.event_name", properties={}, own_id="'event:' || t.event_id", url="t.url"
    ),
)  # fmt: skip
