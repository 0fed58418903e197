"""The boxes that the families' own demonstration code finds, written from it in numpy.

`python -m benchmarks.importing.compact_boxes FOLDER` writes FILE.boxes.json beside the
files of compact_exports. It shares no code with the product: preprocessing, decoding
and suppression are those that each family publishes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.importing.compact_exports import MEAN, SPREAD
from benchmarks.importing.drawing import Picture, gallery
from benchmarks.importing.reference import FLOOR, Rows, reference_file, write

SIDE = 320
Floats = NDArray[np.float32]
Run = Callable[..., list[Floats]]


def yolox(run: Run, picture: Picture, raw: bool) -> Rows:
    """YOLOX demo/ONNXRuntime: preproc, demo_postprocess, multiclass_nms (by class)."""
    bgr = picture[..., ::-1]
    padded = np.ones((SIDE, SIDE, 3), np.uint8) * 114
    ratio = min(SIDE / bgr.shape[0], SIDE / bgr.shape[1])
    sides = int(bgr.shape[1] * ratio), int(bgr.shape[0] * ratio)
    resized = cv2.resize(bgr, sides, interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    padded[: sides[1], : sides[0]] = resized
    blob = np.ascontiguousarray(padded.transpose(2, 0, 1), np.float32)
    rows = run(images=blob[None])[0][0].astype(np.float64)
    if raw:
        grids, strides = [], []
        for stride in (8, 16, 32):
            side = SIDE // stride
            x, y = np.meshgrid(np.arange(side), np.arange(side))
            grids.append(np.stack((x, y), 2).reshape(-1, 2))
            strides.append(np.full((side * side, 1), stride))
        grid, stride_of = np.concatenate(grids), np.concatenate(strides)
        rows[:, :2] = (rows[:, :2] + grid) * stride_of
        rows[:, 2:4] = np.exp(rows[:, 2:4]) * stride_of
    return _suppressed(_corners(rows[:, :4]) / ratio, rows[:, 4:5] * rows[:, 5:], 0.45)


def yolov5(run: Run, picture: Picture) -> Rows:
    """YOLOv5's detect.py: letterbox, non_max_suppression, scale_boxes, clip."""
    height, width = picture.shape[:2]
    ratio = min(SIDE / height, SIDE / width)
    wide, tall = round(width * ratio), round(height * ratio)
    left, top = (SIDE - wide) / 2, (SIDE - tall) / 2
    resized = cv2.resize(picture, (wide, tall), interpolation=cv2.INTER_LINEAR)
    padded = cv2.copyMakeBorder(
        resized,
        round(top - 0.1),
        round(top + 0.1),
        round(left - 0.1),
        round(left + 0.1),
        cv2.BORDER_CONSTANT,
        value=(114, 114, 114),
    )
    blob = padded.transpose(2, 0, 1)[None].astype(np.float32) / 255
    rows = run(images=blob)[0][0].astype(np.float64)
    found = _suppressed(_corners(rows[:, :4]), rows[:, 4:5] * rows[:, 5:], 0.45)
    pad_x, pad_y = (SIDE - width * ratio) / 2, (SIDE - height * ratio) / 2
    found[:, :4] = (found[:, :4] - [pad_x, pad_y, pad_x, pad_y]) / ratio
    return found


def rtdetr(run: Run, picture: Picture) -> Rows:
    """RT-DETR's rtdetrv2_onnxruntime.py: T.Resize on PIL, ToTensor, own size."""
    height, width = picture.shape[:2]
    blob = _smoothly(picture)
    sizes = np.array([[width, height]], np.int64)
    labels, boxes, scores = run(images=blob, orig_target_sizes=sizes)
    rows = np.hstack([boxes[0], scores[0][:, None], labels[0][:, None]])
    return rows[scores[0] > FLOOR].astype(float)


def rfdetr(run: Run, picture: Picture) -> Rows:
    """RF-DETR's predict: to_tensor, normalise, resize; sigmoid, best of all classes."""
    height, width = picture.shape[:2]
    planes = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255
    resized = torch.nn.functional.interpolate(
        (planes - MEAN) / SPREAD, (SIDE, SIDE), mode="bilinear", antialias=True
    )
    dets, logits = run(input=resized.numpy())
    scores = 1 / (1 + np.exp(-logits[0].astype(np.float64)))
    query, label = np.nonzero(scores > FLOOR)
    corners = _corners(dets[0].astype(np.float64)) * [width, height, width, height]
    return np.column_stack([corners[query], scores[query, label], label])


FAMILIES: dict[str, Callable[[Run, Picture], Rows]] = {
    "yolox": lambda run, picture: yolox(run, picture, raw=False),
    "yolox-raw": lambda run, picture: yolox(run, picture, raw=True),
    "yolov5": yolov5,
    "rtdetr-official": rtdetr,
    "rfdetr": rfdetr,
}


def main() -> int:
    for name, find in FAMILIES.items():
        file = Path(sys.argv[1]) / f"{name}.onnx"
        session = onnxruntime.InferenceSession(str(file))

        def run(
            session: onnxruntime.InferenceSession = session, **feeds: Floats
        ) -> list:
            return session.run(None, feeds)

        found = [find(run, picture) for picture in gallery()]
        write(reference_file(file), found)
        print(file.name, sum(map(len, found)), "boxes", flush=True)
    return 0


def _smoothly(picture: Picture) -> Floats:
    resized = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(resized, np.float32).transpose(2, 0, 1)[None] / np.float32(255)


def _corners(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    half = boxes[:, 2:] / 2
    return np.hstack([boxes[:, :2] - half, boxes[:, :2] + half])


def _suppressed(
    boxes: NDArray[np.float64], scores: NDArray[np.float64], limit: float
) -> Rows:
    """Best class of each box, then greedily, class by class."""
    best, kind = scores.max(1), scores.argmax(1)
    rows = np.column_stack([boxes, best, kind])[best > FLOOR]
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    kept: list[NDArray[np.float64]] = []
    for row in rows:
        same = [one for one in kept if one[5] == row[5]]
        if all(iou(row, one) <= limit for one in same):
            kept.append(row)
    return np.array(kept).reshape(-1, 6)


def iou(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    sides = np.minimum(a[2:4], b[2:4]) - np.maximum(a[:2], b[:2])
    shared = float(np.prod(sides.clip(0)))
    areas = [float(np.prod(one[2:4] - one[:2])) for one in (a, b)]
    return shared / max(sum(areas) - shared, 1e-9)


if __name__ == "__main__":
    sys.exit(main())
