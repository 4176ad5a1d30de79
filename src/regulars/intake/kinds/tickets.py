"""Tickets of after-sales service, kept as behaviour: each is an event `Ticket Opened`."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.intake.kinds.behaviour import event_steps
from regulars.intake.kinds.fields import IDENTIFIERS, shared, when
from regulars.intake.kinds.kind import Field, Kind

TICKETS = Kind(
    name="tickets",
    label=pgettext_lazy("kind of file", "Tickets"),
    thing=_("ticket"),
    note=_("One question, complaint or return a row, from your help desk or the marketplace's after-sales list."),
    fields=(
        Field(
            name="ticket_code",
            form="code",
            words=("ticket id", "ticket number", "ticket no", "case number", "ticket", "工单编号", "工单号", "售后单号", "售后编号"),
            label=_("Ticket number"),
        ),
        when("opened_at", _("Date opened"), "opened at", "ticket date", "created", "工单时间", "申请时间", "提交时间"),
        *shared(*IDENTIFIERS, "order_code", "product_code"),
        Field(
            name="subject",
            form="text",
            words=("subject", "title", "reason", "issue", "主题", "标题", "售后原因", "问题", "原因"),
            label=_("What about"),
            longest=1000,
        ),
        Field(
            name="ticket_type",
            form="text",
            words=("ticket type", "type", "category", "售后类型", "工单类型", "类型"),
            label=_("Type"),
        ),
        Field(
            name="ticket_status",
            form="text",
            words=("ticket status", "status", "state", "工单状态", "售后状态", "状态"),
            label=_("Ticket's state"),
        ),
        *shared("store"),
    ),
    main=("ticket_code", "opened_at", *IDENTIFIERS[:3], "order_code", "subject", "ticket_type"),
    needs=(("opened_at",), IDENTIFIERS),
    fills=("opened_at",),
    moment="opened_at",
    takes_customers=True,
    keeps_rest=True,
    merge=event_steps(
        moment="opened_at",
        name="'Ticket Opened'",
        properties={
            "ticket_id": "t.ticket_code",
            "subject": "t.subject",
            "type": "t.ticket_type",
            "status": "t.ticket_status",
        },
        own_id="'ticket:' || t.ticket_code",
    ),
)  # fmt: skip
