"""What customers tell of themselves: a field for each attribute that the shop lets them tell."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _

from regulars.shop.models import AttributeDefinition
from regulars.shop.operations import rule_of
from regulars.shop.rules import InvalidAttributeValueError, Value, as_typed, attribute_value


class AboutForm(forms.Form):
    """The attributes of one customer, with what is known."""

    def __init__(
        self, data: QueryDict | None, *, definitions: list[AttributeDefinition], known: dict[str, Value]
    ) -> None:
        super().__init__(
            data,
            initial={
                f"a.{one.name}": _shown(one, known[one.name]) for one in definitions if one.name in known
            },
        )
        self.definitions = {f"a.{one.name}": one for one in definitions}
        for name, one in self.definitions.items():
            self.fields[name] = _field(one)

    def clean(self) -> dict[str, Any]:
        """Try each value by the attribute's own rule; it stays as it was typed, for the record reads it again."""
        cleaned = super().clean() or {}
        for name, one in self.definitions.items():
            value = cleaned.get(name)
            if value in (None, "", []):
                cleaned[name] = None
                continue
            try:
                attribute_value(rule_of(one), value)
            except InvalidAttributeValueError as error:
                self.add_error(name, error.advice)
        return cleaned


def _field(one: AttributeDefinition) -> forms.Field:
    label, currency = one.shown_label, rule_of(one).currency
    shared: dict[str, Any] = {"label": f"{label} ({currency})" if currency else label, "required": False}
    chosen = [(choice, choice) for choice in one.choices]
    match one.type:
        case "number":
            return forms.DecimalField(min_value=one.minimum, max_value=one.maximum, **shared)
        case "date":
            return forms.DateField(
                widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **shared
            )
        case "flag":
            return forms.ChoiceField(choices=[("", "–"), ("yes", _("Yes")), ("no", _("No"))], **shared)
        case "choice":
            return forms.ChoiceField(choices=[("", "–"), *chosen], **shared)
        case "choices":
            return forms.MultipleChoiceField(choices=chosen, widget=forms.CheckboxSelectMultiple, **shared)
    return forms.CharField(max_length=1_000, **shared)


def _shown(one: AttributeDefinition, value: Value) -> Value:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return as_typed(rule_of(one), value)
