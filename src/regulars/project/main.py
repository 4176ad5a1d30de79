"""The `regulars` command: chooses the home folder and the database, then hands over to the CLI."""

import os


def main() -> None:
    """Run the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "regulars.project.settings")
    from regulars.cli.main import app  # noqa: PLC0415  settings must be named first

    app()
