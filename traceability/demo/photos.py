"""The photo of every unit: which defects it shows, and how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import simplejpeg

from traceability.demo.boards import draw_product_photo
from traceability.demo.plan import FactoryPlan

SIZE = 512
QUALITY = 90
TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Photo:
    """One photo to be taken; `captured_at` in ISO 8601."""

    external_id: str
    serial: str
    station: str
    captured_at: str
    board_seed: int
    defect_classes: tuple[str, ...]
    seed: tuple[int, int]

    @property
    def form(self) -> dict[str, str]:
        """What the camera says about it."""
        return {
            "external_id": self.external_id,
            "serial": self.serial,
            "station": self.station,
            "captured_at": self.captured_at,
        }


def photos_of(plan: FactoryPlan) -> list[Photo]:
    """All photos in the order in which they are taken."""
    looks = plan.frames["inspections"].merge(plan.frames["units"][["unit", "product"]])
    looks = looks.assign(place=range(len(looks))).sort_values("inspected_at")
    found = plan.frames["defects"].groupby("inspection")["defect_class"].agg(tuple)
    return [
        Photo(
            external_id=name,
            serial=serial,
            station=station,
            captured_at=at,
            board_seed=plan.board_seeds[product],
            defect_classes=found.get(name, ()),
            seed=(plan.seed, place),
        )
        for name, serial, station, at, product, place in zip(
            looks["inspection"],
            looks["unit"],
            looks["station"],
            looks["inspected_at"].dt.strftime(TIME),
            looks["product"],
            looks["place"],
            strict=True,
        )
    ]


def draw(photo: Photo) -> bytes:
    """The photo as a JPEG: the same bytes for the same photo."""
    rng = np.random.default_rng(photo.seed)
    sample = draw_product_photo(photo.board_seed, photo.defect_classes, rng, SIZE)
    encoded: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(sample.image), quality=QUALITY
    )
    return encoded


def use_one_core() -> None:
    """What a process that only draws starts with."""
    cv2.setNumThreads(1)
