"""Move publications from the database to a broker, each stream in its order.

The next message of a stream leaves only when the database knows that the one before it
has arrived. So a repeat, after whatever accident, directly follows what it repeats.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from traceability.outbox import publications
from traceability.outbox.models import Publication, Retain, Retained
from traceability.outbox.resting import Rests
from traceability.outbox.transports.errors import Unreachable
from traceability.outbox.transports.mqtt import WINDOW, Answer, Broker

logger = logging.getLogger(__name__)

# So many messages are in memory at most.
PAGE = 200
# How often the database is asked for more: one look at the first entry of an index.
LOOK_SECONDS = 0.1
ANSWER_SECONDS = 20.0


@dataclass
class Flight:
    """A publication that has left; `mids` are its messages without an answer yet."""

    publication: Publication
    mids: set[int]
    left_at: float
    refused: str = ""


class Pump:
    """What is on its way over one connection, and forgotten with it."""

    def __init__(self, broker: Broker, rests: Rests) -> None:
        self._broker = broker
        self._rests = rests
        self._waiting: dict[int, deque[Publication]] = {}
        self._flying: dict[int, Flight] = {}
        self._next_look = 0.0

    def restore(self) -> Iterator[str]:
        """Tell the broker again what it should retain: it may have lost its memory.

        Topic by topic, so that the caller can do something else in between.
        """
        for one in Retained.objects.order_by("topic").iterator(chunk_size=PAGE):
            mid = self._broker.publish(one.topic, one.payload, retain=True)
            end = time.monotonic() + ANSWER_SECONDS
            while mid not in [answer.mid for answer in self._broker.answers(0.1)]:
                if time.monotonic() > end:
                    raise Unreachable("the broker acknowledges nothing")
            yield one.topic

    def turn(self) -> int:
        """Send what may leave, wait a moment, settle; returns how many arrived.

        Raises Unreachable when the connection is gone, or answers nothing.
        """
        self._look()
        for publication in self._departures():
            self._send(publication)
        return self._settle(self._broker.answers(LOOK_SECONDS))

    def _look(self) -> None:
        """Fill up from the database, what is here already and what rests left out."""
        now = time.monotonic()
        held = [one.pk for one in self._held()]
        if now < self._next_look or len(held) > PAGE // 2:
            return
        found = publications.waiting(
            PAGE - len(held), without=held, skipping=self._rests.now()
        )
        for one in found:
            self._waiting.setdefault(one.stream_id, deque()).append(one)
        more = len(found) == PAGE - len(held)
        self._next_look = now if more else now + LOOK_SECONDS

    def _held(self) -> Iterator[Publication]:
        yield from (flight.publication for flight in self._flying.values())
        for queue in self._waiting.values():
            yield from queue

    def _departures(self) -> list[Publication]:
        """The next one of each stream that has none on its way."""
        free = WINDOW // 2 - len(self._flying)
        ready = [key for key in self._waiting if key not in self._flying]
        taken = [self._waiting[key].popleft() for key in ready[: max(0, free)]]
        self._waiting = {key: queue for key, queue in self._waiting.items() if queue}
        return taken

    def _send(self, one: Publication) -> None:
        """A message that ends a retained one is followed by what erases it."""
        keep = one.retain == Retain.THIS
        mids = {self._broker.publish(one.topic, one.payload, retain=keep)}
        if one.retain == Retain.NO_MORE:
            mids.add(self._broker.publish(one.topic, "", retain=True))
        self._flying[one.stream_id] = Flight(one, mids, time.monotonic())

    def _settle(self, answers: Iterable[Answer]) -> int:
        for answer in answers:
            for flight in self._flying.values():
                if answer.mid in flight.mids:
                    flight.mids.discard(answer.mid)
                    flight.refused = flight.refused or answer.refused
        landed = [flight for flight in self._flying.values() if not flight.mids]
        arrived = [flight.publication for flight in landed if not flight.refused]
        if arrived:
            publications.settle(arrived)
        for flight in landed:
            self._land(flight)
        self._check_patience()
        return len(arrived)

    def _land(self, flight: Flight) -> None:
        stream = flight.publication.stream_id
        del self._flying[stream]
        if not flight.refused:
            self._rests.end(stream)
            return
        self._waiting.pop(stream, None)
        said = f"{flight.publication.topic}: {flight.refused}"
        self._rests.begin(stream, said)
        logger.error("the broker refuses %s; it is kept and tried again", said)

    def _check_patience(self) -> None:
        limit = time.monotonic() - ANSWER_SECONDS
        if any(flight.left_at < limit for flight in self._flying.values()):
            raise Unreachable("the broker acknowledges nothing")
