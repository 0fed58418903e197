"""The five sets by name."""

from __future__ import annotations

from benchmarks.detector.unlike.castings import CASTINGS
from benchmarks.detector.unlike.fabric import FABRIC
from benchmarks.detector.unlike.labels import LABELS
from benchmarks.detector.unlike.parts import PARTS
from benchmarks.detector.unlike.scene import UnlikeSet
from benchmarks.detector.unlike.steel import STEEL

SETS: dict[str, UnlikeSet] = {
    kind.name: kind for kind in (STEEL, FABRIC, PARTS, CASTINGS, LABELS)
}
