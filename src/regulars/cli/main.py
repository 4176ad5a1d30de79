"""The commands of `regulars`, gathered from their modules. Importing a module adds its commands to the app."""

from regulars.cli import (
    connectors,
    db,
    demo,
    doctor,
    experiments,
    export,
    imports,
    insights,
    kpi,
    offers,
    people,
    review,
    segments,
    sends,
    serve,
    staff,
)
from regulars.cli.app import app

__all__ = [
    "app",
    "connectors",
    "db",
    "demo",
    "doctor",
    "experiments",
    "export",
    "imports",
    "insights",
    "kpi",
    "offers",
    "people",
    "review",
    "segments",
    "sends",
    "serve",
    "staff",
]
