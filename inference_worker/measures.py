"""What an inspection worker counts and times for Prometheus: see docs/metrics.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils import timezone
from prometheus_client import Counter, Histogram

from traceability.lib.measures import BUCKETS, REGISTRY, STAGE_SECONDS

if TYPE_CHECKING:  # the batcher counts, and runs without the application
    from traceability.inspection.results import InspectionResult

INSPECTIONS = Counter(
    "causeline_inspections",
    "Attempts at a photo that have ended, by what came of them and what looked.",
    ["outcome", "backend", "model", "version"],
    registry=REGISTRY,
)
ERRORS = Counter(
    "causeline_inspection_errors",
    "Attempts without a result, by the code of the reason.",
    ["code"],
    registry=REGISTRY,
)
SECONDS = Histogram(
    "causeline_inspection_seconds",
    "From the upload of a photo to the commit of its result.",
    buckets=BUCKETS,
    registry=REGISTRY,
)
BATCH = Histogram(
    "causeline_batch_photos",
    "Photos that the detector looked at in one call.",
    buckets=(1, 2, 4, 8, 16, 32),
    registry=REGISTRY,
)
UPLOAD = ("receive", "check", "store")
"""Stages that were over before the job began to wait."""


class Ended(StrEnum):
    """What came of one attempt. `OVERTAKEN`: another worker had its job meanwhile."""

    CLEAN = "clean"
    DEFECTIVE = "defective"
    OVERTAKEN = "overtaken"
    FAILED = "failed"
    RETRIED = "retried"
    DELAYED = "delayed"


def count_results(
    ended: Iterable[tuple[InspectionResult, Ended]], commit_seconds: float
) -> None:
    """Results whose transaction took `commit_seconds` and is over."""
    now = timezone.now()
    for result, outcome in ended:
        about = result.detector
        INSPECTIONS.labels(outcome, about.backend, about.model, about.version).inc()
        if outcome is Ended.OVERTAKEN:
            continue
        _observe_stages(result.timings_ms, commit_seconds)
        SECONDS.observe(_seconds(result, now))


def count_error(outcome: Ended, code: str) -> None:
    INSPECTIONS.labels(outcome, "", "", "").inc()
    ERRORS.labels(code).inc()


def _observe_stages(timings_ms: Mapping[str, float], commit_seconds: float) -> None:
    """Those of this process: the web's were counted there."""
    for stage, spent in timings_ms.items():
        if stage not in UPLOAD:
            STAGE_SECONDS.labels(stage).observe(spent / 1000)
    STAGE_SECONDS.labels("commit").observe(commit_seconds)


def _seconds(result: InspectionResult, now: datetime) -> float:
    before = sum(result.timings_ms.get(stage, 0.0) for stage in UPLOAD)
    return max(0.0, before / 1000 + (now - result.job.created_at).total_seconds())
