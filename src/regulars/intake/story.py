"""Which file brought a customer into the record, as part of the customer's story."""

from django.utils.translation import pgettext_lazy

from regulars.shop.story import StoryKind, StorySource, register

IMPORTS = StoryKind(key="import", label=pgettext_lazy("story", "Imports"), icon="file")

register(
    StorySource(
        name="import",
        rank=10,
        kinds={IMPORTS: ""},
        sql="""
        SELECT i.id, i.finished_at AS at, jsonb_build_object('import_id', i.id, 'file', i.file_name) AS told
        FROM intake_import i JOIN shop_changeset c ON c.id = i.change_set_id
        WHERE i.state = 'done' AND i.finished_at IS NOT NULL
          AND %(customer)s BETWEEN (c.added->'shop_customer'->>0)::bigint AND (c.added->'shop_customer'->>1)::bigint
        """,
    )
)
