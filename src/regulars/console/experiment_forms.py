"""The forms of experiments: one that is planned, and one that took place elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from regulars.experiments.measures import DECIDING, MEASURES
from regulars.experiments.models import Experiment
from regulars.experiments.operations import ArmTold, ExperimentTold, InvalidExperimentError
from regulars.experiments.queries import choices_of_arms
from regulars.segments.models import Segment

ARMS = 4
_PERCENT_BP = 100
_FIELDS = {"arms": "arm_1", "shares": "share_1"}


class ExperimentForm(forms.Form):
    """An experiment. Arms are rows of a name, a share and what is done; the first is the control."""

    name = forms.CharField(label=_("Name"), max_length=100)
    question = forms.CharField(
        label=_("What do you want to find out?"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )  # fmt: skip
    varies = forms.ChoiceField(label=_("What differs between the arms"), choices=Experiment.Varies.choices)
    segment = forms.ChoiceField(label=_("Among"))
    metric = forms.ChoiceField(
        label=_("Decided by"),
        choices=[(key, MEASURES[key].label) for key in DECIDING],
        help_text=_("Choose before you look. Everything else is shown too, but only this decides."),
    )
    days = forms.IntegerField(
        label=_("Runs for"), min_value=1, max_value=365, help_text=_("Orders of so many days count.")
    )
    change = forms.DecimalField(
        label=_("A change worth knowing"), min_value=0, max_value=1_000, decimal_places=1, required=False,
        help_text=_("Percent of what it is now. It is not kept: it only tells how long such a change takes to show."),
    )  # fmt: skip

    def __init__(self, data: QueryDict | None = None, *, initial: Mapping[str, Any]) -> None:
        super().__init__(data, initial=dict(initial))
        rows = Segment.objects.filter(archived_at=None).order_by("code", "name")
        self._choose("segment", [("", "–"), *((str(row.pk), row.title) for row in rows)])
        does = [("", _("Nothing, or something done elsewhere")), *choices_of_arms()]
        for number in range(1, ARMS + 1):
            is_needed = number < 3  # noqa: PLR2004  the control and one more
            self.fields[f"arm_{number}"] = forms.CharField(
                label=_("Control") if number == 1 else _("Arm %(number)s") % {"number": number},
                max_length=60, required=is_needed,
            )  # fmt: skip
            self.fields[f"share_{number}"] = forms.DecimalField(
                label=_("Share"), min_value=0, max_value=100, decimal_places=2, required=is_needed
            )
            self.fields[f"does_{number}"] = forms.ChoiceField(
                label=_("What is done"), choices=does, required=False
            )

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  of this very form
        field.choices = choices

    @property
    def rows(self) -> list[tuple[forms.BoundField, forms.BoundField, forms.BoundField]]:
        """The arms."""
        return [
            (self[f"arm_{number}"], self[f"share_{number}"], self[f"does_{number}"])
            for number in range(1, ARMS + 1)
        ]

    def told(self) -> ExperimentTold:
        """Return what was asked for."""
        given = self.cleaned_data
        arms = []
        for number in range(1, ARMS + 1):
            name = given.get(f"arm_{number}", "").strip()
            if not name:
                continue
            kind, _colon, source = given.get(f"does_{number}", "").partition(":")
            arms.append(
                ArmTold(
                    name=name, share_bp=int((given.get(f"share_{number}") or 0) * _PERCENT_BP), source_kind=kind,
                    source_id=int(source) if source else None,
                )
            )  # fmt: skip
        return ExperimentTold(
            name=given["name"],
            question=given["question"],
            varies=given["varies"],
            segment_id=int(given["segment"]),
            metric=given["metric"],
            days=given["days"],
            arms=arms,
        )

    def refuse(self, error: InvalidExperimentError) -> None:
        """Show what an operation refuses beside the field that it is about."""
        field = str(error.details.get("field", ""))
        field = _FIELDS.get(field, field)
        self.add_error(field if field in self.fields else None, str(error))


def blank() -> dict[str, Any]:
    """Return what a new experiment begins with."""
    return {
        "varies": Experiment.Varies.MESSAGE, "metric": "buyers", "days": 28,
        "arm_1": _("Nothing"), "share_1": 50, "arm_2": _("With it"), "share_2": 50,
    }  # fmt: skip


def filled(row: Experiment) -> dict[str, Any]:
    """Return what the form of a draft begins with."""
    told: dict[str, Any] = {
        "name": row.name, "question": row.question, "varies": row.varies, "segment": row.segment_id, "metric": row.metric,
        "days": row.days,
    }  # fmt: skip
    for number, arm in enumerate(row.arms.all(), start=1):
        told[f"arm_{number}"], told[f"share_{number}"] = arm.name, arm.share_bp / _PERCENT_BP
        told[f"does_{number}"] = f"{arm.source_kind}:{arm.source_id}" if arm.source_kind else ""
    return told


class OutcomesForm(forms.Form):
    """The file of a finished experiment, and how to read it. The columns are known once the file is."""

    name = forms.CharField(label=_("Name"), max_length=100)
    arm = forms.CharField(
        label=_("Column with the arm"), max_length=200, help_text=_("Such as: segment, group, variant.")
    )
    control = forms.CharField(
        label=_("Word for the control"),
        max_length=200,
        help_text=_("As it stands in that column: “No E-Mail”."),
    )
    metrics = forms.CharField(
        label=_("Columns with outcomes"), max_length=1_000,
        help_text=_("Apart by commas; the first decides. Noughts and ones are shares, other numbers are averaged."),
    )  # fmt: skip
    covariate = forms.CharField(
        label=_("Column with what customers did before"), max_length=200, required=False,
        help_text=_("Such as what they spent in the year before: it narrows the intervals. May stay empty."),
    )  # fmt: skip
    file = forms.FileField(
        label=_("File"), help_text=_("CSV in UTF-8, one line for each customer who was drawn.")
    )

    def columns(self) -> Sequence[str]:
        """Return the columns of outcomes."""
        return [name.strip() for name in self.cleaned_data["metrics"].split(",") if name.strip()]
