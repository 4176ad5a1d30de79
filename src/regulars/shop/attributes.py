"""What the record itself can be asked of a customer: who they are, what they said, what the shop noted."""

from collections.abc import Iterator
from functools import partial

from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from regulars.shop import registry
from regulars.shop.models import AttributeDefinition, Consent, Identifier, Interaction, Store, Tag
from regulars.shop.models.consents import Channel
from regulars.shop.queries import choices
from regulars.shop.registry import CustomerAttribute, Source, Type

_PERSON = _("Who they are")
_SAID = _("What they told you")
_CONSENT = _("What they allow")
_ACCOUNT = _("Their company")

CUSTOMER = Source(name="customer", table="shop_customer", key="id")
_IDENTIFIERS = Source(name="identifiers", table="shop_identifier", is_many=True)
_TAGS = Source(
    name="tags",
    table="(SELECT g.customer_id, t.name FROM shop_tagging g JOIN shop_tag t ON t.id = g.tag_id WHERE t.removed_at IS NULL)",
    is_many=True,
)
_ACCOUNTS = Source(
    name="accounts",
    table="(SELECT k.customer_id, a.* FROM shop_contact k JOIN shop_account a ON a.id = k.account_id)",
    is_many=True,
)
_STORES = Source(
    name="stores",
    table="(SELECT o.customer_id, s.code FROM shop_order o JOIN shop_store s ON s.id = o.store_id WHERE o.is_valid)",
    is_many=True,
)
# What was told last; who became part of another brings theirs along.
_LAST_INTERACTION = Source(
    name="interactions",
    table="""(SELECT DISTINCT ON (coalesce(w.merged_into_id, w.id)) coalesce(w.merged_into_id, w.id) AS customer_id,
                     i.outcome, i.reason, i.day
              FROM (SELECT i.*, (i.at AT TIME ZONE b.time_zone)::date - date '1970-01-01' AS day
                    FROM shop_interaction i CROSS JOIN (SELECT coalesce(max(time_zone), 'UTC') AS time_zone FROM shop_business) b) i
              JOIN shop_customer w ON w.id = i.customer_id
              ORDER BY coalesce(w.merged_into_id, w.id), i.at DESC, i.id DESC)""",
)
# Of two statements of one moment the withdrawal counts, as in `queries.current_consents`.
_CONSENTS = """(
    SELECT DISTINCT ON (coalesce(w.merged_into_id, w.id)) coalesce(w.merged_into_id, w.id) AS customer_id, t.state
    FROM shop_consent t JOIN shop_customer w ON w.id = t.customer_id
    WHERE t.channel = {channel} AND t.purpose = 'marketing'
    ORDER BY coalesce(w.merged_into_id, w.id), t.at DESC,
             array_position(ARRAY['withdrawn', 'pending', 'granted'], t.state::text), t.key
)"""
_TYPES: dict[str, tuple[Type, str]] = {
    "text": ("text", "{s}.text"),
    "number": ("number", "{s}.number"),
    "money": ("money", "{s}.number::bigint"),
    "flag": ("flag", "{s}.flag"),
    "date": ("date", "({s}.date - date '1970-01-01')"),
    "yearly": ("date", "({s}.date - date '1970-01-01')"),
    "choice": ("choice", "{s}.text"),
    "choices": ("choices", "{s}.choices"),
}


def register() -> None:
    """Offer the record's attributes."""
    registry.register(
        CustomerAttribute(
            key="name",
            group=_PERSON,
            label=_("Name"),
            type="text",
            source=CUSTOMER,
            sql="{s}.name",
            sensitivity="personal",
        ),
        CustomerAttribute(
            key="code",
            group=_PERSON,
            label=_("Customer id"),
            type="text",
            source=CUSTOMER,
            sql="{s}.code",
            sensitivity="personal",
        ),
        CustomerAttribute(
            key="country",
            group=_PERSON,
            label=_("Country"),
            type="choice",
            source=CUSTOMER,
            sql="{s}.country",
            choices=lambda: [(name, name) for name in choices().countries if name],
        ),
        CustomerAttribute(
            key="language",
            group=_PERSON,
            label=_("Language"),
            type="choice",
            source=CUSTOMER,
            sql="{s}.language",
            choices=lambda: settings.LANGUAGES,
            help=_("What they chose on their page, or a file told of them; messages are written in it."),
        ),
        CustomerAttribute(
            key="identifier",
            group=_PERSON,
            label=_("Can be recognised by"),
            type="choice",
            source=_IDENTIFIERS,
            sql="{s}.kind",
            choices=lambda: Identifier.Kind.choices,
            help=_("Which kinds of addresses and ids the shop has of a customer."),
        ),
        CustomerAttribute(
            key="address",
            group=_PERSON,
            label=_("E-mail, phone or other id"),
            type="text",
            source=_IDENTIFIERS,
            sql="{s}.value",
            sensitivity="personal",
        ),
        CustomerAttribute(
            key="store",
            group=_PERSON,
            label=_("Bought at the store"),
            type="choice",
            source=_STORES,
            sql="{s}.code",
            choices=lambda: Store.objects.order_by("name").values_list("code", "name"),
            help=_("Stores where the customer has a valid order."),
        ),
        CustomerAttribute(
            key="tag",
            group=_SAID,
            label=_("Tag"),
            type="choice",
            source=_TAGS,
            sql="{s}.name",
            choices=lambda: (
                (name, name) for name in Tag.objects.filter(removed_at=None).values_list("name", flat=True)
            ),
            help=_("Tags put on the customer by a person, a file or a rule."),
        ),
        CustomerAttribute(
            key="interaction.outcome",
            group=_SAID,
            label=_("Outcome of the last call or visit"),
            type="choice",
            source=_LAST_INTERACTION,
            sql="{s}.outcome",
            choices=lambda: Interaction.Outcome.choices,
            help=_("What the staff noted when they last got in touch in person, or tried to."),
        ),
        CustomerAttribute(
            key="interaction.reason",
            group=_SAID,
            label=_("Reason given in the last call or visit"),
            type="choice",
            source=_LAST_INTERACTION,
            sql="nullif({s}.reason, '')",
            choices=lambda: Interaction.Reason.choices,
            help=_("Why the customer buys less or nothing, as they told the staff."),
        ),
        CustomerAttribute(
            key="interaction.day",
            group=_SAID,
            label=_("Day of the last call or visit"),
            type="day",
            source=_LAST_INTERACTION,
            sql="{s}.day",
            help=_("When the staff last got in touch in person, or tried to."),
        ),
        *(
            CustomerAttribute(
                key=f"consent.{channel}",
                group=_CONSENT,
                label=format_lazy("{}: {}", _("Offers and news"), channel.label),
                type="choice",
                source=Source(name=f"consent.{channel}", table=_CONSENTS, values={"channel": channel.value}),
                sql="{s}.state",
                choices=lambda: Consent.State.choices,
                help=_("What the customer said last of this channel. Nothing said is no permission."),
            )
            for channel in Channel
        ),
        CustomerAttribute(
            key="account",
            group=_ACCOUNT,
            label=_("Company"),
            type="text",
            source=_ACCOUNTS,
            sql="{s}.name",
        ),
        CustomerAttribute(
            key="industry",
            group=_ACCOUNT,
            label=_("Industry"),
            type="text",
            source=_ACCOUNTS,
            sql="{s}.industry",
        ),
    )
    registry.register_asked(_stated)


def _stated() -> Iterator[CustomerAttribute]:
    """Yield the attributes that the merchant defined."""
    for definition in AttributeDefinition.objects.all():
        type_, sql = _TYPES[definition.type]
        options = tuple((choice, choice) for choice in definition.choices)
        yield CustomerAttribute(
            key=f"attribute.{definition.name}",
            group=_SAID,
            label=definition.shown_label,
            type=type_,
            source=Source(
                name=f"attribute.{definition.pk}",
                table="shop_attributevalue",
                where="{s}.definition_id = {definition}",
                values={"definition": definition.pk},
            ),
            sql=sql,
            choices=partial(tuple, options) if options else None,
        )
