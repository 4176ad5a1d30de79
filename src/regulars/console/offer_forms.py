"""The form of an offer: of each kind what that kind needs, read into what `offers.operations` takes."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from regulars.kernel.money import from_minor, minor_unit_exponent, to_minor
from regulars.offers.models import Offer
from regulars.offers.operations import OfferTold, columns_of
from regulars.offers.reading import read_benefit, read_goods, write_goods
from regulars.offers.rules import InvalidOfferError
from regulars.shop import queries as shop

STEPS = 5
PARTS = 4
_HUNDRED = 100
_MOST = Decimal(10) ** 11
_LOCAL = "%Y-%m-%dT%H:%M"
Told = dict[str, Any]


class MomentField(forms.DateTimeField):
    """A date and a time on the merchant's clock."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401  Django's own
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_LOCAL)
        super().__init__(widget=widget, input_formats=[_LOCAL, "%Y-%m-%dT%H:%M:%S"], **options)


class OfferForm(forms.Form):
    """Everything about an offer but its kind, and of its kind the fields that begin with `give_`."""

    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("For your own people: “May, tea, regulars only”.")
    )
    categories = forms.MultipleChoiceField(label=_("Categories"), required=False)
    brands = forms.MultipleChoiceField(label=_("Brands"), required=False)
    products = forms.CharField(label=_("Product codes, with commas"), required=False, max_length=20_000)
    except_products = forms.CharField(
        label=_("But not these product codes"), required=False, max_length=20_000
    )
    stores = forms.MultipleChoiceField(
        label=_("Stores"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen means all of them."),
    )
    starts_at = MomentField(label=_("Begins"))
    ends_at = MomentField(label=_("Ends"), required=False)
    code_days = forms.IntegerField(
        label=_("A code is good for"),
        required=False,
        min_value=1,
        max_value=3_650,
        help_text=_("Counted from when it was given. A short time makes people come soon."),
    )
    per_customer = forms.IntegerField(
        label=_("How often a customer may use it"),
        required=False,
        min_value=1,
        max_value=2_000_000_000,
        help_text=_("Empty means as often as they like."),
    )
    stock = forms.IntegerField(
        label=_("How often it may be used in all"), required=False, min_value=1, max_value=2_000_000_000
    )
    codes = forms.ChoiceField(label=_("Codes"), choices=Offer.Codes.choices, widget=forms.RadioSelect)
    shared_code = forms.CharField(
        label=_("The code for all"),
        required=False,
        max_length=40,
        help_text=_("3 to 40 letters A to Z and digits, such as WELCOME10."),
    )
    begins_with = forms.CharField(
        label=_("Codes begin with"),
        required=False,
        max_length=12,
        help_text=_("12 letters and digits that nobody can guess follow."),
    )
    holder_only = forms.BooleanField(
        label=_("Only for whom the code was given to"),
        required=False,
        help_text=_("Codes that are passed on or sold are good for nothing."),
    )
    stacking = forms.ChoiceField(
        label=_("May be used"), choices=Offer.Stacking.choices, widget=forms.RadioSelect
    )
    words = forms.CharField(
        label=_("What customers read instead, in English"), required=False, max_length=300
    )
    words_zh = forms.CharField(
        label=_("What customers read instead, in Chinese"), required=False, max_length=300
    )

    def __init__(
        self, data: QueryDict | None = None, *, kind: str, currency: str, initial: Mapping[str, Any]
    ) -> None:
        super().__init__(data, initial=dict(initial))
        self.kind, self.currency = kind, currency
        for name, field in _GIVES[kind](currency).items():
            self.fields[name] = field
        self.fields["least"] = money_field(
            currency, _("From a sum of"), help_text=_("Of what the offer is about, after other offers.")
        )
        self.fields["most"] = money_field(currency, _("At most off an order"))
        self.fields["budget"] = money_field(
            currency, _("What it may cost in all"), help_text=_("Not a penny more is given.")
        )
        self._choose("categories", ((name, name) for name in shop.categories()))
        self._choose("brands", ((name, name) for name in shop.brands()))
        self._choose("stores", shop.stores())

    def _choose(self, name: str, choices: Iterable[tuple[str, str]]) -> None:
        chosen = self.initial.get(name) or []
        known = dict(choices)
        # What is chosen stays on offer, though the record no longer knows it.
        listed = [*known.items(), *((one, one) for one in chosen if one not in known)]
        self.fields[name].choices = listed  # type: ignore[attr-defined]
        if not listed:
            del self.fields[name]

    def clean(self) -> Told | None:
        """Check what depends on more than one field."""
        told = super().clean()
        if told is None:
            return None
        told.setdefault("shared_code", "")
        if told.get("codes") == Offer.Codes.SHARED:
            told["begins_with"], told["holder_only"] = "", False
            if "shared_code" in self.fields and not told.get("shared_code"):
                self.add_error("shared_code", gettext("Write the code that is for all."))
        else:
            told["shared_code"] = ""
        if not self.errors:
            try:
                told["offer_told"] = self._told(told)
            except InvalidOfferError as error:
                self.refuse(error)
        return told

    def refuse(self, error: InvalidOfferError) -> None:
        """Show what was found wrong, at its field where there is one."""
        path = str(error.details.get("field", ""))
        names = {"steps": f"give_step_{path.split('.')[1] if '.' in path else 0}_spend", "ends_at": "ends_at"}
        wanted = names.get(path.split(".", maxsplit=1)[0], path.removesuffix("_minor"))
        self.add_error(wanted if wanted in self.fields else None, _explained(path) or str(error))

    def _told(self, told: Told) -> OfferTold:
        benefit = read_benefit(self.kind, _TOLD[self.kind](told, self.currency))
        goods = read_goods(
            {
                "categories": told.get("categories") or [],
                "brands": told.get("brands") or [],
                "products": names(told["products"]),
                "except_products": names(told["except_products"]),
            }
        )
        return OfferTold(
            name=told["name"],
            kind=self.kind,
            benefit=benefit,
            goods=goods,
            stores=told.get("stores") or [],
            least_minor=self._minor(told["least"]) or 0,
            most_minor=self._minor(told["most"]),
            starts_at=told["starts_at"],
            ends_at=told["ends_at"],
            code_days=told["code_days"],
            per_customer=told["per_customer"],
            stock=told["stock"],
            budget_minor=self._minor(told["budget"]),
            shared_code=told["shared_code"],
            prefix=told["begins_with"],
            holder_only=told["holder_only"],
            stacking=told["stacking"],
            words=told["words"],
            words_zh=told["words_zh"],
        )

    def _minor(self, amount: Decimal | None) -> int | None:
        return None if amount is None else to_minor(amount, self.currency)

    @property
    def steps(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """The rows of spend and save."""
        return [(self[f"give_step_{row}_spend"], self[f"give_step_{row}_save"]) for row in range(STEPS)]

    @property
    def parts(self) -> list[tuple[forms.BoundField, forms.BoundField, forms.BoundField]]:
        """The rows of a bundle: how many, of which products or categories."""
        return [
            (self[f"give_part_{row}_units"], self[f"give_part_{row}_products"], self[f"give_part_{row}_categories"])
            for row in range(PARTS)
        ]  # fmt: skip


def money_field(
    currency: str,
    label: object,
    *,
    required: bool = False,
    **options: Any,  # noqa: ANN401  Django's own
) -> forms.DecimalField:
    """Return a field for an amount of the base currency."""
    places = minor_unit_exponent(currency)
    least = Decimal(1).scaleb(-places)
    return forms.DecimalField(
        label=label,  # type: ignore[arg-type]  # words may be lazy
        required=required,
        decimal_places=places,
        min_value=least if required else Decimal(0),
        max_value=_MOST,
        **options,
    )


def names(text: str) -> list[str]:
    """Return what stands between commas, English or Chinese ones, or on lines."""
    for comma in "，、;；\n":
        text = text.replace(comma, ",")
    return [name.strip() for name in text.split(",") if name.strip()]


def blank(kind: str) -> Told:
    """Return what the form of a new offer begins with: defaults that do no harm."""
    now = timezone.localtime().replace(second=0, microsecond=0)
    return {
        "starts_at": now,
        "codes": Offer.Codes.UNIQUE,
        "stacking": Offer.Stacking.ALONE,
        "per_customer": 1,
        "give_percent": Decimal(100) if kind == Offer.Kind.BUY_GET else None,
        "give_quantity": 1,
    }


def filled(offer: Offer, currency: str) -> Told:
    """Return what the form of an offer that is there begins with."""

    def amount(minor: int | None) -> Decimal | None:
        return None if minor is None else from_minor(minor, currency)

    goods = write_goods(read_goods(offer.goods))
    return {
        "name": offer.name,
        "categories": goods.get("categories", []),
        "brands": goods.get("brands", []),
        "products": ", ".join(goods.get("products", [])),
        "except_products": ", ".join(goods.get("except_products", [])),
        "stores": offer.stores,
        "least": amount(offer.least_minor or None),
        "most": amount(offer.most_minor),
        "budget": amount(offer.budget_minor),
        "starts_at": offer.starts_at,
        "ends_at": offer.ends_at,
        "code_days": offer.code_days,
        "per_customer": offer.per_customer,
        "stock": offer.stock,
        "codes": offer.codes,
        "begins_with": offer.prefix,
        "holder_only": offer.holder_only,
        "stacking": offer.stacking,
        "words": offer.words,
        "words_zh": offer.words_zh,
        **_given(offer, currency),
    }


def _given(offer: Offer, currency: str) -> Told:
    told = offer.benefit
    given: Told = {f"give_{name}": value for name, value in told.items()}
    for name in ("amount", "price", "cost"):
        if f"{name}_minor" in told:
            given[f"give_{name}"] = from_minor(told[f"{name}_minor"], currency)
    if "percent_bp" in told:
        given["give_percent"] = Decimal(told["percent_bp"]) / _HUNDRED
    for row, step in enumerate(told.get("steps", ())):
        given[f"give_step_{row}_spend"] = from_minor(step["spend_minor"], currency)
        given[f"give_step_{row}_save"] = from_minor(step["save_minor"], currency)
    for row, part in enumerate(told.get("parts", ())):
        given[f"give_part_{row}_units"] = part["quantity"]
        for name in ("products", "categories"):
            given[f"give_part_{row}_{name}"] = ", ".join(part["goods"].get(name, []))
    return given


Fields = dict[str, forms.Field]


def _percent_field(label: object, **options: Any) -> forms.DecimalField:  # noqa: ANN401  Django's own
    return forms.DecimalField(
        label=label,  # type: ignore[arg-type]  # words may be lazy
        min_value=Decimal("0.01"),
        max_value=Decimal(100),
        decimal_places=2,
        **options,
    )


def _step_fields(currency: str) -> Fields:
    fields: Fields = {}
    for row in range(STEPS):
        for name, label in (
            ("spend", pgettext_lazy("money", "Spend")),
            ("save", pgettext_lazy("money", "Save")),
        ):
            fields[f"give_step_{row}_{name}"] = money_field(currency, label)
    fields["give_repeats"] = forms.BooleanField(
        label=_("Again for each full sum (one step only)"),
        required=False,
        help_text=_("“For every 100 spent, 10 off”: who spends 250 saves 20."),
    )
    return fields


def _part_fields(currency: str) -> Fields:
    fields: Fields = {}
    for row in range(PARTS):
        fields[f"give_part_{row}_units"] = forms.IntegerField(
            label=_("Pieces"), required=False, min_value=1, max_value=1_000
        )
        for name, label in (("products", _("Product codes")), ("categories", _("or categories"))):
            fields[f"give_part_{row}_{name}"] = forms.CharField(
                label=label, required=False, max_length=20_000
            )
    fields["give_price"] = money_field(currency, _("Price of the bundle"), required=True)
    return fields


_GIVES: dict[str, Callable[[str], Fields]] = {
    "percent": lambda _currency: {"give_percent": _percent_field(_("Percent off"))},
    "amount": lambda currency: {"give_amount": money_field(currency, _("Amount off"), required=True)},
    "threshold": _step_fields,
    "bundle": _part_fields,
    "buy_get": lambda _currency: {
        "give_buy": forms.IntegerField(label=_("Buy"), min_value=1, max_value=1_000),
        "give_get": forms.IntegerField(
            label=_("Get"), min_value=1, max_value=1_000, help_text=_("The cheapest pieces in the basket.")
        ),
        "give_percent": _percent_field(_("Percent off these"), help_text=_("100 makes them free.")),
    },
    "free_shipping": lambda _currency: {},
    "gift": lambda currency: {
        "give_product": forms.CharField(label=_("Which product or sample"), max_length=200),
        "give_quantity": forms.IntegerField(label=_("How many"), min_value=1, max_value=1_000),
        "give_cost": money_field(
            currency, _("What that costs you"), help_text=_("What you pay for it, not what you sell it for.")
        ),
    },
}


def _bp(percent: Decimal) -> int:
    return int(percent * _HUNDRED)


def _steps(told: Told, currency: str) -> Told:
    steps = [
        {"spend_minor": _or_none(told[f"give_step_{row}_spend"], currency), "save_minor": _or_none(told[f"give_step_{row}_save"], currency)}
        for row in range(STEPS)
        if told[f"give_step_{row}_spend"] is not None or told[f"give_step_{row}_save"] is not None
    ]  # fmt: skip
    return {"steps": steps, "repeats": told["give_repeats"]}


def _or_none(amount: Decimal | None, currency: str) -> int | None:
    return None if amount is None else to_minor(amount, currency)


def _parts(told: Told, currency: str) -> Told:
    parts = [
        {
            "quantity": told[f"give_part_{row}_units"],
            "goods": {
                name: names(told[f"give_part_{row}_{name}"])
                for name in ("products", "categories")
                if told[f"give_part_{row}_{name}"]
            },
        }
        for row in range(PARTS)
        if told[f"give_part_{row}_units"] is not None
    ]
    return {"parts": parts, "price_minor": to_minor(told["give_price"], currency)}


_TOLD: dict[str, Callable[[Told, str], Told]] = {
    "percent": lambda told, _currency: {"percent_bp": _bp(told["give_percent"])},
    "amount": lambda told, currency: {"amount_minor": to_minor(told["give_amount"], currency)},
    "threshold": _steps,
    "bundle": _parts,
    "buy_get": lambda told, _currency: {
        "buy": told["give_buy"],
        "get": told["give_get"],
        "percent_bp": _bp(told["give_percent"]),
    },
    "free_shipping": lambda _told, _currency: {},
    "gift": lambda told, currency: {
        "product": told["give_product"],
        "quantity": told["give_quantity"],
        "cost_minor": to_minor(told["give_cost"] or Decimal(0), currency),
    },
}


def _explained(path: str) -> str:
    """Return in a merchant's words what is wrong with a part that the form lets through."""
    part = path.rpartition(".")[2] if path.startswith("steps.") else path
    words = {
        "steps": gettext("Write at least one step: what is spent, and what is saved."),
        "spend_minor": gettext("Each step asks for more than the one before, and saves more."),
        "save_minor": gettext("A step cannot save more than is spent, and needs both sums."),
        "repeats": gettext("Only a single step can be given again and again."),
        "parts": gettext("A bundle needs two pieces or more."),
        "ends_at": gettext("It must end after it begins."),
    }
    return words.get(part, "")


def draft_of(told: OfferTold, *, codes: str) -> Offer:
    """Return an offer that is written nowhere, for its words."""
    return Offer(**columns_of(told), codes=codes, created_at=timezone.now())
