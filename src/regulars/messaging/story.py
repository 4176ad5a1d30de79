"""Messages as part of a customer's story: what was sent, and what was not, and why."""

from django.utils.translation import pgettext_lazy

from regulars.shop.story import FAMILY, StoryKind, StorySource, register

MESSAGES = StoryKind(key="message", label=pgettext_lazy("story", "Messages"), icon="mail")

register(
    StorySource(
        name="message",
        rank=13,
        kinds={MESSAGES: ""},
        sql=f"""
        SELECT d.id, coalesce(d.accepted_at, d.settled_at, d.created_at) AS at, jsonb_build_object(
            'send', s.label, 'send_id', s.id, 'channel', c.name, 'medium', c.medium, 'state', d.state, 'reason', d.reason,
            'due_at', CASE WHEN d.state = 'pending' THEN d.due_at END, 'was_uncertain', d.was_uncertain,
            'instead_of', i.name) AS told
        FROM messaging_delivery d JOIN messaging_send s ON s.id = d.send_id JOIN messaging_channel c ON c.id = d.channel_id
            LEFT JOIN messaging_delivery r ON r.id = d.instead_of_id LEFT JOIN messaging_channel i ON i.id = r.channel_id
        WHERE d.customer_id {FAMILY}
        """,  # noqa: S608  literals
    )
)
