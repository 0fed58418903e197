"""Page-locked memory that photos are decoded into, and that goes up from there.

A photo decoded elsewhere must be copied to such memory before the card can fetch it: at
a batch of 32 that copying takes longer than all else the host does.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections import defaultdict, deque

import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.errors import GpuError
from inference_worker.engine.gpu import Gpu
from inference_worker.engine.graphs import undisturbed_at_once
from inference_worker.engine.types import Image

MOST_BYTES = 512 * 2**20
"""Eight full batches of 640-pixel photos; it is taken from all programs."""

_STEP = 2**20  # sizes are rounded up to this, so that photos of a camera share

Slab = NDArray[np.uint8]


class Landing:
    """Slabs of page-locked memory; one goes back when its photo is forgotten.

    Any thread may call.
    """

    def __init__(self, card: Gpu, most_bytes: int = MOST_BYTES) -> None:
        self._card, self._left = card, most_bytes
        self._growing = threading.Lock()
        self._starts: set[int] = set()
        # A deque because a finaliser may run anywhere, also within `room`.
        self._free: dict[int, deque[Slab]] = defaultdict(deque)

    def room(self, nbytes: int) -> Slab | None:
        """Memory for a photo of so many bytes; None where there is no more, or none
        now: a card that a better engine comes up on may be in use for seconds, and one
        that hangs for ever.
        """
        size = -(-nbytes // _STEP) * _STEP
        try:
            slab = self._free[size].popleft()
        except IndexError:
            found = self._grown(size)
            if found is None:
                return None
            slab = found
        return self._lent(slab)[:nbytes]

    def holds(self, image: Image) -> bool:
        """Whether all of an image lies in such memory, without gaps."""
        start: int = image.__array_interface__["data"][0]
        return start in self._starts and image.flags.c_contiguous

    def _grown(self, size: int) -> Slab | None:
        with self._growing:
            self._shrink(size)
            if self._left < size:
                return None
            with undisturbed_at_once() as still:
                slab = self._taken(size) if still else None
            if slab is None:
                return None
            self._left -= size
            self._starts.add(_start(slab))
            return slab

    def _taken(self, size: int) -> Slab | None:
        try:
            return self._card.pinned((size,), np.uint8)
        except GpuError:
            return None  # whoever looks at the photo will say what is wrong

    def _shrink(self, wanted: int) -> None:
        """Give up free slabs of other sizes while there is too little left, if that
        helps.
        """
        idle = sum(size * len(free) for size, free in list(self._free.items()))
        if self._left + idle < wanted:
            return
        for free in list(self._free.values()):
            while self._left < wanted and free:
                slab = free.popleft()
                self._starts.discard(_start(slab))
                self._left += len(slab)

    def _lent(self, slab: Slab) -> Slab:
        """The same memory in an array whose end brings it back.

        numpy lets views hold what owns the memory and not the view between: that
        owner must be made for this photo alone.
        """
        owner = (ctypes.c_uint8 * len(slab)).from_address(_start(slab))
        back = weakref.finalize(owner, self._free[len(slab)].append, slab)
        back.atexit = False
        return np.frombuffer(memoryview(owner), np.uint8)


def _start(slab: Slab) -> int:
    start: int = slab.__array_interface__["data"][0]
    return start
