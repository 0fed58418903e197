"""Calibrations as OpenCV itself writes them."""

from __future__ import annotations

import cv2
import numpy as np

CAMERA = [[60.5, 0, 32.25], [0, 59.75, 23.5], [0, 0, 1]]
LENS = [[-0.25, 0.08, 1e-3, -5e-4, 0.01]]
VALUES = {
    "calibration_time": "Mon 23 Nov 2026",
    "image_width": 64,
    "image_height": 48,
    "camera_matrix": np.array(CAMERA),
    "distortion_coefficients": np.array(LENS),
    "avg_reprojection_error": 0.21,
}
KINDS = ["xml", "yml", "json"]


def written(kind="yml", **changes):
    """Bytes of a FileStorage; None leaves a name out."""
    mode = cv2.FILE_STORAGE_WRITE | cv2.FILE_STORAGE_MEMORY
    storage = cv2.FileStorage(f".{kind}", mode)
    for name, value in {**VALUES, **changes}.items():
        if value is not None:
            storage.write(name, value)
    return storage.releaseAndGetString().encode()
