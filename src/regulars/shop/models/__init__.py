"""The record's tables, by what they tell of a customer."""

from regulars.shop.models.accounts import Account, Contact
from regulars.shop.models.attributes import (
    AttributeDefinition,
    AttributeValue,
    Tag,
    Tagging,
    TaggingBatch,
    TaggingChange,
)
from regulars.shop.models.behaviour import Event, EventSource, Message, Visitor, VisitorLink
from regulars.shop.models.changes import ChangedRow, ChangeSet, Overlap
from regulars.shop.models.consents import Consent, ConsentOffer, ConsentWording
from regulars.shop.models.interactions import Interaction
from regulars.shop.models.merges import Merge, MergeSuggestion
from regulars.shop.models.privacy import ErasedKey, PrivacyAct, PrivacyLogPlace, PrivacyRequest
from regulars.shop.models.record import (
    Business,
    ChangedMonth,
    Customer,
    Grams,
    Identifier,
    Order,
    OrderLine,
    Product,
    RecordMeasured,
    Refund,
    Store,
)
from regulars.shop.models.touched import TouchedCustomer

__all__ = [
    "Account",
    "AttributeDefinition",
    "AttributeValue",
    "Business",
    "ChangeSet",
    "ChangedMonth",
    "ChangedRow",
    "Consent",
    "ConsentOffer",
    "ConsentWording",
    "Contact",
    "Customer",
    "ErasedKey",
    "Event",
    "EventSource",
    "Grams",
    "Identifier",
    "Interaction",
    "Merge",
    "MergeSuggestion",
    "Message",
    "Order",
    "OrderLine",
    "Overlap",
    "PrivacyAct",
    "PrivacyLogPlace",
    "PrivacyRequest",
    "Product",
    "RecordMeasured",
    "Refund",
    "Store",
    "Tag",
    "Tagging",
    "TaggingBatch",
    "TaggingChange",
    "TouchedCustomer",
    "Visitor",
    "VisitorLink",
]
