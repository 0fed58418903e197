"""What we offer, JPEG bytes to boxes: strict decoding, and then the engine's door."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from inference_worker.engine.backends.base import Backend
from inference_worker.engine.backends.device import DeviceBackend
from inference_worker.engine.decode import decode
from inference_worker.engine.types import Detections


class Ours:
    """`stages` gathers the seconds of each call: `decode`, `infer`, and of `infer` what
    the host does before (`send`, on a card) and after the network (`find`).
    """

    def __init__(self, runner: Backend, pool: ThreadPoolExecutor) -> None:
        self.runner, self.pool = runner, pool
        self.stages: dict[str, list[float]] = defaultdict(list)
        self._read = self._timed("decode", self.read)
        self._look = self._timed("infer", runner.infer)
        runner.post_process = self._timed("find", runner.post_process)
        if isinstance(runner, DeviceBackend):
            sender = runner._preparer
            sender.prepare = self._timed("send", sender.prepare)
            finder = runner._finder
            finder.found = self._timed("find", finder.found)

    def __call__(self, jpegs: Sequence[bytes]) -> list[np.ndarray]:
        return [_rows(one) for one in self._look(self._read(jpegs))]

    def read(self, jpegs: Sequence[bytes]) -> list[np.ndarray]:
        read = self.pool.map if len(jpegs) > 1 else map
        return list(read(partial(decode, room=self.runner.room), jpegs))

    def look(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [_rows(one) for one in self.runner.infer(images)]

    def stages_ms(self) -> dict[str, float]:
        """Medians since the last time."""
        medians = {
            name: round(1000 * float(np.median(taken)), 3)
            for name, taken in self.stages.items()
        }
        self.stages.clear()
        return medians

    def _timed(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*args: Any, **options: Any) -> Any:
            began = time.perf_counter()
            done = work(*args, **options)
            self.stages[name].append(time.perf_counter() - began)
            return done

        return measured


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
