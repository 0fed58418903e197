"""From JPEG bytes to final boxes, ours beside PyTorch: one process, one table.

    python -m benchmarks.inference.run --device cuda --json FILE
    python -m benchmarks.inference.run --device cpu --batches 1 8 --sizes 640

The calls of all contestants go in turn, so that whatever else the machine does hits
all of them; `ahead` is the throughput of ours when the next batch is decoded meanwhile,
as a worker does. Each has a thread pool of the same size for its decoding. A contestant
whose package is missing is named and left out. On a card the measured ceilings and the
floor that they imply stand in the same table.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.inference.ours import Ours, differing
from inference_worker.engine.api import load_folder
from inference_worker.engine.backends.cuda import CudaBackend
from inference_worker.engine.errors import EngineError
from inference_worker.engine.store import MODEL, open_folder
from traceability.demo.boards import draw_sample

Contestant = Callable[[Sequence[bytes]], list[np.ndarray]]

BASELINE = "PyTorch eager f32"
QUALITY = 90
WARM_UP = 3


def jpegs(size: int, count: int) -> list[bytes]:
    """Drawn boards with planted defects, as a camera would send them."""
    drawn = []
    for seed in range(count):
        image = draw_sample(np.random.default_rng(seed), size).image
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
        drawn.append(data.tobytes())
    return drawn


def on_card(args: argparse.Namespace, pool: ThreadPoolExecutor) -> dict[str, Any]:
    version = open_folder(args.model)
    model, manifest = version.read(MODEL), version.manifest
    from benchmarks.inference.torch_side import TorchSide

    side = partial(TorchSide, model, manifest, "cuda", pool)

    def cuda(precision: str) -> Ours:
        runner = CudaBackend(manifest, model, precision=precision)
        return Ours(runner, pool)

    def session() -> Ours:
        return Ours(load_folder(args.model, backend="onnxruntime").runner, pool)

    makers: dict[str, Callable[[], Contestant]] = {
        BASELINE: side,
        "ONNX Runtime CUDA f32": session,
        "ours, CUDA f32": partial(cuda, "f32"),
        "ours, CUDA f16": partial(cuda, "f16"),
    }
    if args.compiled:
        makers["PyTorch compiled f16"] = partial(side, half=True, compiled=True)
    return makers


def on_processor(args: argparse.Namespace, pool: ThreadPoolExecutor) -> dict[str, Any]:
    version = open_folder(args.model)
    from benchmarks.inference.torch_side import TorchSide

    def openvino(precision: str) -> Ours:
        found = load_folder(args.model, threads=args.threads, precision=precision)
        return Ours(found.runner, pool)

    side = partial(TorchSide, version.read(MODEL), version.manifest, "cpu", pool)
    return {
        BASELINE: side,
        "ours, OpenVINO f32": partial(openvino, "f32"),
        "ours, OpenVINO int8": partial(openvino, "int8"),
    }


def opened(makers: dict[str, Callable[[], Contestant]]) -> dict[str, Contestant]:
    ready = {}
    for name, make in makers.items():
        try:
            ready[name] = make()
        except (EngineError, ImportError, KeyError) as error:
            print(f"left out: {name}: {error}", flush=True)
    return ready


def measured(
    contestants: dict[str, Contestant], photos: Sequence[bytes], seconds: float
) -> list[dict[str, Any]]:
    """A row a contestant: milliseconds a call, and the boxes that differ from the
    baseline's.
    """
    wanted = contestants[BASELINE](photos)
    apart = {name: differing(one(photos), wanted) for name, one in contestants.items()}
    forget(contestants)
    times: dict[str, list[float]] = {name: [] for name in contestants}
    turn, end = 0, None
    while end is None or time.perf_counter() < end or turn < WARM_UP + 5:
        if turn == WARM_UP:
            end = time.perf_counter() + seconds * len(contestants)
        for name, look in contestants.items():
            began = time.perf_counter()
            look(photos)
            if turn >= WARM_UP:
                times[name].append(1000 * (time.perf_counter() - began))
        turn += 1
    base = np.array(times[BASELINE])
    return [
        {
            "name": name,
            "ms": round(float(np.median(taken)), 3),
            "p99_ms": round(float(np.percentile(taken, 99)), 3),
            "calls": len(taken),
            "images_s": round(1000 * len(photos) / float(np.median(taken)), 1),
            "times_faster": round(float(np.median(base / np.array(taken))), 2),
            "ahead_images_s": ahead(contestants[name], photos, float(np.median(taken))),
            "boxes": sum(map(len, wanted)),
            "boxes_apart": apart[name],
            "stages_ms": stages_ms(contestants[name]),
        }
        for name, taken in times.items()
    ]


def stages_ms(contestant: Contestant) -> dict[str, float]:
    return contestant.stages_ms() if isinstance(contestant, Ours) else {}


def ahead(contestant: Contestant, photos: Sequence[bytes], ms: float) -> float | None:
    """Throughput with decoding ahead: what only ours can be asked for."""
    if not isinstance(contestant, Ours):
        return None
    calls = max(5, min(100, int(1500 / ms)))
    return round(contestant.ahead(photos, calls), 1)


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
        f" ({row['ahead_images_s'] or '-'} ahead)"
        f" {row['times_faster']:>6.2f} x {row['boxes_apart']}/{row['boxes']}"
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
