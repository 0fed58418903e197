"""A thread that works through what waits, several items at a time."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Overloaded(Exception):
    """More waits than there is room for, or the thread is closing."""


class Late(TimeoutError):
    """Its turn came after its deadline: nobody waits for it any more."""


class Priority(IntEnum):
    """Who goes first; of alike ones the oldest."""

    FIRST = 0
    LATER = 1


@dataclass(eq=False)
class _Waiting(Generic[T, R]):
    item: T
    deadline: float
    future: Future[R] = field(default_factory=Future)

    def begins(self) -> bool:
        """Whether it is still wanted: neither withdrawn nor too late."""
        if not self.future.set_running_or_notify_cancel():
            return False
        late = time.monotonic() > self.deadline
        if late:
            self.future.set_exception(Late("its deadline passed while it waited"))
        return not late


class _Errand:
    def __init__(self, run: Callable[[], None]) -> None:
        self._run = run
        self.future: Future[None] = Future()

    def run(self) -> None:
        try:
            self._run()
        except Exception as error:
            self.future.set_exception(error)
        else:
            self.future.set_result(None)


class Gatherer(Generic[T, R]):
    """Hands what waits to `work`: the oldest item of the first priority, and those like
    it, up to `most`; those of a later priority fill up what is left of a batch.

    It never waits for more to come: while `work` is busy the next batch fills up by
    itself, and an item that comes alone starts at once. `work` returns one result an
    item. When it raises on several, each is tried alone, so that a bad item harms only
    itself. `kind` says which items may go together; it and `most` are asked anew for
    each batch, on the thread, and must not raise.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[list[T]], Sequence[R]],
        *,
        most: int | Callable[[], int],
        room: int = 256,
        kind: Callable[[T], Hashable] = lambda item: None,
    ) -> None:
        self.name = name
        self._work, self._kind = work, kind
        self._most = most if callable(most) else lambda: most
        self._room = room
        self._waiting: tuple[deque[_Waiting[T, R]], ...] = tuple(
            deque() for _ in Priority
        )
        self._errands: deque[_Errand] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(
        self,
        item: T,
        *,
        priority: Priority = Priority.FIRST,
        deadline: float = math.inf,
    ) -> Future[R]:
        """Queue an item; cancel the future to withdraw it. Raises Overloaded.

        The future raises Late for an item whose turn comes after `deadline`, which is
        of `time.monotonic`. There is room for as many of each priority.
        """
        waiting: _Waiting[T, R] = _Waiting(item, deadline)
        with self._changed:
            if self._closing or len(self._waiting[priority]) >= self._room:
                raise Overloaded(f"{self.name} has no room")
            self._waiting[priority].append(waiting)
            self._changed.notify()
        return waiting.future

    def between(self, errand: Callable[[], None]) -> Future[None]:
        """Run something on the thread, before the next batch. Raises Overloaded when it
        is closing.
        """
        queued = _Errand(errand)
        with self._changed:
            if self._closing:
                raise Overloaded(f"{self.name} is closing")
            self._errands.append(queued)
            self._changed.notify()
        return queued.future

    @property
    def depth(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiting))

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
        while (batch := self._take()) is not None:
            batch = [one for one in batch if one.begins()]
            self._busy_since = time.monotonic()
            self._settle(batch)
            self._busy_since = None
            del batch  # what is done with must not wait for the next one

    def _take(self) -> list[_Waiting[T, R]] | None:
        """The next batch, waiting for one; None when there will be none."""
        with self._changed:
            self._changed.wait_for(
                lambda: any(self._waiting) or self._errands or self._closing
            )
            errands, self._errands = self._errands, deque()
        for errand in errands:
            errand.run()
        with self._changed:
            if any(self._waiting):
                return self._next_batch()
            return [] if errands or not self._closing else None

    def _next_batch(self) -> list[_Waiting[T, R]]:
        oldest = next(queue[0] for queue in self._waiting if queue)
        kind = self._kind(oldest.item)
        alike = (
            one
            for queue in self._waiting
            for one in queue
            if self._kind(one.item) == kind
        )
        batch = list(islice(alike, self._most()))
        taken = set(batch)
        for queue in self._waiting:
            left = [one for one in queue if one not in taken]
            queue.clear()
            queue.extend(left)
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
