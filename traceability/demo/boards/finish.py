"""Which copper the solder mask leaves bare."""

from __future__ import annotations

import cv2
import numpy as np

from traceability.demo.boards.model import Mask

_LARGEST = 0.02  # of the board: what is larger is a plane, and planes are covered


def bare_pads(mask: Mask, unit: float) -> Mask:
    """The pads of a board: copper wider than a track, yet no plane.

    `unit` is the width of a common track in pixels.
    """
    reach = round(unit * 1.4) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    holes_filled = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    wide = cv2.morphologyEx(holes_filled, cv2.MORPH_OPEN, kernel)
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(wide)
    small = statistics[:, cv2.CC_STAT_AREA] < _LARGEST * mask.size
    small[0] = False
    bare: Mask = small[labels]
    return bare
