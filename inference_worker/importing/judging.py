"""What the runs of several backends say of a network: is it one, and do they agree?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from inference_worker.engine.manifest import Manifest
from inference_worker.engine.types import FloatArray
from inference_worker.importing.agreement import Agreement, agreement, lost
from inference_worker.importing.errors import ImportRefused
from inference_worker.importing.layout import Canvas
from inference_worker.importing.runtimes import Run, Runs

Preds = Sequence[FloatArray]

_OUTSIDE = 0.01
_FAR = 20
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Judged:
    """By the name of a backend: `compared` is how much it agrees with the reference,
    `wrong` why it must not run the network, a sentence.
    """

    runs: Runs
    compared: Mapping[str, Agreement]
    wrong: Mapping[str, str]

    @property
    def trouble(self) -> tuple[int, int]:
        """Backends that cannot run it or must not, and those that do and differ."""
        differ = sum(not told.good for told in self.compared.values())
        return len(self.runs.refused) + len(self.wrong), differ


def judge(manifest: Manifest, runs: Runs) -> Judged:
    """ImportRefused when what the reference gives is no detector's."""
    reference, columns = runs.given[runs.reference].alone, 4 + len(manifest.classes)
    _check_run(runs.given[runs.reference], columns, runs.canvas)
    compared, wrong = {}, {}
    for name, run in runs.given.items():
        if name == runs.reference:
            continue
        try:
            _check_run(run, columns, runs.canvas)
            _check_finds(manifest, {runs.reference: reference, name: run.alone})
            compared[name] = agreement(reference, run.alone)
        except ImportRefused as error:
            wrong[name] = f"{runs.reference} runs it well, but on {name} {error}"
    return Judged(runs, compared, wrong)


def _check_run(run: Run, wanted: int, canvas: Canvas) -> None:
    """Where boxes lie that no picture holds is nobody's business."""
    check_preds(run.alone, wanted, canvas)
    for preds in run.plain:
        _check_numbers(preds, wanted)


def _check_numbers(preds: FloatArray, wanted: int) -> None:
    if preds.ndim != 3 or preds.shape[::2] != (1, wanted):
        raise ImportRefused(
            f"the network gives {preds.shape}, expected (1, ., {wanted})"
        )
    if not np.isfinite(preds).all():
        raise ImportRefused("the network gives NaN or infinity for a plain picture")


def check_preds(several: Preds, wanted: int, canvas: Canvas) -> None:
    """ImportRefused for what cannot be boxes and scores in `wanted` columns."""
    for preds in several:
        _check_numbers(preds, wanted)
        low, high = preds[..., 4:].min(initial=0.0), preds[..., 4:].max(initial=0.0)
        if low < -_OUTSIDE or high > 1 + _OUTSIDE:
            raise ImportRefused(
                "its scores do not lie in 0 to 1: it is of another family"
            )
        if np.abs(preds[..., :4]).max(initial=0.0) > _FAR * max(canvas):
            raise ImportRefused(
                "its boxes lie far off the picture: it is of another family"
            )


def _check_finds(manifest: Manifest, two: Mapping[str, Preds]) -> None:
    """ImportRefused when half of what one finds the other does not."""
    how = manifest.threshold, manifest.nms_iou
    for one, other in permutations(two):
        found, missing = lost(two[one], two[other], *how)
        if missing and missing >= _HALF * found:
            raise ImportRefused(
                f"other things are found: of {found} boxes that {one} finds on drawn"
                f" pictures from score {manifest.threshold:.2f}, {other} does not find"
                f" {missing}"
            )
