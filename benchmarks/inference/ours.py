"""What we offer, JPEG bytes to boxes: strict decoding, and then the engine's door."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from inference_worker.engine.backends.base import Backend
from inference_worker.engine.decode import decode
from inference_worker.engine.types import Detections


class Ours:
    def __init__(self, runner: Backend, pool: ThreadPoolExecutor) -> None:
        self.runner, self.pool = runner, pool

    def __call__(self, jpegs: Sequence[bytes]) -> list[np.ndarray]:
        found = self.runner.infer(list(self.pool.map(decode, jpegs)))
        return [_rows(one) for one in found]


def _rows(found: Detections) -> np.ndarray:
    classes = found.class_ids[:, None]
    return np.hstack([found.boxes, found.scores[:, None], classes])


def differing(mine: Sequence[np.ndarray], theirs: Sequence[np.ndarray]) -> int:
    """Boxes of either that the other does not have, at IoU 0.5 and the same class."""
    pairs = zip(mine, theirs, strict=True)
    return sum(_alone(a, b) + _alone(b, a) for a, b in pairs)


def _alone(some: np.ndarray, others: np.ndarray) -> int:
    return sum(not any(_same(one, other) for other in others) for one in some)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:4], other[2:4])
    shared = np.prod(np.clip(high - low, 0, None))
    areas = [np.prod(row[2:4] - row[:2]) for row in (one, other)]
    return bool(one[5] == other[5] and shared > 0.5 * (sum(areas) - shared))
