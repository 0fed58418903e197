"""How far a training is, on stderr."""

from __future__ import annotations

import logging
import sys
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Self

log = logging.getLogger(__name__)


class Bar:
    """A progress bar on a terminal; elsewhere a line for every validation."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._progress: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty() and find_spec("rich") is not None:
            from rich.console import Console
            from rich.progress import Progress

            self._progress = Progress(console=Console(stderr=True))
            self._task = self._progress.add_task("training", total=self._epochs)
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def show(self, row: dict[str, float]) -> None:
        """One epoch is done; `row` is its line of the history."""
        text = f"loss {row['loss']:.3f}"
        if "map50" in row:
            text += f", held back mAP@0.5 {row['map50']:.3f}"
        if self._progress is not None:
            self._progress.update(self._task, completed=row["epoch"], description=text)
        elif "map50" in row:
            log.info(
                "epoch %d of %d after %.0f s: %s",
                row["epoch"],
                self._epochs,
                row["seconds"],
                text,
            )
