"""A converted network is tried on every backend, until what it promises is true."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from inference_worker.engine.backends.registry import ON_PROCESSOR
from inference_worker.engine.manifest import Manifest
from inference_worker.importing.agreement import Agreement
from inference_worker.importing.conversion import Converted
from inference_worker.importing.errors import ImportRefused
from inference_worker.importing.judging import Judged, judge
from inference_worker.importing.narrowing import fixed, narrowed
from inference_worker.importing.runtimes import try_backends

log = logging.getLogger(__name__)

_WRONG = (
    "Nothing was written, since a line would be given the wrong boxes without a word."
    " Export it again: in float32, simplified (onnxslim or onnxsim), or with another"
    " opset."
)

Draft = Callable[[Converted], Manifest]


@dataclass(frozen=True, slots=True)
class Settled:
    """What is written, and what the card says of the backends: `refused` by name why,
    `compared` with the `reference` by name how much they agree, `remarks` on what
    the file promised and does not do, and `absent` the backends that are not here.
    """

    made: Converted
    reference: str
    refused: Mapping[str, str]
    compared: Mapping[str, Agreement]
    remarks: Sequence[str]
    absent: Sequence[str]

    @property
    def first(self) -> str:
        """The backend that is taken where nobody names one, or else the next."""
        without = {*self.refused, *self.absent}
        return next(name for name in ON_PROCESSOR if name not in without)


def settle(made: Converted, draft: Draft) -> Settled:
    """Raises ImportRefused when no backend runs it, its output is no detector's or two
    backends find other things; ModelRefused when one takes too long over it.
    """
    made, judged, remarks = _narrowed(made, draft)
    for why in judged.wrong.values():
        raise ImportRefused(why, _WRONG)
    _say(judged, remarks)
    runs = judged.runs
    compared = judged.compared
    return Settled(made, runs.reference, runs.refused, compared, remarks, runs.absent)


def _say(judged: Judged, remarks: Sequence[str]) -> None:
    reference = judged.runs.reference
    for remark in remarks:
        log.warning("%s", remark)
    for name, why in judged.runs.refused.items():
        log.warning("%s cannot run it: %s", name, why)
    for name in judged.runs.absent:
        log.warning("%s is not installed here: it was not tried on it", name)
    for name, told in judged.compared.items():
        if not told.tells:
            log.warning(
                "whether %s and %s agree is not known: %s", reference, name, told
            )
        elif not told.good:
            log.warning("%s and %s differ: %s", reference, name, told)


def _narrowed(made: Converted, draft: Draft) -> tuple[Converted, Judged, list[str]]:
    """What is written was tried as it is."""
    remarks: list[str] = []
    while True:
        judged = _tried(made, draft)
        layout, more = narrowed(made.layout, judged)
        if not more:
            break
        remarks += more
        made = made.laid_out(layout)
    canvas = judged.runs.canvas
    layout = fixed(made.layout, canvas)
    if judged.trouble == (0, 0) or layout == made.layout:
        return made, judged, remarks
    # A backend may be wrong about what is free and right about what is not.
    other = made.laid_out(layout)
    again = _tried(other, draft)
    if again.trouble >= judged.trouble:
        return made, judged, remarks
    remarks.append(
        "the backends agree only where size and number of images are fixed: it gets"
        f" {canvas[0]}x{canvas[1]} only, one image a call"
    )
    return other, again, remarks


def _tried(made: Converted, draft: Draft) -> Judged:
    limits, manifest = made.source.limits, draft(made)
    log.info("trying it on every backend, for %g s at most", limits.seconds)
    return judge(manifest, try_backends(manifest, made.model, limits))
