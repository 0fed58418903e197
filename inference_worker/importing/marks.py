"""Where scores are cut and doubles dropped, and who chose that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from inference_worker.engine.notes import MARKS, MARKS_NOTE
from inference_worker.importing.errors import ImportRefused
from inference_worker.importing.family import Family

GIVEN = "given with --threshold"
USUAL = "the usual one of its family"
NOTED = "noted in the file when it was imported before"
MEASURED = "chosen on labelled photos"
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Marks:
    """A score and an IoU, and of each the words for the card that say whose it is."""

    threshold: float
    nms_iou: float
    threshold_by: str = USUAL
    nms_by: str = USUAL

    def given(self, threshold: float | None, nms_iou: float | None) -> Marks:
        """With what the user wants instead."""
        made = self
        if threshold is not None:
            made = replace(made, threshold=threshold, threshold_by=GIVEN)
        if nms_iou is not None:
            made = replace(made, nms_iou=nms_iou, nms_by="given with --iou")
        return made

    def measured(self, threshold: float) -> Marks:
        """With the best on labelled photos."""
        return replace(self, threshold=threshold, threshold_by=MEASURED)

    def noted(self) -> str:
        """For the new file, should it be imported once more."""
        values = (round(one * _MILLION) for one in (self.threshold, self.nms_iou))
        return json.dumps(dict(zip(MARKS, values, strict=True)))


def marks_of(family: Family, metadata: Mapping[str, str]) -> Marks:
    """What the file notes, of those that were imported before, or the family's.

    Raises ImportRefused for a note that is not ours.
    """
    if MARKS_NOTE not in metadata:
        return Marks(family.threshold, family.nms_iou)
    try:
        told = json.loads(metadata[MARKS_NOTE])
        threshold, nms_iou = (told[key] for key in MARKS)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ImportRefused(f"its {MARKS_NOTE} is not what we write") from error
    whole = type(threshold) is int and type(nms_iou) is int
    if not whole or not (0 < threshold < _MILLION and 0 < nms_iou <= _MILLION):
        raise ImportRefused(f"its {MARKS_NOTE} is not what we write")
    return Marks(threshold / _MILLION, nms_iou / _MILLION, NOTED, NOTED)
