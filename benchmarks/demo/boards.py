"""Which board layouts does the shipped detector read without a false alarm?

`python -m benchmarks.demo.boards` draws sound photos of the layouts 1 to 120 as the
demo does and prints those on which nothing is found at a threshold below the shipped
one. `traceability/demo/layouts.py` holds the answer: a product that sets off the
detector on every photo would be re-taught in a plant, not run for thirty days.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from inference_worker.engine.api import load_folder
from inference_worker.engine.decode import decode
from traceability.demo.boards import draw_product_photo
from traceability.demo.photos import SIZE

SHIPPED = Path(__file__).resolve().parents[2] / "engines" / "pcb-defects" / "2"
LAYOUTS = range(1, 121)
PHOTOS = 8
STRICTER = 0.35


def photos(layout: int) -> tuple[int, list[np.ndarray]]:
    drawn = []
    for number in range(PHOTOS):
        rng = np.random.default_rng([layout, number])
        image = draw_product_photo(layout, [], rng, SIZE).image
        quality = [cv2.IMWRITE_JPEG_QUALITY, 90]
        _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)
        drawn.append(decode(data.tobytes()))
    return layout, drawn


def main() -> None:
    detector = load_folder(SHIPPED)
    sound = []
    with ProcessPoolExecutor(2) as pool:
        for layout, images in pool.map(photos, LAYOUTS):
            seen = detector.infer(images, threshold=STRICTER)
            if not any(len(found.scores) for found in seen):
                sound.append(layout)
    print(f"{len(sound)} of {len(LAYOUTS)}: {tuple(sound)}")


if __name__ == "__main__":
    main()
