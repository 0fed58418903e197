"""A thread that works through what waits, several items at a time."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Overloaded(Exception):
    """More waits than there is room for, or the thread is closing."""


@dataclass(eq=False)
class _Waiting(Generic[T, R]):
    item: T
    kind: Hashable
    future: Future[R] = field(default_factory=Future)


class Gatherer(Generic[T, R]):
    """Hands what waits to `work`: the oldest item, and those like it, up to `most`.

    It never waits for more to come: while `work` is busy the next batch fills up by
    itself, and an item that comes alone starts at once. `work` returns one result an
    item. When it raises on several, each is tried alone, so that a bad item harms only
    itself. `kind` says which items may go together.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[list[T]], Sequence[R]],
        *,
        most: int,
        room: int = 256,
        kind: Callable[[T], Hashable] = lambda item: None,
    ) -> None:
        self.name = name
        self._work, self._kind = work, kind
        self._most, self._room = most, room
        self._waiting: deque[_Waiting[T, R]] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, item: T) -> Future[R]:
        """Queue an item; cancel the future to withdraw it. Raises Overloaded."""
        waiting: _Waiting[T, R] = _Waiting(item, self._kind(item))
        with self._changed:
            if self._closing or len(self._waiting) >= self._room:
                raise Overloaded(f"{self.name} has no room")
            self._waiting.append(waiting)
            self._changed.notify()
        return waiting.future

    def busy_seconds(self) -> float:
        """How long `work` has been at it; 0 while nothing is being worked on."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def close(self) -> None:
        """Finish what waits, then end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while batch := self._take():
            batch = [one for one in batch if one.future.set_running_or_notify_cancel()]
            self._busy_since = time.monotonic()
            self._settle(batch)
            self._busy_since = None

    def _take(self) -> list[_Waiting[T, R]]:
        """The next batch, waiting for one; empty when there will be none."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            if not self._waiting:
                return []
            kind = self._waiting[0].kind
            batch = [one for one in self._waiting if one.kind == kind][: self._most]
            for one in batch:
                self._waiting.remove(one)
            return batch

    def _settle(self, batch: list[_Waiting[T, R]]) -> None:
        if not batch:
            return
        try:
            results = self._work([one.item for one in batch])
        except Exception as error:
            if len(batch) == 1:
                batch[0].future.set_exception(error)
                return
            for one in batch:
                self._settle([one])
            return
        for one, result in zip(batch, results, strict=True):
            one.future.set_result(result)
