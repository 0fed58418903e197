"""What this process counts and times for Prometheus: docs/metrics.md has all of it."""

from __future__ import annotations

import time

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)

# A gauge beside each counter, which nobody reads.
disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()

BUCKETS = (
    *(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
    *(1, 2, 5, 10, 30, 60, 300),
)
STAGE_SECONDS = Histogram(
    "causeline_stage_seconds",
    "A photo's time in each stage, from its upload to the answer.",
    ["stage"],
    buckets=BUCKETS,
    registry=REGISTRY,
)
HTTP_REQUESTS = Counter(
    "causeline_http_requests",
    "Requests answered, but for static files.",
    ["method", "route", "status"],
    registry=REGISTRY,
)
WAITS = Counter(
    "causeline_waits",
    "Uploads that wanted to wait for their result, by what became of that.",
    ["outcome"],
    registry=REGISTRY,
)
WAITING = Gauge(
    "causeline_waiting_requests",
    "Uploads that wait for their result now.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)


class Laps:
    """How long the stages of one piece of work took, each from the end of the last.

    The first begins when `time.monotonic()` is `began`, which is now if left out.
    """

    def __init__(self, began: float | None = None) -> None:
        self._since = time.monotonic() if began is None else began
        self._seconds: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """What was done since the last lap was this stage."""
        since, self._since = self._since, time.monotonic()
        self._seconds[stage] = self._since - since

    def skip(self) -> None:
        """What was done since the last lap is no stage of this work."""
        self._since = time.monotonic()

    def milliseconds(self) -> dict[str, float]:
        return {stage: round(spent * 1000, 2) for stage, spent in self._seconds.items()}

    def observe(self) -> None:
        """Count them all in the stages' histogram."""
        for stage, spent in self._seconds.items():
            STAGE_SECONDS.labels(stage).observe(spent)
