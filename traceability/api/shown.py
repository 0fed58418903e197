"""An inspection as the API shows it, without the cost of a serializer.

DRF copies its fields for each request and asks each of them for its value: that took
more than looking the inspection up. `InspectionSerializer` documents the same fields,
and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils import timezone

from traceability.inspection.models import Defect, Image, Inspection


def inspection(seen: Inspection, url: str) -> dict[str, Any]:
    """Ready to be written as JSON; expects image, unit, line and defects at hand."""
    version = seen.model_version
    return {
        "id": str(seen.pk),
        "url": url,
        "state": str(seen.state),
        "role": str(seen.role),
        **_photo(seen.image),
        "defective": seen.defective,
        "defects": [_defect(one) for one in _defects(seen)],
        "model": version and version.model,
        "version": version and version.version,
        "backend": seen.backend,
        "precision": seen.precision,
        "attempt": seen.attempt,
        "timings_ms": seen.timings_ms,
        "error_code": seen.error_code,
        "error_message": seen.error_message,
        "trace_id": seen.trace_id,
        "created_at": _time(seen.created_at),
        "finished_at": seen.finished_at and _time(seen.finished_at),
    }


def _photo(image: Image) -> dict[str, Any]:
    return {
        "serial": image.unit.serial,
        "unit_registered": image.unit.registered,
        "line": image.station.line.code,
        "station": image.station.code,
        "external_id": image.external_id,
        "captured_at": _time(image.captured_at),
        "received_at": _time(image.received_at),
        "clock_ahead": image.clock_ahead,
        "width": image.width,
        "height": image.height,
        "has_template": bool(image.template),
        "optics": image.optics_id and str(image.optics_id),
    }


def _defects(seen: Inspection) -> Iterable[Defect]:
    """Asks the database for none of an inspection that has none."""
    return seen.defects.all() if seen.defective else ()


def _defect(seen: Defect) -> dict[str, Any]:
    return {
        "category": seen.defect_class.code,
        "score": seen.score,
        "bbox": [seen.x, seen.y, seen.width, seen.height],
        "bbox_relative": [
            seen.relative_x,
            seen.relative_y,
            seen.relative_width,
            seen.relative_height,
        ],
    }


def _time(moment: datetime) -> str:
    """ISO 8601 on the reader's clock, as DRF writes it."""
    text = timezone.localtime(moment).isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text
