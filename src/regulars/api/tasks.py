"""Housekeeping of the API."""

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from regulars.api.replays import forget


@app.periodic(cron="17 3 * * *")
@app.task(name="api.forget_replies", queue="housekeeping")
def forget_replies(timestamp: int) -> None:
    forget(now=datetime.fromtimestamp(timestamp, tz=UTC))
