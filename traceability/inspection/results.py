"""What a worker hands over: the results of inspections, in the words of this app."""

from __future__ import annotations

from dataclasses import dataclass, field

from traceability.inspection.models import Inspection
from traceability.jobs.models import Job


@dataclass(frozen=True)
class Box:
    """A detected defect: top-left corner and size in pixels of the original image."""

    defect_class: str
    score: float
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Detector:
    """What looked: recorded with every inspection."""

    model: str
    version: str
    backend: str
    precision: str
    classes: tuple[str, ...]
    wants_template: bool = False


@dataclass(frozen=True)
class InspectionResult:
    """One finished look. `job` is the claimed row, `inspection` what it is about as it
    was then.
    """

    job: Job
    inspection: Inspection
    detector: Detector
    boxes: tuple[Box, ...]
    timings_ms: dict[str, float] = field(default_factory=dict)
