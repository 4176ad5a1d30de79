"""Jobs of workers that died are taken over."""

import asyncio
from collections.abc import Iterator

import pytest
from django.db import connection, connections
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from regulars.project import tasks

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _empty_queue() -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")


def running_job(*, silent_seconds: int, attempts: int = 0) -> int:
    """Put a job into the hands of a worker whose last sign was so long ago."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - make_interval(secs => %s)) RETURNING id",
            [silent_seconds],
        )
        worker = cursor.fetchone()[0]
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, attempts) VALUES ('elsewhere', 'sleeps', %s) "
            "RETURNING id",
            [attempts],
        )
        job = cursor.fetchone()[0]
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE id = %s", [worker, job]
        )
    assert isinstance(job, int)
    return job


def run_housekeeping() -> None:
    """Run the takeover in a real worker, as it runs in production."""
    connector = app.connector
    assert isinstance(connector, DjangoConnector)
    app.configure_task("project.take_over_stalled_jobs").defer(timestamp=0)

    async def work() -> None:
        with app.replace_connector(connector.get_worker_connector()) as working:
            async with working.open_async():
                await working.run_worker_async(
                    queues=[tasks.TAKEOVER], wait=False, install_signal_handlers=False, listen_notify=False
                )

    asyncio.run(work())
    connections.close_all()


def state_of(job: int) -> tuple[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT status, attempts FROM procrastinate_jobs WHERE id = %s", [job])
        status, attempts = cursor.fetchone()
    return status, attempts


def test_the_job_of_a_silent_worker_is_queued_again_and_that_of_a_living_one_is_not() -> None:
    dead, alive = running_job(silent_seconds=60), running_job(silent_seconds=5)
    run_housekeeping()
    assert state_of(dead) == ("todo", 1)
    assert state_of(alive) == ("doing", 0)


def test_a_job_whose_workers_die_each_time_is_given_up() -> None:
    deadly = running_job(silent_seconds=60, attempts=tasks.MOST_TAKEOVERS)
    run_housekeeping()
    assert state_of(deadly)[0] == "failed"
