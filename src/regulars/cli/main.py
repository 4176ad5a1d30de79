"""The commands of `regulars`, gathered from their modules. Importing a module adds its commands to the app."""

from regulars.cli import (
    connectors,
    db,
    demo,
    doctor,
    export,
    imports,
    insights,
    journeys,
    kpi,
    offers,
    people,
    playbooks,
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
    "export",
    "imports",
    "insights",
    "journeys",
    "kpi",
    "offers",
    "people",
    "playbooks",
    "segments",
    "sends",
    "serve",
    "staff",
]
