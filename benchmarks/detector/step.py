"""Where the time of a training step goes, on whatever device there is.

    python -m benchmarks.detector.step [--batches 16,64] [--sizes 640] [--kernels 20]

For each batch and size: milliseconds of a step as training makes it (on a GPU a
replayed CUDA graph) and of its parts without a graph; then the kernels that took
longest. Random pictures, random boxes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from inference_worker.training.assign import assign
from inference_worker.training.augment import Batch, vary
from inference_worker.training.boxes import Targets
from inference_worker.training.checkpoint import State
from inference_worker.training.loop import lay_out
from inference_worker.training.losses import detection_loss
from inference_worker.training.network import QualityNet
from inference_worker.training.stepping import Stepper, optimiser_for
from inference_worker.training.strength import Strength
from inference_worker.training.validate import network_input

_CLASSES, _BOXES, _WARM = 6, 40, 6


def main() -> None:
    args = _arguments()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for size in args.sizes:
        for count in args.batches:
            bench = Bench(device, count, size, args.repeat)
            print(f"batch {count}, {size} px, {bench.step():.1f} ms a step")
            for name, spent in bench.parts().items():
                print(f"  {name:<12} {spent:8.2f} ms")
    if args.kernels:
        print(bench.kernels(args.kernels))


class Bench:
    """A network and a batch, measured over `repeat` steps."""

    def __init__(self, device: torch.device, count: int, size: int, repeat: int):
        self.device, self.repeat = device, repeat
        network = QualityNet(_CLASSES, 3).to(device)
        lay_out(network, device)
        recipe: Any = argparse.Namespace(learning_rate=1e-3)
        self.state = State.fresh(network, optimiser_for(network, recipe), 10_000)
        self.stepper = Stepper(self.state)
        self.batch = _batch(device, count, size)
        network.train()

    def step(self) -> float:
        """Milliseconds of a whole step."""
        return self._timed(lambda: self.stepper.step(self.batch, 1e-3, Strength()))

    def parts(self) -> dict[str, float]:
        """Milliseconds of each part, without a graph."""
        network, batch = self.state.network, self.batch
        inputs = network_input(batch, 3)

        def raw() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
            bf16 = self.device.type == "cuda"
            with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
                return network.raw(inputs)

        def both() -> None:
            self.state.optimiser.zero_grad(set_to_none=True)
            logits, boxes, points = raw()
            with torch.no_grad():
                target = assign(logits.float().sigmoid(), boxes, points, batch.targets)
            torch.autograd.backward(
                detection_loss(logits.float(), boxes, target, batch.targets.known)
            )

        with torch.no_grad():
            logits, boxes, points = raw()
        scores = logits.float().sigmoid()
        share = torch.tensor(0.1, device=self.device)
        return {
            "views": self._timed(lambda: vary(batch, Strength())),
            "forward": self._timed(raw),
            "assign": self._timed(lambda: assign(scores, boxes, points, batch.targets)),
            "all but views": self._timed(both),
            "AdamW": self._timed(self.state.optimiser.step),
            "average": self._timed(lambda: self.state.average.move(network, share)),
        }

    def kernels(self, most: int) -> str:
        """A table of what the device did in one step."""
        kinds = [ProfilerActivity.CPU]
        kinds += [ProfilerActivity.CUDA] if self.device.type == "cuda" else []
        with profile(activities=kinds) as seen:
            self.stepper.step(self.batch, 1e-3, Strength())
            self._wait()
        key = f"self_{self.device.type}_time_total"
        return str(seen.key_averages().table(sort_by=key, row_limit=most))

    def _timed(self, work: Callable[[], object]) -> float:
        for _ in range(_WARM):
            work()
        self._wait()
        began = time.perf_counter()
        for _ in range(self.repeat):
            work()
        self._wait()
        return (time.perf_counter() - began) / self.repeat * 1e3

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def _batch(device: torch.device, count: int, size: int) -> Batch:
    """Random pictures with a few boxes of 30 pixels each."""
    corners = torch.rand(count, _BOXES, 2) * (size - 30)
    labels = torch.randint(0, _CLASSES, (count, _BOXES))
    labels[:, 8:] = -1
    targets = Targets(
        torch.cat([corners, corners + 30], -1).to(device),
        labels.to(device),
        torch.ones(count, _CLASSES, dtype=torch.bool, device=device),
    )
    return Batch(torch.rand(count, 3, size, size, device=device), None, targets)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.detector.step")
    parser.add_argument("--batches", type=_numbers, default=[16, 64])
    parser.add_argument("--sizes", type=_numbers, default=[640])
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--kernels", type=int, default=20)
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


if __name__ == "__main__":
    main()
