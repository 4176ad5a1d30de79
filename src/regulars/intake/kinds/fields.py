"""The fields that several kinds of files share."""

from dataclasses import replace

from regulars.intake.headers import GUESSED, WORDS
from regulars.intake.kinds.kind import Field, Form, Label
from regulars.intake.labels import FIELD_LABELS, FIELD_NOTES

# Ways to recognise a customer.
IDENTIFIERS = ("external", "email", "phone", "ouid", "omid", "openid")
_FORMS: dict[str, Form] = {
    "placed_at": "moment", "placed_time": "time", "quantity": "quantity", "unit_price": "money", "amount": "money",
    "discount": "money", "order_discount": "money", "order_subtotal": "money", "order_refunded": "money", "cancelled_at": "text",
    "status": "word", "customer_name": "text", "country": "text", "company": "text", "product_name": "text",
    "currency": "text", "category": "text", "brand": "text", "pack_size": "text", "store": "text",
}  # fmt: skip
_LENGTHS = {"line_number": 40, "product_name": 300, "pack_size": 100, "country": 100, "store": 64}

SHARED = {
    name: Field(
        name=name,
        form=_FORMS.get(name, "code"),
        words=words,
        label=FIELD_LABELS[name],
        note=FIELD_NOTES.get(name, ""),
        longest=_LENGTHS.get(name, 200),
        is_guessed=name in GUESSED,
    )
    for name, words in WORDS.items()
}


def shared(*names: str) -> tuple[Field, ...]:
    """Return shared fields by name."""
    return tuple(SHARED[name] for name in names)


def called(name: str, *words: str) -> Field:
    """Return a shared field with the shorter words that mean it in a file of one kind alone."""
    return replace(SHARED[name], words=(*SHARED[name].words, *words))


def when(name: str, label: Label, *words: str, is_tellable: bool = False) -> Field:
    """Return a field for a moment, with the words of its kind before those of every date."""
    field = SHARED["placed_at"]
    return replace(
        field, name=name, label=label, words=(*words, *field.words), note="", is_tellable=is_tellable
    )
