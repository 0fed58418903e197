"""The memory that contexts work in: one for all engines on a card.

They run one after another on one thread, and each waits for its stream before the next
begins, so the largest need is enough for all.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from inference_worker.engine.gpu import Gpu, Memory

_LEAST = 256  # a card has no memory of none

_shared: dict[int, Scratch] = {}
"""By the card's number."""


class Scratch:
    """Grows to what the neediest of its users needs; gone with the last of them."""

    def __init__(self, card: Gpu) -> None:
        self._card = card
        self._needs: WeakKeyDictionary[object, int] = WeakKeyDictionary()
        self._memory: Memory | None = None

    @classmethod
    def of(cls, card: Gpu) -> Scratch:
        """The one in use on that card, else a new one."""
        found = _shared.get(card.index)
        if found is None or not found._needs:
            found = _shared[card.index] = cls(card)
        return found

    def need(self, user: object, nbytes: int) -> None:
        """From now on there is that much for `user`, until it leaves."""
        self._needs[user] = max(nbytes, _LEAST)
        self._fit()

    def leave(self, user: object) -> None:
        self._needs.pop(user, None)
        self._fit()

    @property
    def memory(self) -> Memory:
        """As it is now: an earlier one may be gone."""
        if self._memory is None:
            raise ValueError("nobody said how much is needed")
        return self._memory

    @property
    def nbytes(self) -> int:
        return 0 if self._memory is None else self._memory.nbytes

    def _fit(self) -> None:
        wanted = max(self._needs.values(), default=0)
        if self._memory is not None and self._memory.nbytes != wanted:
            self._memory.free()
            self._memory = None
        if wanted and self._memory is None:
            self._memory = self._card.alloc(wanted)
