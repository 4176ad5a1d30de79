"""Hillstrom's randomised trial, taken in as a file and read through the product, gives the published effects."""

from pathlib import Path

import pytest
from django.utils import timezone

from regulars.experiments import operations, queries
from regulars.experiments.importing import OutcomesError, columns_of
from regulars.experiments.models import Experiment
from regulars.experiments.words import headline

pytestmark = pytest.mark.django_db


def hillstrom(shared_data: Path) -> bytes:
    path = shared_data / "hillstrom" / "hillstrom.csv"
    if not path.exists():
        pytest.skip("Hillstrom's data are not here")
    return path.read_bytes()


def take_in(content: bytes, **told: object) -> tuple[Experiment, bool]:
    asked: dict[str, object] = {
        "name": "Hillstrom", "arm": "segment", "control": "No E-Mail", "metrics": ["visit", "spend"],
    }  # fmt: skip
    return operations.import_outcomes(content, **{**asked, **told}, by=None, now=timezone.now())  # type: ignore[arg-type]  # names of arguments


def test_hillstrom_gives_the_published_effects(shared_data: Path) -> None:
    row, is_new = take_in(hillstrom(shared_data))
    assert is_new
    found = queries.reading_of(row, now=timezone.now())
    assert found is not None
    assert found.split is not None
    assert found.split.p_value == pytest.approx(0.90, abs=0.005)
    told = {
        (side.key, key): (round(effect.effect, 5), round(effect.standard_error, 5))
        for side in found.treated
        for key, effect in side.effects.items()
    }
    print(told)  # noqa: T201  the figures to compare with the published ones
    for (arm, metric), (effect, error) in {
        ("Mens E-Mail", "visit"): (0.07659, 0.00339),
        ("Womens E-Mail", "visit"): (0.04523, 0.00323),
        ("Mens E-Mail", "spend"): (0.7698, 0.1453),
        ("Womens E-Mail", "spend"): (0.4244, 0.1303),
    }.items():
        assert told[arm, metric] == pytest.approx((effect, error), abs=6e-5)
    assert [side.verdict.kind for side in found.treated if side.verdict] == ["better", "better"]
    assert "Mens E-Mail does better than No E-Mail: visit +7.7 points" in headline(found, currency="USD")


def test_what_customers_spent_before_narrows_what_they_spend(shared_data: Path) -> None:
    content = hillstrom(shared_data)
    plain, _new = take_in(content, metrics=["spend"])
    adjusted, _new = take_in(content, metrics=["spend"], covariate="history")
    errors = []
    for row in (plain, adjusted):
        found = queries.reading_of(row, now=timezone.now())
        assert found is not None
        errors.append(found.treated[0].effects["spend"].standard_error)
    assert errors[1] < errors[0]


def test_a_file_that_comes_twice_is_one_experiment(shared_data: Path) -> None:
    content = hillstrom(shared_data)
    first, _new = take_in(content)
    again, is_new = take_in(content, name="The same")
    assert (again.pk, is_new, Experiment.objects.count()) == (first.pk, False, 1)


def test_the_columns_of_a_file_say_what_they_can_be_used_for(shared_data: Path) -> None:
    told = {one.name: one for one in columns_of(hillstrom(shared_data))}
    assert (told["visit"].kind, told["spend"].kind, told["segment"].kind) == ("share", "amount", "text")
    assert set(told["segment"].words) == {"Mens E-Mail", "Womens E-Mail", "No E-Mail"}


LINES = "arm,bought,spent\n" + "\n".join(f"{'ab'[n % 2]},{n % 3 == 0:d},{n % 7}" for n in range(100))


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"arm": "side"}, "arm"),
        ({"control": "c"}, "control"),
        ({"metrics": ["sold"]}, "metrics"),
        ({"metrics": []}, "metrics"),
        ({"metrics": ["arm"]}, "metrics"),
        ({"covariate": "age"}, "covariate"),
    ],
)
def test_a_file_that_is_no_experiment_is_refused_with_the_part_that_is_wrong(
    told: dict[str, object], field: str
) -> None:
    asked: dict[str, object] = {"arm": "arm", "control": "a", "metrics": ["bought"], **told}
    with pytest.raises(OutcomesError) as refused:
        take_in(LINES.encode(), **asked)
    assert refused.value.details["field"] == field


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"arm,bought\n", b'a,b\n"1,2'])
def test_what_is_no_table_is_refused(content: bytes) -> None:
    with pytest.raises(OutcomesError):
        take_in(content)


def test_an_arm_that_lost_customers_blocks_the_verdict() -> None:
    lines = "arm,bought\n" + "\n".join(f"{'a' if n < 600 else 'b'},{n % 2}" for n in range(1_000))
    row, _new = take_in(lines.encode(), arm="arm", control="a", metrics=["bought"])
    found = queries.reading_of(row, now=timezone.now())
    assert found is not None
    assert [side.verdict.kind for side in found.treated if side.verdict] == ["blocked"]
    assert "Do not believe" in headline(found, currency="USD")
    agreed, _new = take_in(lines.encode() + b"\n", arm="arm", control="a", metrics=["bought"], shares=[6, 4])
    found = queries.reading_of(agreed, now=timezone.now())
    assert found is not None
    assert [side.verdict.kind for side in found.treated if side.verdict] == ["no_difference"]
