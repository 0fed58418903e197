"""Work that a device may never come back from, on threads that can be left behind."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from inference_worker.ladder.errors import Hung
from inference_worker.ladder.reasons import Fallen, Stage

log = logging.getLogger(__name__)

T = TypeVar("T")

HUNG_SECONDS = 300.0
"""More than the watchdog gives what photos wait for, as nobody waits for this."""

LOOK_SECONDS = 0.5
CLOSE_SECONDS = 2.0


class _Attempt(Generic[T]):
    """`work` on a thread; what it makes after it was left goes to `drop`."""

    def __init__(
        self, name: str, work: Callable[[], T], drop: Callable[[T], object]
    ) -> None:
        self._name, self._work, self._drop = name, work, drop
        self._since, self._settling = time.monotonic(), threading.Lock()
        self._left = False
        self._made: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(
            target=self._run, name=f"attempt {name}", daemon=True
        )
        self._thread.start()

    @property
    def under_way(self) -> bool:
        return self._thread.is_alive()

    def seconds(self) -> float:
        return time.monotonic() - self._since

    def wait(self, seconds: float) -> None:
        self._thread.join(seconds)

    def leave(self) -> bool:
        """Want nothing of it any more; False when it has come back just now."""
        with self._settling:
            self._left = not self._made and self._error is None
            return self._left

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._made[0]

    def _run(self) -> None:
        made, error = list[T](), None
        try:
            made.append(self._work())
        except BaseException as raised:  # for whoever waits
            error = raised
        with self._settling:
            if not self._left:
                self._made, self._error = made, error
                return
        log.warning(
            "%s came back after %.0f s, too late: %s",
            self._name,
            self.seconds(),
            error or "it is closed again",
        )
        for one in made:
            self._drop(one)


class Attempts:
    """At most one for each name at a time, so that a device that hangs again and again
    costs one thread and what that one holds.

    One thread makes them; `meanwhile` is called on it while it waits, and must not take
    long.
    """

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self._meanwhile, self._until = meanwhile, math.inf
        self._left: dict[str, _Attempt[Any]] = {}

    def close(self) -> None:
        """On any thread: what is under way is left behind, but if it is soon done."""
        self._until = time.monotonic() + CLOSE_SECONDS

    def hangs(self, name: str) -> bool:
        """Whether one of that name was left behind and has not come back."""
        left = self._left.get(name)
        return left is not None and left.under_way

    def make(self, name: str, work: Callable[[], T], drop: Callable[[T], object]) -> T:
        """What `work` makes, and raises. After HUNG_SECONDS it is left behind: what it
        makes then is given to `drop`, on its thread.

        Raises Fallen for that, and where an earlier one still hangs.
        """
        if self.hangs(name):
            raise _fallen(self._left[name])
        attempt = _Attempt(name, work, drop)
        attempt.wait(LOOK_SECONDS)
        while attempt.under_way:
            if time.monotonic() > self._until and attempt.leave():
                raise _fallen(attempt)
            if attempt.seconds() > HUNG_SECONDS and attempt.leave():
                self._left[name] = attempt
                log.error(
                    "%s has hung for %.0f s and is left behind; if it does not come "
                    "back, its memory is free when this process ends",
                    name,
                    attempt.seconds(),
                )
                raise _fallen(attempt)
            self._meanwhile()
            attempt.wait(LOOK_SECONDS)
        return attempt.result()


def _fallen(attempt: _Attempt[Any]) -> Fallen:
    text = f"it did not come back for {attempt.seconds():.0f} s"
    return Fallen.of(Hung(text), Stage.LOAD)
