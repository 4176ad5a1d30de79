"""Customers: who they are, whether or not they have ordered."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.intake.kinds.fields import IDENTIFIERS, called, shared, when
from regulars.intake.kinds.kind import Field, Kind, Step
from regulars.shop.rules import LANGUAGE_CODE, LANGUAGE_WORDS

# What messages are written in, by what a file may call it: as `language_of` reads it.
_LANGUAGE = f"""
CASE
    {" ".join(f"WHEN t.language ~* '{pattern}' THEN '{language}'" for language, pattern in LANGUAGE_WORDS.items())}
    ELSE coalesce(lower(substring(t.language from '{LANGUAGE_CODE}')), '')
END
"""
_LANGUAGES_TOLD = f"""
SELECT DISTINCT ON (customer_id) customer_id, language, at, is_dated
FROM (
    SELECT c.customer_id, {_LANGUAGE} AS language, t.line_number, t.updated_at_us IS NOT NULL AS is_dated,
           coalesce(timestamptz 'epoch' + t.updated_at_us * interval '1 microsecond', %(now)s) AS at
    FROM stage_row t JOIN staged_customer c USING (customer_key)
) told
WHERE language <> ''
ORDER BY customer_id, at DESC, line_number DESC
"""

CUSTOMERS = Kind(
    name="customers",
    label=pgettext_lazy("kind of file", "Customers"),
    thing=_("customer"),
    note=_(
        "One customer a row: names, countries, every id, e-mail and phone that belong to one person, tags, and your own attributes."
    ),
    fields=(
        *shared(*IDENTIFIERS),
        called("customer_name", "name", "名字", "名称"),
        Field(
            name="first_name", form="text", words=("first name", "given name", "forename", "名"), label=_("Given name"),
            note=_("Given and family name are the customer's name where no column says it whole."), longest=100,
        ),
        Field(name="last_name", form="text", words=("last name", "family name", "surname", "姓", "姓氏"), label=_("Family name"), longest=100),
        *shared("country"),
        called("company", "company", "organisation", "organization", "公司", "单位名称"),
        Field(
            name="language",
            form="text",
            words=("language", "preferred language", "locale", "customer locale", "lang", "语言", "首选语言", "語言"),
            label=_("Language"),
            note=_("As zh-CN, en, Chinese. What a customer chose stays; of the others, what was told last."),
            longest=40,
        ),
        Field(
            name="tags",
            form="text",
            words=("tags", "tag", "labels", "customer tags", "客户标签", "会员标签", "标签", "標籤"),
            label=_("Tags"),
            note=_("Several are divided by commas. They are put on; none is taken off."),
            longest=3_000,
        ),
        *shared("store"),
        when("updated_at", _("Last changed"), "updated at", "last modified", "modified at", "更新时间", "修改时间", "更新時間"),
    ),
    main=(*IDENTIFIERS, "customer_name", "country", "language", "tags"),
    needs=(IDENTIFIERS,),
    moment="updated_at",
    takes_customers=True,
    takes_attributes=True,
    # Customers of the stage are merged for every kind that names them; here there is little else to do.
    merge=(
        Step(
            sql=f"""
            UPDATE shop_customer r SET language = s.language, language_at = s.at
            FROM ({_LANGUAGES_TOLD}) s
            WHERE r.id = s.customer_id AND r.language <> s.language
              AND (r.language = '' OR r.language_at <= s.at)
            """,
            counts="rows_changed",
        ),
        Step(
            sql=f"""
            UPDATE shop_customer r SET language_at = s.at
            FROM ({_LANGUAGES_TOLD}) s
            WHERE r.id = s.customer_id AND r.language = s.language AND s.is_dated AND r.language_at < s.at
            """,
        ),
        Step(
            sql="""
            UPDATE shop_customer r SET described_at = s.described_at
            FROM (
                SELECT c.customer_id, bool_or(t.updated_at_us IS NOT NULL) AS is_dated, max(coalesce(
                    timestamptz 'epoch' + t.updated_at_us * interval '1 microsecond', %(now)s
                )) AS described_at
                FROM stage_row t JOIN staged_customer c USING (customer_key)
                WHERE t.customer_name IS NOT NULL OR t.country IS NOT NULL
                GROUP BY c.customer_id
            ) s
            WHERE r.id = s.customer_id
              AND (r.described_at IS NULL OR (s.is_dated AND r.described_at < s.described_at))
            """,
        ),
    ),
)  # fmt: skip
