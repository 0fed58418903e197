"""What may stand behind an option; for what may not, a sentence that says so.

Each gives, or is, what argparse takes as `type`.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import TypeVar

N = TypeVar("N", int, float)
_MILLIONTH = 1e-6
MOST_DAYS = 36_500
"""Of a key or an engine: a century, which dates can tell."""


def whole(least: int, most: float = math.inf) -> Callable[[str], int]:
    """A whole number from `least` to `most`."""
    wanted = f"a whole number {_range(least, most)}"
    return lambda text: _read(int, text, lambda n: least <= n <= most, wanted)


def amount(least: float, most: float = math.inf) -> Callable[[str], float]:
    """A number from `least` to `most`, infinity left out."""
    wanted = f"a number {_range(least, most)}"
    return lambda text: _read(
        float, text, lambda n: least <= n <= most and n < math.inf, wanted
    )


def share(text: str) -> float:
    """A number between 0 and 1, neither of which makes sense."""
    return _read(float, text, lambda n: 0 < n < 1, "a number between 0 and 1, like 0.5")


def in_millionths(text: str) -> float:
    """What a manifest can hold of a share: 0.000001 to 0.999999."""
    wanted = "a number from 0.000001 to 0.999999, like 0.5"
    return _read(float, text, lambda n: _MILLIONTH <= n <= 1 - _MILLIONTH, wanted)


def in_millionths_or_one(text: str) -> float:
    wanted = "a number from 0.000001 to 1, like 0.5"
    return _read(float, text, lambda n: _MILLIONTH <= n <= 1, wanted)


def above_zero(text: str) -> float:
    """A number above 0, infinity left out."""
    return _read(float, text, lambda n: 0 < n < math.inf, "a number above 0")


def _read(
    kind: Callable[[str], N], text: str, fits: Callable[[N], bool], wanted: str
) -> N:
    """Raises ArgumentTypeError, which argparse shows as it is."""
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not fits(value):
        raise argparse.ArgumentTypeError(f"{text!r}: give {wanted}")
    return value


def _range(least: float, most: float) -> str:
    return f"from {least:g} on" if most == math.inf else f"from {least:g} to {most:g}"
