"""How many models a graphics card takes: planned by figures, checked by measuring.

The plan is arithmetic on bytes. What a card really has comes from NVML, where
nvidia-ml-py and a driver are there; without them nothing is refused here, and the
runtime's own out-of-memory is what remains.
"""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakSet

from inference_worker.engine.backends.base import Backend
from inference_worker.engine.errors import BackendError

log = logging.getLogger(__name__)

MOST_MODELS = 3
KEPT_FREE = 0.2
"""Of the card's memory: workspaces and other programs need room that comes and goes."""

SMALL_BYTES = 100 * 10**6
"""Engines below this are so quick that one alone leaves most of a card idle."""

_MB = 2**20


class NoRoom(BackendError):
    """The card has no room for the model; the message has the figures."""

    code = "device_full"
    hint = "Load fewer models on this card, or give it fewer processes."


@dataclass(frozen=True, slots=True)
class Card:
    """A card at one moment, in bytes; `others`: processes of others that compute."""

    name: str
    total: int
    free: int
    others: int = 0


def check_fits(card: Card, models: int, wanted: int = 0) -> None:
    """Raises NoRoom unless one more model of `wanted` bytes may be loaded beside
    `models` that are there. Each process of others counts as a model.
    """
    there = models + card.others
    if there >= MOST_MODELS:
        raise NoRoom(
            f"{card.name} has {there} models or other programs on it, and takes"
            f" {MOST_MODELS}"
        )
    _check_free(card, card.free - wanted)


def check_left(card: Card) -> None:
    """Raises NoRoom when what was loaded has taken of what stays free."""
    _check_free(card, card.free)


def pays_more(card: Card, models: int, engine: int, each: int, cores: int) -> bool:
    """Whether one more of an engine pays beside the `models` that are there: not from
    SMALL_BYTES on, nor where memory or the CPU allow none. `each` is what one takes on
    the card in all. A core feeds one, and one core is left to the rest of the machine.
    A place is left for the better rung that may be climbed to.
    """
    there = models + card.others
    if engine >= SMALL_BYTES or there + 1 >= MOST_MODELS or there + 1 >= cores:
        return False
    return card.free - 2 * each >= KEPT_FREE * card.total


def _check_free(card: Card, free: int) -> None:
    kept = int(KEPT_FREE * card.total)
    if free < kept:
        raise NoRoom(
            f"{card.name} would have {max(free, 0) // _MB} of {card.total // _MB} MiB"
            f" free, and {kept // _MB} MiB ({KEPT_FREE:.0%}) stay free"
        )


class Room:
    """One card's memory, for the models of this process. `read` measures it."""

    def __init__(self, read: Callable[[], Card]) -> None:
        self._read = read
        self._models: WeakSet[Backend] = WeakSet()
        self._free_before = 0
        self._each = 0

    def check_before_loading(self) -> None:
        """Raises NoRoom."""
        card = self._read()
        self._free_before = card.free
        check_fits(card, self._there())

    def check_loaded(self, model: Backend) -> None:
        """Raises NoRoom: then it must be closed again."""
        card = self._read()
        log.info(
            "%s: %s of %s MiB free", card.name, card.free // _MB, card.total // _MB
        )
        check_left(card)
        self._models.add(model)
        self._each = max(self._free_before - card.free, 0)

    def pays_more(self, engine: int) -> bool:
        """Whether one more of what was loaded last does, of `engine` bytes."""
        cores = len(os.sched_getaffinity(0))
        return pays_more(self._read(), self._there(), engine, self._each, cores)

    def _there(self) -> int:
        """Models of this process. One that failed hangs in the traceback of its fall,
        a cycle: it was closed, and must not take the place of the next.
        """
        if len(self._models) > 1:
            gc.collect()
        return len(self._models)


def room_on(card: str) -> Room | None:
    """On the card of that UUID or number, as NVML counts them; None without NVML."""
    try:
        read_card(card)
    except Unmeasured as error:
        log.warning("the memory of card %s is not watched: %s", card, error)
        return None
    return Room(lambda: read_card(card))


class Unmeasured(Exception):
    """NVML is not there, or does not know the card."""


def read_card(card: str) -> Card:
    """Raises Unmeasured."""
    try:
        import pynvml
    except ImportError as error:
        raise Unmeasured("nvidia-ml-py is not installed") from error
    try:
        pynvml.nvmlInit()
        handle = (
            pynvml.nvmlDeviceGetHandleByIndex(int(card))
            if card.isdecimal()
            else pynvml.nvmlDeviceGetHandleByUUID(card)
        )
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
        running = pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
        name = pynvml.nvmlDeviceGetName(handle)
    except pynvml.NVMLError as error:
        raise Unmeasured(str(error)) from error
    others = sum(process.pid != os.getpid() for process in running)
    return Card(str(name), int(memory.total), int(memory.free), others)
