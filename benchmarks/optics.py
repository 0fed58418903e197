"""What a station's optics cost on the CPU: `python -m benchmarks.optics`."""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np

from inference_worker.engine.optics import Optics, as_taken, correct, maps
from inference_worker.engine.types import Detections

SIZES = ((640, 640), (1200, 1600), (3000, 4000))
LENS = (-0.25, 0.08, 0.001, -0.0005, 0.01)
RUNS = 20


def milliseconds(work: Callable[[], object], runs: int = RUNS) -> float:
    """CPU time of this thread, the median."""
    took = []
    for _ in range(runs):
        begun = time.thread_time()
        work()
        took.append(1000 * (time.thread_time() - begun))
    return float(np.median(took))


def main() -> None:
    cv2.setNumThreads(1)
    draw = np.random.default_rng(0)
    for height, width in SIZES:
        photo = draw.integers(0, 256, (height, width, 3), dtype=np.uint8)
        camera = (0.9 * width, 0.9 * width, width / 2, height / 2)
        lens = Optics((height, width), camera, LENS)
        noise = Optics((height, width), denoise=100)
        boxes = draw.uniform(0, height, (300, 4))
        found = Detections.of(boxes, np.ones(300), np.zeros(300))
        once = milliseconds(lambda: maps(lens), runs=1)  # noqa: B023
        told = {
            "lens": milliseconds(lambda: correct(photo, lens)),  # noqa: B023
            "denoise": milliseconds(lambda: correct(photo, noise)),  # noqa: B023
            "maps, once": once,
            "300 boxes back": milliseconds(lambda: as_taken(found, lens)),  # noqa: B023
        }
        print(f"{width} x {height}", {name: round(ms, 1) for name, ms in told.items()})


if __name__ == "__main__":
    main()
