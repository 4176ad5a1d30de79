"""Something that one of the staff does: a call, a card, a gift."""

from django.utils import timezone
from django.utils.translation import gettext_lazy

from regulars.messaging.channels.channel import ChannelKind, Dispatch, Opening, Outgoing, Receipt, Sender
from regulars.messaging.models import StaffTask


class _StaffTaskSender:
    def prepare(self, outgoing: Outgoing) -> Dispatch:
        said, delivery_id = outgoing.message, outgoing.recipient.delivery_id

        def put() -> Receipt:
            now = timezone.now()
            StaffTask.objects.get_or_create(
                delivery_id=delivery_id,
                defaults={
                    "title": said.subject[:300],
                    "text": said.text,
                    "created_at": now,
                    "due_at": now + StaffTask.WITHIN,
                },
            )
            return Receipt()

        return put

    def close(self) -> None:
        pass


def _open(opening: Opening) -> Sender:
    del opening
    return _StaffTaskSender()


STAFF_TASK = ChannelKind(
    key="staff_task",
    label=gettext_lazy("Task for staff"),
    about=gettext_lazy("Somebody calls, writes a card or packs a gift, and says what came of it."),
    media=("phone", "post"),
    asked=(),
    open=_open,
    repeats_doubtful=True,
    takes_tests=False,
)
