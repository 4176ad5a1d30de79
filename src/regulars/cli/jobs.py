"""Run queued jobs in this process."""

import asyncio
from typing import TYPE_CHECKING

from regulars.cli.installation import DatabaseUnreachableError

if TYPE_CHECKING:
    from procrastinate.app import WorkerOptions


def run_jobs(options: "WorkerOptions") -> None:
    """Run jobs until told to stop, or, with `wait` off, until none is waiting.

    Raises:
        DatabaseUnreachableError: The database went away.
    """
    from procrastinate.contrib.django import app  # noqa: PLC0415  needs the settings
    from procrastinate.contrib.django.django_connector import DjangoConnector  # noqa: PLC0415
    from procrastinate.exceptions import ConnectorException  # noqa: PLC0415

    connector = app.connector
    assert isinstance(connector, DjangoConnector)  # noqa: S101  how procrastinate's Django app is built

    async def work() -> None:
        with app.replace_connector(connector.get_worker_connector()) as working:
            async with working.open_async():
                await working.run_worker_async(**options)

    try:
        asyncio.run(work())
    except ConnectorException as error:
        message = f"the worker lost the database: {error.__cause__ or error}"
        raise DatabaseUnreachableError(message) from error
