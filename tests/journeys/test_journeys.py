"""Journeys as people draw them: what is wrong with a graph, drafts and versions, who may come in, and every kind of step."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from regulars.journeys import advancing
from regulars.journeys.graph import check
from regulars.journeys.models import Enrollment, JourneyVersion
from regulars.journeys.operations import journeys as operations
from regulars.journeys.queries import journeys as queries
from tests.journeys.graphs import NOON, enroll, graph, live, make_customers, run_journey
from tests.shop.factories import make_business

WAIT = {"kind": "wait", "days": 1, "next": {"then": None}}
SPLIT = {"kind": "split", "shares": {"a": 5_000, "b": 5_000}, "next": {"a": None, "b": None}}


def codes(drawn: object) -> set[tuple[str, str | None, str | None]]:
    return {(one.code, one.step, one.field) for one in check(drawn)}


@pytest.mark.parametrize(
    ("drawn", "fault"),
    [
        ([], ("not_a_graph", None, None)),
        (graph({}), ("no_steps", None, "first")),
        (graph({"a": WAIT}, first="b"), ("points_nowhere", None, "first")),
        (graph({"a": WAIT, "b": WAIT}), ("unreachable", "b", None)),
        (graph({"a": {**WAIT, "next": {"then": "z"}}}), ("points_nowhere", "a", "next.then")),
        (graph({"a": {**WAIT, "next": {"yes": None}}}), ("unknown_out", "a", "next.yes")),
        (graph({"a": {**WAIT, "kind": "dance"}}), ("unknown_kind", "a", "kind")),
        (graph({"a": {**WAIT, "days": 0}}), ("no_time", "a", "days")),
        (graph({"a": {**WAIT, "days": "2"}}), ("invalid", "a", "days")),
        (graph({"a": {**WAIT, "dyas": 2}}), ("unknown_field", "a", "dyas")),
        (graph({"A b": WAIT}), ("step_id", "A b", None)),
        (graph({"a": {**SPLIT, "shares": {"a": 5_000, "b": 1}}}), ("invalid", "a", "shares")),
        (graph({"a": {**SPLIT, "next": {"a": "a", "b": None}}}), ("loop_without_wait", "a", None)),
        (graph({"a": {"kind": "condition", "next": {}}}), ("missing", "a", "rule")),
        (graph({"a": {"kind": "tag", "tag": 9, "next": {}}}), ("invalid", "a", "tag")),
        (graph(entry={"kind": "magic"}), ("unknown_kind", None, "entry")),
        (graph(entry={"kind": "event"}), ("missing", None, "entry.event")),
        (graph(entry={"kind": "product", "from_percent": 90, "until_percent": 80}), ("invalid", None, "entry.until_percent")),
        (graph(reentry={"kind": "after_days"}), ("reentry", None, "reentry.days")),
        (graph(entrants_per_day=0), ("entrants_per_day", None, "entrants_per_day")),
        (graph(holdout_bp=9_000), ("holdout_bp", None, "holdout_bp")),
        (graph(goal={"kind": "segment"}), ("missing", None, "goal.segment")),
        (graph(colour="red"), ("unknown_field", None, "colour")),
        (graph({"a": {"kind": "send", "over": [{"channel": 1, "template": 1}], "next": {}}}), ("missing_channel", "a", "over")),
    ],
)  # fmt: skip
@pytest.mark.django_db
def test_each_fault_of_a_graph_is_told_with_its_place(
    drawn: object, fault: tuple[str, str | None, str | None]
) -> None:
    assert fault in codes(drawn)


@pytest.mark.django_db
def test_a_graph_without_a_fault_has_none_and_a_loop_may_go_through_a_wait() -> None:
    assert check(graph()) == []
    assert check(graph({"a": {**WAIT, "next": {"then": "b"}}, "b": {**SPLIT, "next": {"a": "a"}}})) == []


@pytest.mark.django_db
def test_a_draft_is_kept_as_drawn_and_published_in_versions_that_never_change() -> None:
    make_business()
    journey = operations.create_journey(name=" Welcome  all ", graph={"steps": {}}, now=NOON)
    assert (journey.name, journey.state, journey.revision) == ("Welcome all", "draft", 1)
    with pytest.raises(operations.InvalidGraphError) as refused:
        operations.publish(journey.pk, now=NOON)
    assert {one.code for one in refused.value.faults} >= {"no_steps"}
    assert operations.save_draft(journey.pk, graph=graph(), expected_revision=1).revision == 2
    with pytest.raises(operations.StaleDraftError):
        operations.save_draft(journey.pk, graph=graph(holdout_bp=1), expected_revision=1)
    assert operations.save_draft(journey.pk, graph=graph(), expected_revision=1).revision == 2
    first = operations.publish(journey.pk, now=NOON).version
    assert operations.publish(journey.pk, now=NOON).version == first
    changed = graph({"pause": {**WAIT, "days": 3}})
    operations.save_draft(journey.pk, graph=changed, expected_revision=2)
    second = operations.publish(journey.pk, now=NOON).version
    assert [one.number for one in queries.versions(journey.pk)] == [2, 1]
    assert queries.diff(first.graph, second.graph) == [
        queries.Change(path="steps.pause.days", before=1, after=3)
    ]
    with pytest.raises(Exception, match="update"):
        JourneyVersion.objects.filter(pk=first.pk).update(graph={})


@pytest.mark.parametrize(("running", "days", "number"), [("finish", 1, 1), ("move", 3, 2)])
@pytest.mark.django_db
def test_who_is_on_the_way_finishes_by_their_version_or_is_moved(
    running: operations.Running, days: int, number: int
) -> None:
    make_business()
    [who] = make_customers(1)
    journey = run_journey(graph())
    enroll(journey, [who])
    advancing.advance_all(now=NOON)
    drawn = graph({"pause": {**WAIT, "days": 3}})
    operations.save_draft(journey.pk, graph=drawn, expected_revision=journey.revision)
    published = operations.publish(journey.pk, running=running, now=NOON)
    assert (published.moved, published.finishing) == ((1, 0) if running == "move" else (0, 1))
    live(since=NOON, until=NOON + timedelta(days=4))
    row = Enrollment.objects.get()
    assert (row.version.number, row.state, row.left_at) == (number, "finished", NOON + timedelta(days=days))


REENTRY: list[tuple[Mapping[str, Any], list[bool]]] = [
    ({"kind": "never"}, [True, False, False, False]),
    ({"kind": "after_exit"}, [True, False, True, True]),
    ({"kind": "after_days", "days": 5}, [True, False, False, True]),
    ({"kind": "always"}, [True, True, True, True]),
]


@pytest.mark.parametrize(("reentry", "may"), REENTRY)
@pytest.mark.django_db
def test_who_may_come_again(reentry: Mapping[str, Any], may: list[bool]) -> None:
    make_business()
    [who] = make_customers(1)
    journey = run_journey(graph(reentry=reentry))
    came = []
    for day, key in ((0, "a"), (0, "b"), (2, "c"), (6, "d")):
        now = NOON + timedelta(days=day)
        advancing.advance_all(now=now)
        came.append(enroll(journey, [who], key=key, now=now).new == 1)
        assert enroll(journey, [who], key=key, now=now).new == 0
    assert came == may
