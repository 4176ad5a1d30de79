"""What the canvas says and shows: every word that its scripts ask for is there, every kind of step has its icon."""

import json
import re
from pathlib import Path

import pytest

from regulars.console.journey_words import WORDS, where_of, words_of
from regulars.journeys import registry

FRONT_END = Path(__file__).resolve().parents[2] / "frontend"


@pytest.mark.unit
def test_every_word_that_the_canvas_asks_for_is_there_and_no_other() -> None:
    scripts = "".join(file.read_text() for file in sorted((FRONT_END / "journey").glob("*.js")))
    asked = set(re.findall(r'(?<![.\w])say\("(\w+)"', scripts))
    begun = tuple(re.findall(r"say\(`(\w*)\$\{", scripts))
    ended = {"entry_kind", "goal_kind", "exit_kind"}
    assert asked - set(WORDS) == set()
    assert {
        word
        for word in WORDS
        if word not in asked | ended and not word.startswith(tuple(filter(None, begun)))
    } == set()


@pytest.mark.unit
def test_every_kind_of_step_and_entry_has_an_icon_of_the_console() -> None:
    icons = json.loads((FRONT_END / "icons.json").read_text())
    steps = {kind.icon for kind in registry.step_kinds().values()}
    entries = {kind.icon for kind in registry.entry_kinds().values()}
    assert (steps | entries) - set(icons) == set()


@pytest.mark.django_db
def test_a_change_is_told_by_the_names_of_its_step_its_field_and_what_an_id_stands_for() -> None:
    graph = {
        "entry": {"kind": "manual"},
        "steps": {
            "pause": {"kind": "wait", "days": 2, "next": {"then": "part"}},
            "part": {
                "kind": "split",
                "label": "Two ways",
                "shares": {"a": 5_000, "b": 5_000},
                "next": {"a": "pause"},
            },
        },
    }
    assert where_of("steps.pause.days", graph) == "Wait (pause): Days"
    assert where_of("steps.part.next.a", graph) == "Two ways: Next step: a"
    assert words_of("steps.pause.next.then", "part", graph=graph) == "Two ways"
    assert words_of("steps.part.shares", {"a": 2_500, "b": 7_500}, graph=graph) == "a 25.0% / b 75.0%"
    assert words_of("reentry.kind", "never", graph=graph) == "Never again"
    assert words_of("holdout_bp", 1_000, graph=graph) == "10.0%"
