"""What journeys did lately, in counts."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from regulars.journeys.models import Journey


@dataclass(frozen=True, kw_only=True)
class Lately:
    """What one journey did since a moment, in enrollments; `messages` in deliveries, `parked` as of now."""

    journey: Journey
    entered: int
    finished: int
    goals: int
    messages: int
    parked: int


def lately(*, since: datetime) -> list[Lately]:
    """Return what journeys did since a moment, those that let most in first; journeys that did nothing are left out.

    Two queries; they read the rows since then, and those parked, each by an index.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT journey_id, sum(entered), sum(finished), sum(goals), sum(messages), sum(parked) FROM (
                SELECT journey_id, count(*) AS entered, 0 AS finished, 0 AS goals, 0 AS messages, 0 AS parked
                FROM journeys_enrollment WHERE entered_at >= %(since)s AND state <> 'held_out' GROUP BY 1
                UNION ALL
                SELECT journey_id, 0, count(*) FILTER (WHERE state = 'finished'), count(*) FILTER (WHERE state = 'goal'), 0, 0
                FROM journeys_enrollment WHERE left_at >= %(since)s GROUP BY 1
                UNION ALL
                SELECT journey_id, 0, 0, 0, 0, count(*) FROM journeys_enrollment WHERE state = 'parked' GROUP BY 1
                UNION ALL
                SELECT s.source_id, 0, 0, 0, count(*), 0
                FROM messaging_channel c
                JOIN messaging_delivery d ON d.channel_id = c.id AND d.accepted_at >= %(since)s
                JOIN messaging_send s ON s.id = d.send_id AND s.kind = 'journey' GROUP BY 1
            ) told GROUP BY 1
            """,
            {"since": since},
        )
        found = {row[0]: [int(one) for one in row[1:]] for row in cursor.fetchall()}
    rows = [
        Lately(journey=one, **dict(zip(_COUNTS, found[one.pk], strict=True)))
        for one in Journey.objects.filter(pk__in=found)
    ]
    return sorted(rows, key=lambda one: (-one.entered, one.journey.pk))


_COUNTS = ("entered", "finished", "goals", "messages", "parked")
