"""The registry of what a customer's story is made of. Each room that knows something of customers adds its part."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


@dataclass(frozen=True, kw_only=True)
class StoryKind:
    """One kind of entry, as pages name and mark it."""

    key: str
    label: str | Promise
    icon: str


@dataclass(frozen=True, kw_only=True)
class StorySource:
    """One table's part of every customer's story.

    Attributes:
        name: Told with every entry.
        rank: Where entries of one instant stand; no two sources share one.
        sql: A SELECT of `id bigint, at timestamptz, told jsonb` that ends in its WHERE clause. It may name the parameters
            %(customer)s, the customer's id, and %(zone)s, the business's time zone. Where `told` has a `kind`, that is the entry's;
            otherwise it is the source's only one.
        kinds: Kinds of its entries, each with the condition that finds it, "" for all.
    """

    name: str
    rank: int
    sql: str
    kinds: Mapping[StoryKind, str] = field(hash=False)

    def kind_of(self, told: Mapping[str, object]) -> str:
        """Return the kind of an entry."""
        told_kind = told.get("kind")
        return told_kind if isinstance(told_kind, str) else next(iter(self.kinds)).key


_SOURCES: dict[str, StorySource] = {}


def register(source: StorySource) -> None:
    """Add a part to every customer's story.

    Raises:
        ValueError: Another source has its name or its rank.
    """
    for known in _SOURCES.values():
        if known != source and (known.name == source.name or known.rank == source.rank):
            message = f"story source {source.name!r} of rank {source.rank}: {known.name!r} of rank {known.rank} is there"
            raise ValueError(message)
    _SOURCES[source.name] = source


def sources() -> list[StorySource]:
    """Return every part, by rank."""
    return sorted(_SOURCES.values(), key=lambda source: source.rank)


def kinds() -> list[StoryKind]:
    """Return every kind of entry once, in the order of its sources."""
    return list(dict.fromkeys(kind for source in sources() for kind in source.kinds))


# A customer, and those who became part of them: what cannot move with a merge is read together.
FAMILY = "IN (SELECT id FROM shop_customer WHERE id = %(customer)s OR merged_into_id = %(customer)s)"
ORDERS = StoryKind(key="order", label=pgettext_lazy("story", "Orders"), icon="order")
REFUNDS = StoryKind(key="refund", label=pgettext_lazy("story", "Refunds"), icon="refund")
BEHAVIOUR = StoryKind(key="behaviour", label=pgettext_lazy("story", "Visits"), icon="eye")
SERVICE = StoryKind(key="service", label=pgettext_lazy("story", "Service"), icon="info")
ANSWERS = StoryKind(key="answer", label=pgettext_lazy("story", "Answers"), icon="edit")
COUPONS = StoryKind(key="coupon", label=pgettext_lazy("story", "Coupons"), icon="gift")
CONSENTS = StoryKind(key="consent", label=pgettext_lazy("story", "Consents"), icon="shield")
TAGS = StoryKind(key="tag", label=pgettext_lazy("story", "Tags"), icon="bookmark")
SAYINGS = StoryKind(key="attribute", label=pgettext_lazy("story", "Preferences"), icon="check")
MERGES = StoryKind(key="merge", label=pgettext_lazy("story", "Joins"), icon="flow")
ACCOUNTS = StoryKind(key="account", label=_("Accounts"), icon="business")

_EVENT_KINDS = {"Ticket Opened": SERVICE, "Survey Answered": ANSWERS, "Coupon Redeemed": COUPONS}
_NAMES = ", ".join(f"'{name}'" for name in _EVENT_KINDS)
_CASES = " ".join(f"WHEN '{name}' THEN '{kind.key}'" for name, kind in _EVENT_KINDS.items())

for _source in (
    StorySource(
        name="refund",
        rank=0,
        kinds={REFUNDS: ""},
        sql="""
        SELECT r.id, r.refunded_at AS at, jsonb_build_object(
            'store', s.name, 'amount_minor', r.amount_minor, 'order_code', o.code,
            'product', coalesce(nullif(p.name, ''), p.code)) AS told
        FROM shop_refund r JOIN shop_store s ON s.id = r.store_id
        LEFT JOIN shop_order o ON o.id = r.order_id LEFT JOIN shop_product p ON p.id = r.product_id
        WHERE r.customer_id = %(customer)s
        """,
    ),
    StorySource(
        name="order",
        rank=1,
        kinds={ORDERS: ""},
        sql="""
        SELECT o.id, o.placed_at AS at, jsonb_build_object(
            'code', o.code, 'store', s.name, 'amount_minor', o.amount_minor, 'net_minor', o.net_minor,
            'refunded_minor', o.refunded_minor, 'discount_minor', o.discount_minor, 'status', o.status,
            'is_valid', o.is_valid, 'account', coalesce(nullif(a.name, ''), a.code), 'account_id', a.id,
            'lines', (SELECT count(*) FROM shop_orderline l WHERE l.order_id = o.id)) AS told
        FROM shop_order o JOIN shop_store s ON s.id = o.store_id LEFT JOIN shop_account a ON a.id = o.account_id
        WHERE o.customer_id = %(customer)s
        """,
    ),
    StorySource(
        name="event",
        rank=2,
        kinds={
            BEHAVIOUR: f"e.name NOT IN ({_NAMES})",
            **{kind: f"e.name = '{name}'" for name, kind in _EVENT_KINDS.items()},
        },
        sql=f"""
        SELECT e.id, e.at, jsonb_build_object(
            'kind', CASE e.name {_CASES} ELSE '{BEHAVIOUR.key}' END, 'name', e.name, 'url', e.url,
            'product', coalesce(nullif(p.name, ''), p.code), 'order_code', e.order_code, 'properties', e.properties,
            'source', s.name) AS told
        FROM shop_event e LEFT JOIN shop_product p ON p.id = e.product_id LEFT JOIN shop_eventsource s ON s.id = e.source_id
        WHERE e.customer_id = %(customer)s
        """,  # noqa: S608  literals of this module
    ),
    StorySource(
        name="consent",
        rank=3,
        kinds={CONSENTS: ""},
        sql=f"""
        SELECT t.id, t.at, jsonb_build_object(
            'channel', t.channel, 'purpose', t.purpose, 'state', t.state, 'source', t.source, 'wording', t.wording,
            'address', t.address) AS told
        FROM shop_consent t WHERE t.customer_id {FAMILY}
        """,  # noqa: S608  literals of this module
    ),
    StorySource(
        name="tag",
        rank=4,
        kinds={TAGS: ""},
        sql=f"""
        SELECT c.id, b.at, jsonb_build_object(
            'name', coalesce(t.name, b.name), 'is_put', b.is_put, 'source', b.source,
            'by', coalesce(nullif(u.name, ''), u.email)) AS told
        FROM shop_taggingchange c JOIN shop_taggingbatch b ON b.id = c.batch_id
        LEFT JOIN shop_tag t ON t.id = b.tag_id LEFT JOIN staff_user u ON u.id = b.by_id
        WHERE c.customer_id {FAMILY}
        """,  # noqa: S608  literals of this module
    ),
    StorySource(
        name="attribute",
        rank=5,
        kinds={SAYINGS: ""},
        sql="""
        SELECT v.id, v.told_at AS at, jsonb_build_object(
            'label', d.label, 'label_zh', d.label_zh, 'type', d.type, 'source', v.source,
            'value', coalesce(to_jsonb(v.text), to_jsonb(v.number), to_jsonb(v.flag), to_jsonb(v.date), to_jsonb(v.choices))
            ) AS told
        FROM shop_attributevalue v JOIN shop_attributedefinition d ON d.id = v.definition_id
        WHERE v.customer_id = %(customer)s
        """,
    ),
    StorySource(
        name="account",
        rank=6,
        kinds={ACCOUNTS: ""},
        sql="""
        SELECT c.id, c.since_at AS at, jsonb_build_object(
            'account_id', a.id, 'account', coalesce(nullif(a.name, ''), a.code), 'role', c.role) AS told
        FROM shop_contact c JOIN shop_account a ON a.id = c.account_id WHERE c.customer_id = %(customer)s
        """,
    ),
    StorySource(
        name="merge",
        rank=7,
        kinds={MERGES: ""},
        sql="""
        SELECT m.id, m.merged_at AS at, jsonb_build_object(
            'kept', k.code, 'absorbed', b.code, 'evidence', m.evidence, 'detail', m.detail, 'undone_at', m.undone_at,
            'by', coalesce(nullif(u.name, ''), u.email)) AS told
        FROM shop_merge m JOIN shop_customer k ON k.id = m.kept_id JOIN shop_customer b ON b.id = m.absorbed_id
        LEFT JOIN staff_user u ON u.id = m.merged_by_id
        WHERE (m.kept_id = %(customer)s OR m.absorbed_id = %(customer)s)
        """,
    ),
):
    register(_source)
