"""The boxes that Ultralytics' own runtime finds: runs in its environment.

`python ultralytics_boxes.py FILE.onnx…` writes FILE.boxes.json beside each.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def main() -> int:
    os.environ |= {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0"}
    from benchmarks.importing.drawing import gallery
    from benchmarks.importing.reference import FLOOR, reference_file, write
    from benchmarks.importing.ultralytics_exports import SIDE, stand_in

    stand_in()
    from ultralytics import RTDETR, YOLO

    for file in map(Path, sys.argv[1:]):
        network = str(file)
        model = RTDETR(network) if file.stem == "rtdetr" else YOLO(network, "detect")
        how = {
            "conf": FLOOR,
            "iou": 0.7,
            "max_det": 300,
            "imgsz": SIDE,
            "device": "cpu",
        }
        found = []
        for picture in gallery():
            bgr = np.ascontiguousarray(picture[..., ::-1])
            boxes = model.predict(bgr, verbose=False, **how)[0].boxes.cpu().numpy()
            columns = (boxes.xyxy, boxes.conf[:, None], boxes.cls[:, None])
            found.append(np.hstack(columns).astype(float))
        write(reference_file(file), found)
        print(file.name, sum(map(len, found)), "boxes", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
