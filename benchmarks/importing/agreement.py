"""Do imported networks find what their own runtime finds? Both backends, in f32.

`--precision bf16` looks at what OpenVINO alone finds in that.

`python -m benchmarks.importing.agreement FOLDER` imports every FILE.onnx that has a
FILE.boxes.json beside it, and prints a line of JSON for each and each backend: boxes
compared, the lowest IoU, the largest difference of scores, how many are missing (no box
of the class reaches IoU 0.99 and a score within 0.01) and how many are ours alone. Exit
1 when any is.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.importing.drawing import NAMES, gallery
from benchmarks.importing.reference import FLOOR, Rows, read, reference_file
from inference_worker.engine.api import load_folder
from inference_worker.engine.boxes import pairwise_iou
from inference_worker.importing.conversion import Wishes
from inference_worker.importing.errors import FamilyUnclear
from inference_worker.importing.importer import import_model

LEAST_IOU, MOST_APART = 0.99, 0.01
_WINDOW = 0.01
FULL = "f32"
BACKENDS = ("openvino", "onnxruntime")


def compare(references: list[Rows], found: list[Rows]) -> dict[str, float]:
    """The figures of one network on one backend; lists are picture by picture."""
    compared = missing = alone = 0
    least, apart, ious = 1.0, 0.0, []
    for wanted, got in zip(references, found, strict=True):
        hits, gaps = _pairs(wanted, got)
        fine = (hits >= LEAST_IOU) & (gaps <= MOST_APART)
        compared += len(wanted)
        missing += int((~fine).sum())
        least = min(least, float(hits.min(initial=1.0)))
        apart = max(apart, float(gaps.max(initial=0.0)))
        ious += hits.tolist()
        sure = got[got[:, 4] >= FLOOR + _WINDOW]
        back, gaps = _pairs(sure, wanted)
        alone += int(((back < LEAST_IOU) | (gaps > MOST_APART)).sum())
    return {
        "boxes": compared,
        "least_iou": round(least, 5),
        "median_iou": round(float(np.median(ious)) if ious else 0.0, 6),
        "most_apart": round(apart, 5),
        "missing": missing,
        "alone": alone,
    }


def _pairs(wanted: Rows, got: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Of each row wanted, the best IoU with a row of its class and how far scores are
    apart there.
    """
    if not len(wanted) or not len(got):
        return np.zeros(len(wanted)), np.ones(len(wanted))
    overlap = pairwise_iou(wanted[:, :4], got[:, :4])
    overlap[wanted[:, 5:6] != got[None, :, 5]] = -1.0
    gaps = np.abs(wanted[:, 4:5] - got[None, :, 4])
    at = (overlap - gaps * 1e-3).argmax(1)
    row = np.arange(len(wanted))
    return overlap[row, at].clip(0), gaps[row, at]


def clipped(rows: Rows, height: int, width: int) -> Rows:
    """Cut at the picture's edge, as ours are; some runtimes let boxes hang over."""
    edge = [width, height, width, height]
    return np.hstack([np.clip(rows[:, :4], 0, edge), rows[:, 4:]])


def main() -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.importing.agreement")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=())
    parser.add_argument("--precision", default=FULL)
    args = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    good = True
    for file in sorted(args.folder.glob("*.onnx")):
        if reference_file(file).exists() and (not args.only or file.stem in args.only):
            good &= _one(file, args.precision)
    return 0 if good else 1


def _one(file: Path, precision: str) -> bool:
    pictures = gallery()
    sizes = [picture.shape[:2] for picture in pictures]
    references = [
        clipped(rows, *size)
        for rows, size in zip(read(reference_file(file)), sizes, strict=True)
    ]
    good = True
    with tempfile.TemporaryDirectory() as work:
        named = None if _names_itself(file) else NAMES
        wishes = Wishes(
            file=file,
            name=file.stem,
            out=Path(work),
            data=Path(work) / "none",
            classes=",".join(named) if named else None,
        )
        folder = import_model(wishes, _refuse)
        for backend in BACKENDS if precision == FULL else BACKENDS[:1]:
            detector = load_folder(folder, backend=backend, precision=precision)
            found = [
                np.column_stack([one.boxes, one.scores, one.class_ids])
                for one in detector.infer(pictures, threshold=FLOOR - _WINDOW)
            ]
            figures = compare(references, found)
            good &= not figures["missing"] and not figures["alone"]
            print(json.dumps({"model": file.stem, "backend": backend, **figures}))
    return good


def _names_itself(file: Path) -> bool:
    import onnx

    model = onnx.load(str(file))
    return any(one.key == "names" for one in model.metadata_props)


def _refuse(unclear: FamilyUnclear) -> str:
    raise unclear


if __name__ == "__main__":
    sys.exit(main())
