"""From JPEG bytes to final boxes, ours beside PyTorch: one process, one table.

    python -m benchmarks.inference.run --device cuda --json FILE
    python -m benchmarks.inference.run --device cpu --batches 1 8 --sizes 640

Contestants take turns of some calls each, so that whatever else the machine does hits
all of them; the first call of a turn, which finds caches that another one filled, does
not count. `ahead` is the throughput when the next batch is decoded meanwhile, as a
worker does. Each has a thread pool of the same size for its decoding. A contestant
whose package is missing is named and left out. On a card the measured ceilings and the
floor that they imply stand in the same table.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.inference.contestants import (
    BASELINE,
    Contestant,
    jpegs,
    on_card,
    on_processor,
    opened,
)
from benchmarks.inference.ours import Ours, differing
from inference_worker.engine.store import MODEL, open_folder

WARM_UP = 3
TURN, FEWEST = 8, 24


def measured(
    contestants: dict[str, Contestant], photos: Sequence[bytes], seconds: float
) -> list[dict[str, Any]]:
    """A row a contestant: milliseconds a call, and the boxes that differ from the
    baseline's.
    """
    wanted = contestants[BASELINE](photos)
    apart = {name: differing(one(photos), wanted) for name, one in contestants.items()}
    for look in contestants.values():
        for _ in range(WARM_UP):
            look(photos)
    forget(contestants)
    times: dict[str, list[float]] = {name: [] for name in contestants}
    end = time.perf_counter() + seconds * len(contestants)
    while time.perf_counter() < end or len(times[BASELINE]) < FEWEST:
        for name, look in contestants.items():
            times[name] += turn(look, photos)
    base = np.array(times[BASELINE])
    further = {
        name: ahead(look, photos, float(np.median(times[name])))
        for name, look in contestants.items()
    }
    return [
        {
            "name": name,
            "ms": round(float(np.median(taken)), 3),
            "p99_ms": round(float(np.percentile(taken, 99)), 3),
            "calls": len(taken),
            "images_s": round(1000 * len(photos) / float(np.median(taken)), 1),
            "times_faster": round(float(np.median(base / np.array(taken))), 2),
            "ahead_images_s": further[name],
            "times_throughput": round(further[name] / further[BASELINE], 2),
            "boxes": sum(map(len, wanted)),
            "boxes_apart": apart[name],
            "stages_ms": stages_ms(contestants[name]),
        }
        for name, taken in times.items()
    ]


def turn(look: Contestant, photos: Sequence[bytes]) -> list[float]:
    """Milliseconds of each call of a turn but the first."""
    taken = []
    for _ in range(1 + TURN):
        began = time.perf_counter()
        look(photos)
        taken.append(1000 * (time.perf_counter() - began))
    return taken[1:]


def stages_ms(contestant: Contestant) -> dict[str, float]:
    return contestant.stages_ms() if isinstance(contestant, Ours) else {}


def ahead(contestant: Contestant, photos: Sequence[bytes], ms: float) -> float:
    """Images a second when the next batch is read while one is looked at, as a worker
    does: its threads decode, one thread owns the device.
    """
    calls = max(5, min(100, int(1500 / ms)))
    with ThreadPoolExecutor(1) as reader:
        began = time.perf_counter()
        coming = reader.submit(contestant.read, photos)
        for _ in range(calls):
            images = coming.result()
            coming = reader.submit(contestant.read, photos)
            contestant.look(images)
            del images  # its memory is wanted for the next
        seconds = time.perf_counter() - began
    return round(calls * len(photos) / seconds, 1)


def forget(contestants: dict[str, Contestant]) -> None:
    """The first calls open what the others use."""
    for one in contestants.values():
        stages_ms(one)


def floors(model: Path, size: int, batch: int, most: dict[str, float]) -> float:
    """Milliseconds that the card needs at least for the network, by its ceilings."""
    from benchmarks.inference.torch_side import network_of, work

    version = open_folder(model)
    network = network_of(version.read(MODEL), version.manifest)
    operations, moved = work(network, size)
    computing = operations / most["product_flop_s"]
    moving = moved / most["copy_bytes_s"]
    return 1000 * batch * max(computing, moving)


def settings(args: argparse.Namespace) -> None:
    """What makes the baseline fair, for the whole process."""
    import torch

    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = args.tf32
    torch.backends.cuda.matmul.allow_tf32 = args.tf32
    if args.threads:
        torch.set_num_threads(args.threads)


def machine(device: str) -> dict[str, Any]:
    import torch

    about: dict[str, Any] = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "torch": torch.__version__,
    }
    if device == "cuda":
        about["card"] = torch.cuda.get_device_name()
        about["cuda"] = torch.version.cuda
    return about


def show(row: dict[str, Any]) -> None:
    floor = f" floor {row['floor_ms']:.3f}" if "floor_ms" in row else ""
    print(
        f"{row['size']:>5} x{row['batch']:<3} {row['name']:<24} {row['ms']:>9.2f} ms"
        f" p99 {row['p99_ms']:>9.2f} {row['images_s']:>8.1f}/s"
        f" {row['times_faster']:>6.2f} x, ahead {row['ahead_images_s']:>7.1f}/s"
        f" {row['times_throughput']:>5.2f} x {row['boxes_apart']}/{row['boxes']}"
        f" apart{floor} {row['stages_ms'] or ''}",
        flush=True,
    )


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cpu")
    parser.add_argument("--model", type=Path, default=Path("engines/pcb-defects/3"))
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 640, 1024])
    parser.add_argument("--seconds", type=float, default=3, help="for each row")
    parser.add_argument("--threads", type=int, help="of each runtime, on the processor")
    parser.add_argument("--pool", type=int, default=os.cpu_count(), help="decoders")
    parser.add_argument("--compiled", action="store_true", help="torch.compile, f16")
    parser.add_argument(
        "--tf32", action="store_true", help="let the baseline round to 10 bits"
    )
    parser.add_argument("--json", type=Path, help="write the figures there")
    return parser.parse_args()


def main() -> None:
    args = parsed()
    settings(args)
    report: dict[str, Any] = {
        "machine": machine(args.device),
        "tf32": args.tf32,
        "model": str(args.model),
        "rows": [],
    }
    if args.device == "cuda":
        from benchmarks.inference.ceilings import card_report

        report |= card_report()
        print(json.dumps(report, indent=1), flush=True)
    with ThreadPoolExecutor(args.pool) as pool:
        makers = (on_card if args.device == "cuda" else on_processor)(args, pool)
        contestants = opened(makers)
        for size in args.sizes:
            for batch in args.batches:
                for row in measured(contestants, jpegs(size, batch), args.seconds):
                    row |= {"size": size, "batch": batch}
                    if args.device == "cuda":
                        floor = floors(args.model, size, batch, report["ceilings"])
                        row["floor_ms"] = round(floor, 4)
                    report["rows"].append(row)
                    show(row)
                if args.json:
                    args.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
