"""A station's optics, from the words of the database to those of the engine."""

from __future__ import annotations

from inference_worker.engine.optics import PARTS, Optics, Region
from traceability.inspection.cameras import Optics as Stored


def optics_of(stored: Stored | None) -> Optics | None:
    """Equal ones for equal rows: what is computed for them is found again by that."""
    if stored is None:
        return None
    fx_fy_cx_cy = tuple(stored.camera)
    return Optics(
        size=(stored.height, stored.width),
        camera=fx_fy_cx_cy or None,
        distortion=tuple(stored.distortion),
        region=Region(*stored.region) if stored.region else None,
        denoise=round(PARTS * stored.denoise / 100),
    )
