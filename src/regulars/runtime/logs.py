"""Structured logs: one JSON object a line for machines, coloured lines on a terminal for people.

What is logged names rooms, routes, ids, counts and durations, never a person's data. Request bodies, query
strings, job arguments and statement values stay out.
"""

import logging.config
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from regulars.runtime import environment

# What packages attach to their log records and may hold people's data: job arguments, whole requests.
_LEFT_OUT = ("job", "worker", "request", "kwargs", "sql", "params", "alias")


def configuration() -> dict[str, Any]:
    """Return the `logging.config.dictConfig` of every process, and set structlog up to go through it."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*shared, structlog.stdlib.ExtraAdder(), _leave_out],
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers()],
            },
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "structured",
                "stream": "ext://sys.stderr",
            },
        },
        "root": {"handlers": ["stderr"], "level": environment.LOG_LEVEL.value},
        "loggers": {
            # Every request is logged once, by our middleware, with its route.
            "django.request": {"level": "ERROR"},
            "django.server": {"level": "WARNING"},
            # Several lines for every job are its debugging; what failed is told as a warning or an error.
            "procrastinate": {"level": "WARNING"},
            # The supervisor tells what starts and stops, our middleware what is answered.
            "_granian": {"level": "ERROR"},
            # It tells of every connection to Spark's process that it closes.
            "py4j": {"level": "WARNING"},
        },
    }


def configure() -> None:
    """Set up the logs of a process that runs without Django, such as the supervisor."""
    logging.config.dictConfig(configuration())


def _leave_out(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    for name in _LEFT_OUT:
        event.pop(name, None)
    if event["logger"] == "django.request":
        # Its own words hold the path. The traceback is why we keep it; the request's line names the route.
        event["event"] = "request failed"
    return event


def _renderers() -> list[structlog.typing.Processor]:
    chosen = environment.LOG_FORMAT.value
    if chosen == "human" or (chosen == "auto" and sys.stderr.isatty()):
        return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    return [
        # Without the values of variables: those are people's.
        structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        ),
        structlog.processors.EventRenamer("message"),
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
