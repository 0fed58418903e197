"""How well templates are brought onto their photos, on a folder of pairs.

`python -m benchmarks.registration FOLDER`: `images/` and `templates/` of like names.
Each pair is looked at as it is, with its template shifted by up to 16 px, and with the
template of another image.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from inference_worker.engine.decode import decode_file
from inference_worker.engine.registration import (
    LEAST_LIKENESS,
    Shift,
    find_shift,
    likeness,
    move,
)
from inference_worker.engine.types import Image

REACH = 16.0
APART = 37  # so many names on is another board's template


@dataclass(frozen=True)
class Row:
    """One pair; differences are means of pixels, lengths are pixels, times ms
    of the processor."""

    own: Shift
    moved: bool
    worse: bool
    difference: tuple[float, float, float]
    restored: bool
    off: float
    alike: float
    stranger: float
    milliseconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    cv2.setNumThreads(1)
    report(list(rows(folder)))
    print(f"12 megapixels: {large(folder):.0f} ms")


def rows(folder: Path) -> Iterator[Row]:
    rng = np.random.default_rng(0)
    names = sorted(path.name for path in (folder / "images").iterdir())
    for place, name in enumerate(names):
        image = decode_file(folder / "images" / name)
        template = decode_file(folder / "templates" / name)
        other = decode_file(folder / "templates" / names[(place + APART) % len(names)])
        right, down = rng.uniform(-REACH, REACH, 2)
        yield look(image, template, other, right, down)


def look(image: Image, template: Image, other: Image, right: float, down: float) -> Row:
    started = time.thread_time()
    own = find_shift(image, template)
    spent = time.thread_time() - started
    near, away = move(image, template, own), shifted(template, right, down)
    found = find_shift(image, away)
    back = move(image, away, found)
    by = (round(found.right), round(found.down)) if back is not away else (0, 0)
    return Row(
        own,
        near is not template,
        difference(image, near) > difference(image, template),
        tuple(difference(image, one) for one in (template, away, back)),  # type: ignore[arg-type]
        back is not away,
        float(np.hypot(by[0] + right - own.right, by[1] + down - own.down)),
        likeness(image, template),
        likeness(image, other),
        1000 * spent,
    )


def shifted(image: Image, right: float, down: float) -> Image:
    matrix = np.array([[1, 0, right], [0, 1, down]], np.float32)
    size = image.shape[1::-1]
    moved = cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved)


def difference(image: Image, template: Image) -> float:
    return float(cv2.absdiff(image, template).mean())


def large(folder: Path) -> float:
    """Milliseconds to look for the shift of one pair of 4000 x 3000 pixels."""
    name = next((folder / "images").iterdir()).name
    pair = [decode_file(folder / part / name) for part in ("images", "templates")]
    image, template = (np.asarray(cv2.resize(one, (4000, 3000))) for one in pair)
    started = time.thread_time()
    find_shift(image, template)
    return 1000 * (time.thread_time() - started)


def report(found: list[Row]) -> None:
    right, down = (
        [getattr(row.own, way) for row in found] for way in ("right", "down")
    )
    lengths = np.hypot(right, down)
    print(f"{len(found)} pairs as they are")
    print(f"  median shift {np.median(right):+.2f} right, {np.median(down):+.2f} down")
    print(f"  length: half {np.median(lengths):.2f}, 95 % {_high(lengths):.2f} px")
    print(f"  moved {sum(r.moved for r in found)}, worse {sum(r.worse for r in found)}")
    off = [row.off for row in found if row.restored]
    print(f"shifted by up to {REACH:.0f} px: {len(off)} restored")
    print(f"  off: half {np.median(off):.2f}, 95 % {_high(off):.2f} px")
    means = np.mean([row.difference for row in found], 0)
    print("  difference as they are, shifted, restored:", *np.round(means, 2))
    strangers = sorted(row.stranger for row in found)
    taken = sum(one >= LEAST_LIKENESS for one in strangers)
    print(f"likeness: own pairs from {min(row.alike for row in found):.2f}")
    print(f"  others: 99 % below {np.percentile(strangers, 99):.2f}, {taken} taken")
    print(f"{np.median([row.milliseconds for row in found]):.1f} ms a pair")


def _high(values: list[float] | np.ndarray) -> float:
    return float(np.percentile(values, 95))


if __name__ == "__main__":
    main()
