"""What the staff did for a customer, as part of the customer's story."""

from django.utils.translation import pgettext_lazy

from regulars.shop.story import FAMILY, StoryKind, StorySource, register

ACTIONS = StoryKind(key="action", label=pgettext_lazy("story", "Actions"), icon="phone")

register(
    StorySource(
        name="action",
        rank=9,
        kinds={ACTIONS: ""},
        sql=f"""
        SELECT a.id, a.closed_at AS at, jsonb_build_object(
            'playbook', a.playbook, 'state', a.state, 'note', a.note, 'by', coalesce(nullif(u.name, ''), u.email),
            'came_of_it', i.outcome, 'reason', i.reason) AS told
        FROM planner_action a LEFT JOIN staff_user u ON u.id = a.closed_by_id
        LEFT JOIN shop_interaction i ON i.about = 'action:' || a.id
        WHERE a.closed_at IS NOT NULL AND a.customer_id {FAMILY}
        """,  # noqa: S608  literals
    )
)
