"""What a graph says of somebody on the way: when the journey is over for them, and whether they listen."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from regulars.journeys.registry import Since, Standing, World, happenings, kind_of


def listens(graph: Mapping[str, Any], step: str) -> bool:
    """Return whether who stands at a step is to be looked at as soon as something happens."""
    return bool(graph.get("goal") or graph.get("exit")) or kind_of(graph["steps"][step]).listens


def ends_of(
    graph: Mapping[str, Any], standings: Sequence[Standing], *, now: datetime, world: World
) -> tuple[set[int], set[int]]:
    """Return which enrollments reached the goal of a journey, and which are to leave it by its exit."""
    goal, leave = graph.get("goal"), graph.get("exit")
    reached: set[int] = set()
    left: set[int] = set()
    since = [Since(one.enrollment_id, one.customer_id, one.entered_at) for one in standings]
    if goal:
        within = goal.get("within_days")
        counted = [one for one in since if within is None or now <= one.at + timedelta(days=within)]
        reached = happenings()[goal["kind"]].happened(goal, counted, now, world)
    if leave:
        left = happenings()[leave["kind"]].happened(leave, since, now, world)
    return reached, left
