"""The picture of a defect for a mail: a crop of the photo with the box drawn in."""

from __future__ import annotations

import io
import logging
import math

from django.conf import settings
from PIL import Image as Pillow
from PIL import ImageDraw

from traceability.inspection.models import Defect
from traceability.lib.images import as_seen

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
            return draw(
                as_seen(photo), (defect.x, defect.y, defect.width, defect.height)
            )
    except (OSError, ValueError, Pillow.DecompressionBombError) as error:
        logger.warning("no picture of defect %s: %s", defect.pk, error)
        return None


def draw(photo: Pillow.Image, box: Area) -> bytes:
    """Crop around `box` (left, top, width, height in pixels) and outline it."""
    area = surroundings(box, photo.size)
    wide, high = area[2] - area[0], area[3] - area[1]
    scale = min(SIZE[0] / wide, SIZE[1] / high)
    size = (max(1, round(wide * scale)), max(1, round(high * scale)))
    crop = _cut(photo, area, size)
    x, y, width, height = box
    left, top = (x - area[0]) * scale, (y - area[1]) * scale
    _outline(crop, (left, top, left + width * scale, top + height * scale))
    out = io.BytesIO()
    _on_canvas(crop).save(out, "JPEG", quality=QUALITY)
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


def _cut(photo: Pillow.Image, area: Area, size: tuple[int, int]) -> Pillow.Image:
    """The area in `size` pixels; only whole pixels around it are converted."""
    left, top = int(area[0]), int(area[1])
    whole = photo.crop((left, top, math.ceil(area[2]), math.ceil(area[3])))
    part = (area[0] - left, area[1] - top, area[2] - left, area[3] - top)
    return whole.convert("RGB").resize(size, Pillow.Resampling.LANCZOS, box=part)


def _on_canvas(crop: Pillow.Image) -> Pillow.Image:
    """Every picture has the same shape, that of a narrow photo too."""
    if crop.size == SIZE:
        return crop
    canvas = Pillow.new("RGB", SIZE, EDGE)
    canvas.paste(crop, ((SIZE[0] - crop.width) // 2, (SIZE[1] - crop.height) // 2))
    return canvas


def _outline(picture: Pillow.Image, box: Area) -> None:
    """A bright frame between dark edges: seen on any board, and printed in grey."""
    pen = ImageDraw.Draw(picture)
    for grown, width, colour in ((10, 10, EDGE), (8, 6, BOX)):
        left, top, right, bottom = box
        frame = (left - grown, top - grown, right + grown, bottom + grown)
        pen.rectangle(frame, outline=colour, width=width)
