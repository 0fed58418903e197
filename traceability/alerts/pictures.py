"""The picture of a defect for a mail: a crop of the photo with the box drawn in."""

from __future__ import annotations

import io
import logging
import math

from django.conf import settings
from PIL import Image as Pillow
from PIL import ImageDraw, UnidentifiedImageError

from traceability.inspection.models import Defect

logger = logging.getLogger(__name__)

# Twice the width at which mails show it, for sharp screens.
SIZE = (1072, 640)
# A crop shows the defect's surroundings: this many times its box, never less than
# this many pixels of the photo.
SURROUNDINGS = 6.0
SMALLEST = 240
QUALITY = 82
BOX, EDGE = (255, 92, 40), (20, 20, 20)

Area = tuple[float, float, float, float]


def defect_picture(defect: Defect) -> bytes | None:
    """A JPEG of the defect in its surroundings; None when the photo is gone."""
    image = defect.inspection.image
    try:
        with Pillow.open(settings.MEDIA_ROOT / image.file) as photo:
            return draw(photo, (defect.x, defect.y, defect.width, defect.height))
    except (OSError, UnidentifiedImageError, Pillow.DecompressionBombError) as error:
        logger.warning("no picture of defect %s: %s", defect.pk, error)
        return None


def draw(photo: Pillow.Image, box: Area) -> bytes:
    """Crop around `box` (left, top, width, height in pixels) and outline it."""
    area = surroundings(box, photo.size)
    scale = SIZE[0] / (area[2] - area[0])
    size = (SIZE[0], max(1, round((area[3] - area[1]) * scale)))
    whole = (int(area[0]), int(area[1]), math.ceil(area[2]), math.ceil(area[3]))
    inside = (area[0] - whole[0], area[1] - whole[1])
    part = (*inside, inside[0] + area[2] - area[0], inside[1] + area[3] - area[1])
    cut = photo.crop(whole).convert("RGB")
    crop = cut.resize(size, Pillow.Resampling.LANCZOS, box=part)
    x, y, width, height = box
    left, top = (x - area[0]) * scale, (y - area[1]) * scale
    _outline(crop, (left, top, left + width * scale, top + height * scale))
    out = io.BytesIO()
    crop.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def surroundings(box: Area, photo: tuple[int, int]) -> Area:
    """The part of the photo to show: the box in its middle, inside the photo."""
    x, y, width, height = box
    shape = SIZE[0] / SIZE[1]
    wide = max(width * SURROUNDINGS, height * SURROUNDINGS * shape, SMALLEST)
    wide, high = min(wide, photo[0]), min(wide / shape, photo[1])
    left = min(max(0.0, x + width / 2 - wide / 2), photo[0] - wide)
    top = min(max(0.0, y + height / 2 - high / 2), photo[1] - high)
    return left, top, left + wide, top + high


def _outline(picture: Pillow.Image, box: Area) -> None:
    """A bright frame between dark edges: seen on any board, and printed in grey."""
    pen = ImageDraw.Draw(picture)
    for grown, width, colour in ((10, 10, EDGE), (8, 6, BOX)):
        left, top, right, bottom = box
        frame = (left - grown, top - grown, right + grown, bottom + grown)
        pen.rectangle(frame, outline=colour, width=width)
