"""How commands show the progress of operations: bars on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

from regulars.cli.app import notes
from regulars.kernel.progress import Progress

# Without a terminal, a log line per stage is enough while it runs.
_SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Give an operation its `progress`, shown on stderr until the block ends."""
    if notes.is_terminal:
        with _bars() as bars:
            yield _Bars(bars)
    else:
        lines = _Lines()
        yield lines
        lines.finish()


def _bars() -> RichProgress:
    return RichProgress(
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=32),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=notes,
    )


class _Bars:
    """One bar for each stage."""

    def __init__(self, bars: RichProgress) -> None:
        self._bars = bars
        self._stages: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if stage not in self._stages:
            for earlier in self._bars.tasks:
                # A stage of unknown length is over when the next one begins.
                self._bars.update(earlier.id, total=earlier.total or earlier.completed)
            self._stages[stage] = self._bars.add_task(stage, total=total)
        self._bars.update(self._stages[stage], completed=done, total=total)


class _Lines:
    """One line when a stage begins, one every few seconds, one when it ends."""

    def __init__(self) -> None:
        self._stage: str | None = None
        self._figures = ""
        self._written = ""
        self._written_at = 0.0

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if stage != self._stage:
            self.finish()
            self._stage, self._written_at = stage, 0.0
        if total is not None:
            self._figures = f": {done:,} of {total:,}"
        else:
            self._figures = f": {done:,}" if done else ""
        if time.monotonic() - self._written_at >= _SECONDS_BETWEEN_LINES:
            self._write()

    def finish(self) -> None:
        """Write the last figures of the stage, unless they stand there already."""
        if self._stage is not None:
            self._write()

    def _write(self) -> None:
        line = f"{self._stage}{self._figures}"
        if line != self._written:
            notes.print(line, soft_wrap=True, markup=False)
        self._written, self._written_at = line, time.monotonic()
