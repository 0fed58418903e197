"""Tell the application how the ladder stands, without making anybody wait for it."""

from __future__ import annotations

import logging
import threading
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError, connection

from inference_worker.ladder.hops import Situation
from inference_worker.ladder.reasons import Failure
from traceability.inspection import devices
from traceability.inspection.devices import State

logger = logging.getLogger(__name__)

RETRY_SECONDS = 2.0
CLOSE_SECONDS = 5.0


class Teller:
    """Writes the newest situation of a place from a thread of its own.

    A database that is away is asked again; what is overtaken meanwhile is never told.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._changed = threading.Condition()
        self._newest: Situation | None = None
        self._told: Situation | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="teller", daemon=True)
        self._thread.start()

    def tell(self, situation: Situation) -> None:
        with self._changed:
            self._newest = situation
            self._changed.notify()

    def close(self) -> None:
        """Tell what is still to be told, if the database lets us."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._has_something, self._patience())
                situation, closing = self._newest, self._closing
            done = situation is None or self._write(situation)
            if closing:
                break
            if not done:
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, RETRY_SECONDS)
        connection.close()

    def _has_something(self) -> bool:
        return self._closing or self._newest is not self._told

    def _patience(self) -> float | None:
        """Who is in trouble says so again and again, or is taken for gone."""
        told = self._told
        return devices.BEAT_SECONDS if told is not None and told.degraded else None

    def _write(self, situation: Situation) -> bool:
        try:
            if situation is not self._told:
                devices.tell(_state(self._place, situation))
            else:
                devices.seen(self._place)
        except DatabaseError as error:
            logger.warning("how the ladder stands is not told yet: %s", error)
            connection.close()
            return False
        self._told = situation
        return True


def _state(place: str, situation: Situation) -> State:
    footing = situation.footing
    return State(
        place=place,
        rung=footing.rung if footing else "",
        model=footing.model if footing else "",
        version=footing.version if footing else "",
        backend=footing.backend if footing else "",
        precision=footing.precision if footing else "",
        failures=tuple(map(_told, situation.failures)),
    )


def _told(failure: Failure) -> dict[str, Any]:
    at = datetime.fromtimestamp(failure.at, UTC)
    return {**asdict(failure), "at": at.isoformat()}
