"""What the card can do at most, measured: copying, multiplying, and our kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.inference.parity import images_apart, levels_apart, network_output
from inference_worker.engine.finding import Finder
from inference_worker.engine.gpu import open_gpu
from inference_worker.engine.preparing import Layer, Preparer
from inference_worker.engine.preprocess import LETTERBOX, plan

_ROUNDS = 50
_COPIES = 4  # more than the card's cache holds, so that memory is measured


def card_report() -> dict[str, Any]:
    """All that is said of the card and of our kernels on it, apart from a network."""
    most = card_ceilings()
    return {
        "ceilings": most,
        "kernel": {
            name: {"bytes_s": rate, "of_copy": rate / most["copy_bytes_s"]}
            for name, rate in kernel_bandwidth(32).items()
        },
        "finding_ms": {batch: finding_ms(batch) for batch in (1, 32)},
        "levels_apart": levels_apart(),
        "images_apart": images_apart(),
    }


def card_ceilings() -> dict[str, float]:
    """Bytes a second read and written by a copy on the card, floating-point operations
    a second of a float16 product, bytes a second up to the card.
    """
    source = torch.empty(2**30, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    sides = [torch.randn(8192, 8192, device="cuda").half() for _ in range(2)]
    host = torch.empty(2**28, dtype=torch.uint8, pin_memory=True)
    there = source[: 2**28]
    return {
        "copy_bytes_s": 2 * 2**30 / _seconds(lambda: target.copy_(source)),
        "product_flop_s": 2 * 8192**3 / _seconds(lambda: torch.mm(*sides)),
        "upload_bytes_s": 2**28
        / _seconds(lambda: there.copy_(host, non_blocking=True)),
    }


def _seconds(work: Callable[[], object]) -> float:
    """The median of several, by the card's own clock."""
    taken = []
    for turn in range(25):
        before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        before.record()
        work()
        after.record()
        torch.cuda.synchronize()
        if turn >= 5:
            taken.append(before.elapsed_time(after) / 1000)
    return float(np.median(taken))


KINDS = {
    "as it is, 640 x 640": ((640, 640), 640),
    "bilinear, 1000 x 700 to 640": ((700, 1000), 640),
    "bilinear, 1920 x 1080 to 1024": ((1080, 1920), 1024),
    "by area, 1920 x 1080 to 640": ((1080, 1920), 640),
}


def kernel_bandwidth(batch: int) -> dict[str, float]:
    """Bytes a second of the preparing kernel in float16: photos read and planes written
    once each, for each of KINDS on square canvases.
    """
    return {name: _kernel(*kind, batch) for name, kind in KINDS.items()}


def _kernel(photo: tuple[int, int], side: int, batch: int) -> float:
    card = open_gpu()
    canvas = (side, side)
    geometry = plan(*photo, (side,), 32, LETTERBOX, canvas)
    noise = np.random.default_rng(0).integers(0, 256, (*photo, 3), np.uint8)
    layers = [Layer(noise, geometry)] * batch
    written = batch * 3 * side * side * 2
    with card.active():
        stream = card.stream()
        preparers = [Preparer(card, half=True) for _ in range(_COPIES)]
        targets = [card.alloc(written) for _ in range(_COPIES)]
        for preparer, target in zip(preparers, targets, strict=True):
            preparer.prepare(layers, target, canvas, stream)
        stream.synchronize()
        before, after = card.event(), card.event()
        before.record(stream)
        for turn in range(_ROUNDS):
            i = turn % _COPIES
            preparers[i].launch(batch, targets[i], canvas, stream)
        after.record(stream)
        stream.synchronize()
        seconds = after.milliseconds_since(before) / 1000 / _ROUNDS
        for one in (*preparers, *targets):
            one.close() if isinstance(one, Preparer) else one.free()
    return (batch * noise.nbytes + written) / seconds


def finding_ms(batch: int) -> dict[str, float]:
    """Milliseconds from a network's output on the card to its boxes on the host, by the
    share of anchors that reach the threshold: as on a usual photo, and in a crowd.
    """
    return {f"{share:.1%} of 8400": _finding(share, batch) for share in (0.002, 0.4)}


def _finding(share: float, batch: int) -> float:
    card = open_gpu()
    preds = network_output(np.random.default_rng(0), batch, share)
    with card.active():
        stream, finder = card.stream(), Finder(card, batch)
        output = card.alloc(preds.nbytes)
        card.upload(output, preds, stream)
        before, after = card.event(), card.event()
        taken = []
        for _ in range(_ROUNDS):
            before.record(stream)
            finder.queue(output, preds.shape, 0.3, 0.5, stream)
            after.record(stream)
            stream.synchronize()
            taken.append(after.milliseconds_since(before))
        finder.close()
        output.free()
    return float(np.median(taken))
