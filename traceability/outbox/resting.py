"""Streams that the broker refuses: each rests for longer and longer, by itself."""

from __future__ import annotations

import time

# How long a stream rests whose message was refused, first and at most.
FIRST_SECONDS = 5.0
LONGEST_SECONDS = 300.0


class Rests:
    """Outlives connections: some brokers refuse a message by ending the connection."""

    def __init__(self) -> None:
        self._until: dict[int, float] = {}
        self._seconds: dict[int, float] = {}
        self._said: dict[int, str] = {}

    def begin(self, stream: int, said: str) -> None:
        seconds = self._seconds.get(stream, FIRST_SECONDS)
        self._until[stream] = time.monotonic() + seconds
        self._seconds[stream] = min(LONGEST_SECONDS, 2 * seconds)
        self._said[stream] = said

    def end(self, stream: int) -> None:
        """The broker took its message after all."""
        self._until.pop(stream, None)
        self._seconds.pop(stream, None)
        self._said.pop(stream, None)

    def now(self) -> list[int]:
        """The streams that rest."""
        now = time.monotonic()
        return [stream for stream, until in self._until.items() if until > now]

    def why(self) -> str:
        """What the broker said to one of them; empty while none is refused."""
        return next(iter(self._said.values()), "")
