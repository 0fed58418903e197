"""What goes out to the line when an inspection has ended: one message, in its order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from traceability.inspection.models import Defect, Image, Inspection
from traceability.outbox.consuming import concerned_if
from traceability.outbox.models import Event
from traceability.outbox.publications import publish, topic_of

ENDED = ("inspection.finished", "inspection.failed")


@concerned_if(lambda event: event.kind in ENDED)
def on_event(event: Event) -> None:
    """Queue the message of an inspection that has ended, with or without a result."""
    found = Inspection.objects.select_related(
        "image__unit__product", "image__station__line", "image__site", "model_version"
    ).prefetch_related("defects__defect_class")
    inspection = found.filter(pk=event.payload["inspection"]).first()
    if inspection is None:
        return
    station = inspection.image.station
    codes = (inspection.image.site.code, station.line.code, station.code)
    publish(
        f"station:{station.pk}:inspection",
        topic_of(*codes, "inspection"),
        message(inspection),
    )


def message(inspection: Inspection) -> Mapping[str, Any]:
    """The inspection in the words of the REST API (`docs/schemas/inspection.json`)."""
    model = inspection.model_version
    return {
        "id": str(inspection.pk),
        "url": f"{settings.SITE_URL}/api/v1/inspections/{inspection.pk}/",
        **_photo(inspection.image),
        "state": inspection.state,
        "role": inspection.role,
        "defective": inspection.defective,
        "defects": [_defect(one) for one in inspection.defects.all()],
        "model": model.model if model else None,
        "version": model.version if model else None,
        "backend": inspection.backend,
        "precision": inspection.precision,
        "attempt": inspection.attempt,
        "timings_ms": inspection.timings_ms,
        "error_code": inspection.error_code,
        "error_message": inspection.error_message,
        "trace_id": inspection.trace_id,
        "finished_at": _moment(inspection.finished_at),
    }


def _photo(image: Image) -> dict[str, Any]:
    product = image.unit.product
    return {
        "site": image.site.code,
        "line": image.station.line.code,
        "station": image.station.code,
        "serial": image.unit.serial,
        "product": product.code if product else None,
        "external_id": image.external_id,
        "captured_at": _moment(image.captured_at),
        "received_at": _moment(image.received_at),
        "width": image.width,
        "height": image.height,
        "optics": str(image.optics_id) if image.optics_id else None,
    }


def _defect(defect: Defect) -> dict[str, Any]:
    box = (defect.x, defect.y, defect.width, defect.height)
    share = (
        defect.relative_x,
        defect.relative_y,
        defect.relative_width,
        defect.relative_height,
    )
    return {
        "category": defect.defect_class.code,
        "score": round(defect.score, 4),
        "bbox": [round(value, 1) for value in box],
        "bbox_relative": [round(value, 6) for value in share],
    }


def _moment(at: Any) -> str | None:
    return at.isoformat() if at else None
