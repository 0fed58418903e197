"""Photos that can be told apart by what is to be found on them."""

from __future__ import annotations

from functools import cache

from tests.engine.toy import CELL, CLASSES
from tests.factory import jpeg

SIZE = 320
_SIDE = SIZE // CELL
DIFFERENT = len(CLASSES) * _SIDE * _SIDE
# Behind the end of the picture; tests/faults/poison dies of it.
FATAL = b"KILL"


def photo(number: int) -> bytes:
    """A JPEG with one square, at a place and of a colour that follow from `number`."""
    return _drawn(number % DIFFERENT)


def expected(number: int) -> tuple[str, int, int]:
    """Class, left and top of the one defect on it."""
    class_id, left, top = _square(number % DIFFERENT)
    return CLASSES[class_id], left, top


@cache
def _drawn(number: int) -> bytes:
    return jpeg(_square(number), size=SIZE)


def _square(number: int) -> tuple[int, int, int]:
    place, class_id = divmod(number, len(CLASSES))
    row, column = divmod(place, _SIDE)
    return class_id, column * CELL, row * CELL
