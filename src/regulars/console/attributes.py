"""Settings: the attributes that the merchant wants to know of customers."""

import re
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from regulars.insights import formats
from regulars.intake.models import ColumnMap
from regulars.kernel.errors import RegularsError
from regulars.segments import queries as segments
from regulars.shop import operations
from regulars.shop import queries as shop
from regulars.shop.models import AttributeDefinition
from regulars.staff.access import Needs, access
from regulars.staff.rules import Capability

_MANAGES = access(Needs(Capability.CHANGE_SETTINGS))


class AttributeForm(forms.Form):
    label = forms.CharField(label=_("Label in English"), max_length=100)
    label_zh = forms.CharField(label=_("Label in Chinese"), max_length=100, required=False)
    name = forms.SlugField(
        label=_("Name in data"),
        max_length=60,
        required=False,
        help_text=_(
            "What files, the track API and exports call it: skin_type. Made from the label if empty."
        ),
    )
    type = forms.ChoiceField(label=_("Type"), choices=AttributeDefinition.Type)
    choices = forms.CharField(
        label=_("Choices"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One a line, for one or some of several."),
    )
    minimum = forms.DecimalField(label=_("At least"), required=False)
    maximum = forms.DecimalField(label=_("At most"), required=False)
    is_customers = forms.BooleanField(
        label=_("Customers may change it"),
        required=False,
        help_text=_("In the preference centre and in questionnaires."),
    )

    def clean_name(self) -> str:
        """Return the name in data, made from the label where none is written."""
        written = self.cleaned_data["name"] or self.cleaned_data.get("label", "")
        name = re.sub(r"[^a-z0-9]+", "_", str(written).lower()).strip("_")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise forms.ValidationError(_("Write a name in Latin letters, such as skin_type."))
        return name


def _told(form: AttributeForm) -> dict[str, Any]:
    told = dict(form.cleaned_data)
    told["choices"] = [line.strip() for line in told["choices"].splitlines() if line.strip()]
    return told


@_MANAGES
@require_http_methods(["GET", "POST"])
def attributes(request: HttpRequest) -> HttpResponse:
    """List the attributes with what they are used for, and add one."""
    form = AttributeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if AttributeDefinition.objects.filter(name=form.cleaned_data["name"]).exists():
            form.add_error("name", gettext("Another attribute has this name."))
        elif _define(form):
            messages.success(request, gettext("Saved."))
            return redirect("console:settings-attributes")
    context = {"form": form, "rows": shop.attributes_with_counts()}
    return render(request, "console/settings/attributes.html", context, status=422 if form.errors else 200)


@_MANAGES
@require_http_methods(["GET", "POST"])
def attribute(request: HttpRequest, attribute_id: int) -> HttpResponse:
    """Change an attribute; its name and type stay."""
    row = get_object_or_404(AttributeDefinition, pk=attribute_id)
    initial = {
        "label": row.label,
        "label_zh": row.label_zh,
        "choices": "\n".join(row.choices),
        "minimum": row.minimum,
        "maximum": row.maximum,
        "is_customers": row.is_customers,
    }
    fixed = {"name": row.name, "type": row.type}
    data = None if request.method == "GET" else {**request.POST.dict(), **fixed}
    form = AttributeForm(data, initial={**initial, **fixed})
    for name in fixed:
        form.fields[name].disabled = True
    if request.method == "POST" and form.is_valid() and _define(form):
        messages.success(request, gettext("Saved."))
        return redirect("console:settings-attributes")
    context = {
        "form": form,
        "row": row,
        "values": shop.values_of_attribute(row.pk),
        "segments": segments.asking_for(f"attribute.{row.name}"),
        "maps": [
            one for one in ColumnMap.objects.order_by("name") if row.name in one.mapping.get("attributes", {})
        ],
    }
    return render(request, "console/settings/attribute.html", context, status=422 if form.errors else 200)


@_MANAGES
@require_POST
def removal(request: HttpRequest, attribute_id: int) -> HttpResponse:
    """Delete an attribute with every value of it."""
    row = get_object_or_404(AttributeDefinition, pk=attribute_id)
    if users := segments.asking_for(f"attribute.{row.name}"):
        text = gettext("Segments ask for it: %(names)s. Take it out there first.")
        messages.error(request, text % {"names": formats.listed(one.title for one in users)})
        return redirect("console:settings-attribute", row.pk)
    operations.remove_attribute(name=row.name)
    messages.success(request, gettext("The attribute and its values are deleted."))
    return redirect("console:settings-attributes")


def _define(form: AttributeForm) -> bool:
    try:
        operations.define_attribute(**_told(form))
    except RegularsError as error:
        form.add_error(None, str(error))
        return False
    return True
