"""What a file promises of its input, held against what it does.

Batch, height and width may be declared free by an exporter whose graph was traced for
one of each, so that everything else fails or, worse, gives other boxes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from inference_worker.engine.types import FloatArray
from inference_worker.importing.agreement import agreement
from inference_worker.importing.dense import GRIDS
from inference_worker.importing.family import cells_of
from inference_worker.importing.judging import Judged
from inference_worker.importing.layout import Canvas, Layout
from inference_worker.importing.runtimes import Run

_FEWER = 0.2
_MARGIN = 0.1


def narrowed(layout: Layout, judged: Judged) -> tuple[Layout, list[str]]:
    """What every backend can do of it, and a sentence for each thing that is less."""
    remarks, runs = [], judged.runs
    for name, run in runs.given.items():
        if name in judged.wrong:
            continue
        why = alone_only(run)
        if why and layout.batch is None:
            layout = replace(layout, batch=1)
            remarks.append(
                "the file says that it takes several images a call, but on"
                f" {name} {why}: it gets one a call"
            )
        why = one_canvas(run, runs.canvas)
        if why and layout.canvas is None:
            layout = replace(layout, canvas=runs.canvas)
            remarks.append(
                f"the file says that it takes images of any size, but on {name} {why}:"
                f" it gets {runs.canvas[0]}x{runs.canvas[1]} only"
            )
    return layout, remarks


def fixed(layout: Layout, canvas: Canvas) -> Layout:
    """Nothing left free."""
    return replace(layout, batch=1, canvas=canvas)


def alone_only(run: Run) -> str | None:
    """Why images may not share a call; None where they may."""
    preds, alone = run.together, run.alone
    if preds is None:
        return None
    if isinstance(preds, str):
        return f"a call with {len(alone)} fails ({preds})"
    wanted = (len(alone), *alone[0].shape[1:])
    if preds.shape != wanted:
        return f"a call with {len(alone)} gives {preds.shape} and not {wanted}"
    told = agreement([preds[i : i + 1] for i in range(len(alone))], alone)
    if not told.tells:
        return f"nobody can tell that images leave each other alone: {told}"
    return None if told.good else f"images change each other's boxes ({told})"


def one_canvas(run: Run, canvas: Canvas) -> str | None:
    """Why no other canvas may be taken; None where smaller ones do as well."""
    whole = run.alone[0]
    for size, preds in run.smaller.items():
        why = _worse(whole, canvas, preds, size)
        if why is not None:
            return f"{size[0]}x{size[1]} {why}"
    return None


def _worse(
    whole: FloatArray, canvas: Canvas, preds: FloatArray | str, size: Canvas
) -> str | None:
    if isinstance(preds, str):
        return f"fails ({preds})"
    if preds.shape[::2] != whole.shape[::2] or not np.isfinite(preds).all():
        return f"gives {preds.shape} where {canvas[0]}x{canvas[1]} gives {whole.shape}"
    grids = [one for one in GRIDS if whole.shape[1] == cells_of(canvas, one)]
    for strides in grids:
        if preds.shape[1] != cells_of(size, strides):
            return f"gives {preds.shape[1]} boxes for {cells_of(size, strides)} places"
    if _shares_on(preds, size) < _shares_on(whole, canvas) - _FEWER:
        return "gives boxes that lie off the picture"
    for strides in grids:
        before = _held(whole, canvas, strides)
        if _held(preds, size, strides) < before - _FEWER:
            return "gives boxes that lie elsewhere than their places"
    return None


def _shares_on(preds: FloatArray, canvas: Canvas) -> float:
    """How many of the boxes have their middle on the canvas, or hardly off it."""
    middles = (preds[0, :, :2] + preds[0, :, 2:4]) / 2
    height, width = canvas
    sides = np.array([width, height])
    inside = (middles >= -_MARGIN * sides) & (middles <= (1 + _MARGIN) * sides)
    return float(inside.all(axis=1).mean()) if len(middles) else 0.0


def _held(preds: FloatArray, canvas: Canvas, strides: tuple[int, ...]) -> float:
    """How many of the boxes hold the middle of the place that they are given for: of a
    head that predicts distances to four sides, nearly all.
    """
    places = np.concatenate([_middles(canvas, stride) for stride in strides])
    box = preds[0, :, :4]
    held = (box[:, :2] <= places) & (places <= box[:, 2:])
    return float(held.all(axis=1).mean())


def _middles(canvas: Canvas, stride: int) -> FloatArray:
    """(places, 2) x and y, row by row."""
    rows, columns = (-(-side // stride) for side in canvas)
    y, x = np.mgrid[:rows, :columns]
    places: FloatArray = ((np.stack([x.ravel(), y.ravel()], 1) + 0.5) * stride).astype(
        np.float32
    )
    return places
