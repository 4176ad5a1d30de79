"""Moves from label to label, as part of a customer's story."""

from django.utils.translation import pgettext_lazy

from regulars.shop.story import FAMILY, StoryKind, StorySource, register

LABELS = StoryKind(key="label", label=pgettext_lazy("story", "Labels"), icon="target")

register(
    StorySource(
        name="label",
        rank=8,
        kinds={LABELS: ""},
        # A run knows the day that it looked at, to its end.
        sql=f"""
        SELECT c.id, (date '1970-01-01' + c.as_of_day + 1)::timestamp AT TIME ZONE %(zone)s - interval '1 microsecond' AS at,
            jsonb_build_object('label', c.label, 'before', c.before, 'after', c.after, 'day', c.as_of_day) AS told
        FROM insights_profilechange c WHERE c.customer_id {FAMILY}
        """,  # noqa: S608  literals
    )
)
