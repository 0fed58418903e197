"""Where the names of defects go on a photo, in its pixels."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from traceability.inspection.models import Inspection

PHOTO_SHARE = 42
"""A letter is this part of the photo's longer side."""


@dataclass(frozen=True)
class Label:
    """A name on a plate above its box, or below where there is no room."""

    text: str
    colour: int
    x: float
    y: float
    width: float
    height: float
    size: float

    @property
    def radius(self) -> float:
        return round(self.size / 4, 1)

    @property
    def text_x(self) -> float:
        return round(self.x + 0.4 * self.size, 1)

    @property
    def text_y(self) -> float:
        return round(self.y + 1.05 * self.size, 1)


def labels_of(inspection: Inspection) -> list[Label]:
    """One label for each defect. Reads the image, the defects and their classes."""
    image = inspection.image
    size = round(max(image.width, image.height) / PHOTO_SHARE, 1)
    height = 1.45 * size
    labels: list[Label] = []
    for defect in inspection.defects.all():
        text = f"{defect.defect_class.name} {100 * defect.score:.0f}"
        width = min((_letters(text) * 0.58 + 0.8) * size, image.width)
        above = defect.y - height - 0.2 * size
        below = defect.y + defect.height + 0.2 * size
        labels.append(
            Label(
                text=text,
                colour=defect.defect_class_id % 8,
                x=round(min(max(defect.x, 0.0), image.width - width), 1),
                y=round(above if above >= 0 else below, 1),
                width=round(width, 1),
                height=round(height, 1),
                size=size,
            )
        )
    return labels


def _letters(text: str) -> float:
    """Its width in Latin letters: a Chinese character takes nearly two."""
    return sum(
        1.75 if unicodedata.east_asian_width(letter) in "WF" else 1.0 for letter in text
    )
