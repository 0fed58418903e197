"""Cameras that take photos at a rate, whatever becomes of them, and send each until it
is taken in.
"""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.faults.photos import FATAL, photo
from benchmarks.latency.client import Client, Target
from tests.factory import multipart

CAMERAS = 32
# A camera that is not answered sends again, a little later each time.
PAUSES = (0.25, 0.5, 1.0, 2.0)
PATIENCE_SECONDS = 10.0
GIVE_UP_SECONDS = 180.0


@dataclass
class Shot:
    """A photo: taken at `due` (`time.time`), its `inspection` once it is taken in.

    `answers` are HTTP states, or the name of the error that was there instead of one.
    """

    number: int
    due: float
    poison: bool = False
    inspection: str = ""
    answers: list[int | str] = field(default_factory=list)

    @property
    def key(self) -> str:
        return f"photo-{self.number}"


class Cameras:
    """`rate` photos a second from when the block begins to when it ends."""

    def __init__(self, target: Target, rate: float) -> None:
        self._target, self._rate = target, rate
        self._client = Client(target, timeout=PATIENCE_SECONDS)
        self._numbers = itertools.count()
        self._over, self._given_up = threading.Event(), threading.Event()
        self._taking = threading.Lock()
        self._pool = ThreadPoolExecutor(CAMERAS)
        self.shots: list[Shot] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Leaves when every photo was taken in, or given up; at once on an error."""
        thread = threading.Thread(target=self._run, name="cameras")
        thread.start()
        try:
            yield
        except BaseException:
            self._given_up.set()
            raise
        finally:
            self._over.set()
            thread.join()
            self._pool.shutdown()
            self._client.close()

    def take(self, *, poison: bool = False) -> Shot:
        """One photo now; it is sent from a thread of its own."""
        with self._taking:
            shot = Shot(next(self._numbers), time.time(), poison)
            self.shots.append(shot)
        self._pool.submit(self._send, shot)
        return shot

    def answers(self) -> dict[str, int]:
        """How often each answer came, to all tries of all photos."""
        said = Counter(str(one) for shot in self.shots for one in shot.answers)
        return dict(sorted(said.items()))

    def _run(self) -> None:
        started = time.monotonic()
        for n in itertools.count():
            if self._over.wait(max(0, started + n / self._rate - time.monotonic())):
                return
            self.take()

    def _send(self, shot: Shot) -> None:
        pauses = itertools.chain(PAUSES, itertools.repeat(PAUSES[-1]))
        while not (self._given_up.is_set() or self._is_taken(shot)):
            if time.time() - shot.due > GIVE_UP_SECONDS:
                return
            self._given_up.wait(next(pauses))

    def _is_taken(self, shot: Shot) -> bool:
        """Send it once. A refusal of the photo itself would be a bug: it is sent on, in
        vain, and found missing at the end.
        """
        form = {
            "serial": f"U{shot.number}",
            "station": self._target.station,
            "captured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(shot.due)),
        }
        image = photo(shot.number) + (FATAL if shot.poison else b"")
        body, kind = multipart(form, image)
        headers = {"Content-Type": kind, "Idempotency-Key": shot.key}
        path = "/api/v1/inspections/"
        try:
            status, answer = self._client.send("POST", path, body, headers)
        except (OSError, ValueError, http.client.HTTPException) as error:
            shot.answers.append(type(error).__name__)
            return False
        shot.answers.append(status)
        if status not in (200, 201, 202):
            return False
        shot.inspection = answer["id"]
        return True
