"""Figures about the running installation, in the Prometheus text format."""

import secrets
from collections.abc import Iterator
from datetime import datetime

from django.db import connection
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from regulars.insights.models import Run
from regulars.intake.models import Import
from regulars.runtime import environment
from regulars.staff.access import ChecksItself, access

REQUESTS = Counter("regulars_requests", "Answered requests.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "regulars_request_seconds",
    "Time from request to answer.",
    ["method", "route"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)

_FORBIDDEN = 403
# A proxy on this machine calls from here too, but says for whom.
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED")

_JOBS = "SELECT status::text, count(*) FROM procrastinate_jobs GROUP BY status"
_OLDEST_WAITING = """
    SELECT coalesce(extract(epoch FROM now() - min(coalesce(job.scheduled_at, event.at))), 0)
    FROM procrastinate_jobs AS job
    JOIN procrastinate_events AS event ON event.job_id = job.id AND event.type = 'deferred'
    WHERE job.status = 'todo' AND (job.scheduled_at IS NULL OR job.scheduled_at <= now())
"""
_HEARTBEAT = "SELECT extract(epoch FROM max(last_heartbeat)) FROM procrastinate_workers"
_STATES = ("todo", "doing", "succeeded", "failed", "cancelled", "aborted")


class _Installation(Collector):
    """What the database knows, asked at each scrape."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield one family for each figure."""
        with connection.cursor() as cursor:
            cursor.execute(_JOBS)
            counts = dict(cursor.fetchall())
            cursor.execute(_OLDEST_WAITING)
            oldest = cursor.fetchone()[0]
            cursor.execute(_HEARTBEAT)
            heartbeat = cursor.fetchone()[0]
        jobs = GaugeMetricFamily(
            "regulars_jobs", "Jobs by state; finished ones of the last days.", labels=["state"]
        )
        for state in _STATES:
            jobs.add_metric([state], counts.get(state, 0))
        yield jobs
        yield GaugeMetricFamily(
            "regulars_job_waiting_seconds", "How long the oldest due job has waited.", value=float(oldest)
        )
        if heartbeat is not None:
            yield GaugeMetricFamily(
                "regulars_worker_heartbeat_timestamp_seconds",
                "Last sign of a worker.",
                value=float(heartbeat),
            )
        imported = Import.objects.filter(state=Import.State.DONE).aggregate(at=Max("finished_at"))["at"]
        yield from _finished("import", imported)
        computed = Run.objects.filter(state=Run.State.DONE).aggregate(at=Max("finished_at"))["at"]
        yield from _finished("insights_run", computed)


def _finished(what: str, at: datetime | None) -> Iterator[GaugeMetricFamily]:
    if at is not None:
        yield GaugeMetricFamily(
            f"regulars_last_{what}_timestamp_seconds", "When the last one finished.", value=at.timestamp()
        )


@access(ChecksItself("a bearer token, or a call from this very machine"))
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the figures of all web processes and of the database."""
    if not _may_read(request):
        return HttpResponse("set REGULARS_METRICS_TOKEN and send it as a bearer token\n", status=_FORBIDDEN)
    registry = CollectorRegistry()
    if environment.counters_are_shared():
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus-client leaves this one untyped
        body = generate_latest(registry)
    else:
        body = generate_latest(REGISTRY)
    database = CollectorRegistry()
    database.register(_Installation())
    return HttpResponse(body + generate_latest(database), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    token = environment.METRICS_TOKEN.value
    if token:
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return secrets.compare_digest(sent.encode(), token.encode())
    is_forwarded = any(name in request.META for name in _FORWARDED)
    return request.META.get("REMOTE_ADDR") in {"127.0.0.1", "::1"} and not is_forwarded
