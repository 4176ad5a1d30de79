"""The commands of `regulars`, gathered from their modules. Importing a module adds its commands to the app."""

from regulars.cli import db, demo, doctor, export, imports, insights, kpi, people, serve, staff
from regulars.cli.app import app

__all__ = ["app", "db", "demo", "doctor", "export", "imports", "insights", "kpi", "people", "serve", "staff"]
