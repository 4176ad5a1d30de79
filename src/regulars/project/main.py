"""The `regulars` command: names the settings, then hands over to the CLI."""

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Run the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "regulars.project.settings")
    # A polite request to end runs the same clean-up as any other ending.
    signal.signal(signal.SIGTERM, _leave)
    from regulars.cli.main import app  # noqa: PLC0415  settings must be named first

    app(prog_name="regulars")


def _leave(signal_number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + signal_number)
