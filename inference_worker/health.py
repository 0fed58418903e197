"""The watchdog: a process that hangs ends itself, and its supervisor starts another."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

logger = logging.getLogger(__name__)

EXIT_CODE = 70  # EX_SOFTWARE
PERIOD_SECONDS = 1.0
LAST_WORDS_SECONDS = 1.0


@dataclass(frozen=True)
class Watched:
    """Something that must not be `busy_seconds()` for longer than `limit` seconds."""

    name: str
    busy_seconds: Callable[[], float]
    limit: float


class Watchdog:
    """Looks every second; on a hang it leaves at once, without any cleaning up.

    What the process held is put back by the next one. It touches neither database nor
    broker, because they may be what hangs; `last_words` has a second to leave a note
    for the next process.
    """

    def __init__(
        self,
        watched: list[Watched],
        leave: Callable[[int], object] = os._exit,
        last_words: Callable[[], None] = lambda: None,
    ) -> None:
        self._watched = list(watched)
        self._leave, self._last_words = leave, last_words
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
        self._thread.start()

    def watch(self, more: list[Watched]) -> None:
        self._watched.extend(more)

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.wait(PERIOD_SECONDS):
            for one in self._watched:
                seconds = one.busy_seconds()
                if seconds > one.limit:
                    logger.critical("%s has hung for %.0f s", one.name, seconds)
                    self._say_last_words()
                    self._leave(EXIT_CODE)
                    return

    def _say_last_words(self) -> None:
        """On a thread of its own: the disk may hang too."""
        saying = threading.Thread(target=self._last_words, daemon=True)
        saying.start()
        saying.join(LAST_WORDS_SECONDS)
