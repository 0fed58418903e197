"""How much faster int8 is than float on this CPU: paired runs, one process.

    python -m benchmarks.quantise.speed --model engines/pcb-defects/3 [--threads 2]

The network alone, batch 1, 640 x 640; one call of each in turn, so that whatever else
the machine does hits all of them. Prints the median time of each and the median of the
paired ratios to f32.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from inference_worker.commands.models import open_version
from inference_worker.engine.api import Detector, load_version
from traceability.demo.boards import draw_sample

PRECISIONS = ("f32", "bf16", "int8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--backend", default="openvino")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=60)
    args = parser.parse_args()
    version = open_version(args.model)
    kinds = PRECISIONS if args.backend == "openvino" else ("f32", "int8")
    loaded = {
        kind: load_version(
            version, backend=args.backend, threads=args.threads, precision=kind
        )
        for kind in kinds
    }
    times = measured(loaded, args.rounds)
    for kind, taken in times.items():
        ratio = float(np.median(times["f32"] / taken))
        print(f"{kind}: {1000 * float(np.median(taken)):.1f} ms, {ratio:.2f} x f32")


def measured(loaded: dict[str, Detector], rounds: int) -> dict[str, np.ndarray]:
    """Seconds of each call, (rounds,) for each precision."""
    board = draw_sample(np.random.default_rng(0), 640).image[None]
    times: dict[str, list[float]] = {kind: [] for kind in loaded}
    for turn in range(-3, rounds):
        for kind, detector in loaded.items():
            began = time.perf_counter()
            detector.runner.forward(board)
            if turn >= 0:
                times[kind].append(time.perf_counter() - began)
    return {kind: np.array(taken) for kind, taken in times.items()}


if __name__ == "__main__":
    main()
