"""Says on a terminal how far a slow command has come."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE = 2.0
"""Seconds that nobody minds to wait without a word."""


class SlowProgress:
    """A bar for whoever waits: call it with what is done and the share of it, 0..1.

    Nothing is shown before `PATIENCE`, nor where the stream is no terminal; the bar
    goes away at the end.
    """

    def __init__(self, stream: TextIO, patience: float = PATIENCE) -> None:
        self._stream = stream
        self._from = time.monotonic() + patience
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, what: str, share: float) -> None:
        if time.monotonic() < self._from or not self._stream.isatty():
            return
        if self._bar is None:
            self._bar = _bar(self._stream)
        self._bar.update(self._bar.task_ids[0], description=what, completed=share)


def _bar(stream: TextIO) -> Progress:
    """Rich is loaded here: a fast command does without it."""
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(file=stream), transient=True)
    bar.add_task("", total=1.0)
    bar.start()
    return bar
