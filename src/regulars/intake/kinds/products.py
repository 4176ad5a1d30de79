"""Products: what a store sells, by its own codes."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.intake.kinds.fields import called, shared, when
from regulars.intake.kinds.kind import Kind, Step

_TEXTS = ("name", "category", "brand", "pack_size")
_LATEST = ", ".join(
    f"(array_agg({name} ORDER BY seen_us DESC, {name}) FILTER (WHERE {name} IS NOT NULL))[1] AS {name}"
    for name in _TEXTS
)
_STAGED = f"""
    SELECT store_id, code, max(seen_us) AS seen_us, bool_or(is_dated) AS is_dated, {_LATEST}
    FROM (
        SELECT store_id, product_code AS code, product_name AS name, category, brand, pack_size,
               coalesce(updated_at_us, (extract(epoch FROM %(now)s) * 1000000)::bigint) AS seen_us,
               updated_at_us IS NOT NULL AS is_dated
        FROM stage_row
    ) t GROUP BY store_id, code
"""
_DESCRIBED = "timestamptz 'epoch' + s.seen_us * interval '1 microsecond'"
_VALUES = ", ".join(f"coalesce(s.{name}, r.{name})" for name in _TEXTS)

PRODUCTS = Kind(
    name="products",
    label=pgettext_lazy("kind of file", "Products"),
    thing=_("product"),
    note=_("One product a row: your catalogue with names, categories, brands and pack sizes."),
    fields=(
        *shared("product_code"),
        called("product_name", "name", "title", "名称", "标题"),
        *shared("category", "brand", "pack_size", "store"),
        when(
            "updated_at",
            _("Last changed"),
            "updated at",
            "last modified",
            "modified at",
            "更新时间",
            "修改时间",
            "更新時間",
        ),
    ),
    main=("product_code", "product_name", "category", "brand", "pack_size"),
    needs=(("product_code",), ("product_name", "category", "brand", "pack_size")),
    fills=("product_code",),
    moment="updated_at",
    merge=(
        Step(
            sql=f"""
            INSERT INTO shop_product (store_id, code, name, category, brand, pack_size, described_at)
            SELECT s.store_id, s.code, coalesce(s.name, ''), coalesce(s.category, ''), coalesce(s.brand, ''),
                   coalesce(s.pack_size, ''), {_DESCRIBED}
            FROM ({_STAGED}) s
            WHERE NOT EXISTS (SELECT FROM shop_product r WHERE r.store_id = s.store_id AND r.code = s.code)
            ORDER BY s.store_id, s.code
            """,
            counts="rows_added",
        ),
        Step(
            sql=f"""
            UPDATE shop_product r SET (name, category, brand, pack_size) = ROW ({_VALUES}), described_at = {_DESCRIBED}
            FROM ({_STAGED}) s
            WHERE r.store_id = s.store_id AND r.code = s.code
              AND (r.name, r.category, r.brand, r.pack_size) IS DISTINCT FROM ROW ({_VALUES})
              AND {_DESCRIBED} >= coalesce(r.described_at, '-infinity')
            """,
            counts="rows_changed",
        ),
    ),
)
