"""YOLOv8n from scratch on a COCO folder, in a given time, scored by our own metrics.

`python -m benchmarks.detector.yolo --train FOLDER --test FOLDER --seconds 120` prints
one JSON line. Needs requirements-yolo.txt; fetches nothing. Where Ultralytics leaves a
choice it is made in YOLO's favour: its clock starts after data and model are loaded, it
loses no time on validation, and each of its boxes may speak for several classes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.detector.yolo_folder import class_names, write_yolo
from inference_worker.engine.coco import Sample, read_coco
from inference_worker.engine.metrics import evaluate_detections
from inference_worker.engine.types import Detections

CONFIDENCE, IOU, MOST = 0.001, 0.7, 300
TOOL = "yolov8n"
PREDICT_BATCH = 16


def main() -> int:
    args = _arguments()
    with tempfile.TemporaryDirectory() as folder, _only_json() as write:
        work = Path(folder)
        _stay_offline(work)
        write(json.dumps(measure(args, work)) + "\n")
    return 0


def measure(args: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Train, predict, score: the line that is printed."""
    started = time.monotonic()
    trained = train(args, work)
    total = time.monotonic() - started
    names = class_names(args.train)
    samples = read_coco(args.test, names)
    found = predict(trained["weights"], samples, args)
    truth = [sample.truth for sample in samples]
    metrics = evaluate_detections(truth, found, names)
    return {
        "set": args.train.resolve().parent.name,
        "tool": TOOL,
        "seconds": round(trained["seconds"], 1),
        "seconds_total": round(total, 1),
        "map33": metrics.map33,
        "map50": metrics.map50,
        "map5095": metrics.map5095,
        "epochs": trained["epochs"],
        "parameters": trained["parameters"],
        "imgsz": args.imgsz,
        "per_class": {name: one.ap50 for name, one in metrics.per_class.items()},
    }


def train(args: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Weights after the budget, seconds and epochs of the loop, parameters.

    `time` is Ultralytics' own mechanism: after each epoch it works out how many fit and
    stretches its schedule to that.
    """
    from ultralytics import YOLO

    data = write_yolo(args.train, work / "data")
    model = YOLO("yolov8n.yaml")
    clock: dict[str, float] = {}
    model.add_callback("on_train_start", lambda _: clock.update(start=time.monotonic()))
    model.add_callback("on_train_epoch_end", lambda _: clock.update(_tick(clock)))
    with _without_downloads():
        model.train(
            data=str(data),
            pretrained=False,
            time=args.seconds / 3600,
            imgsz=args.imgsz,
            device=args.device,
            seed=args.seed,
            workers=args.workers,
            project=str(work),
            name="run",
            cache="ram",
            amp=True,
            val=False,
            plots=False,
            verbose=False,
        )
    return {
        "weights": work / "run" / "weights" / "last.pt",
        "seconds": clock["end"] - clock["start"],
        "epochs": int(clock["epochs"]),
        "parameters": sum(p.numel() for p in model.trainer.model.parameters()),
    }


def _tick(clock: dict[str, float]) -> dict[str, float]:
    return {"end": time.monotonic(), "epochs": clock.get("epochs", 0) + 1}


def predict(
    weights: Path, samples: list[Sample], args: argparse.Namespace
) -> list[Detections]:
    """Detections of each sample, in the samples' order and their own pixels."""
    from ultralytics import YOLO

    by_name = {str(sample.path.resolve()): sample for sample in samples}
    results = {}
    with _every_class():
        for result in YOLO(str(weights)).predict(
            list(by_name),
            stream=True,
            conf=CONFIDENCE,
            iou=IOU,
            max_det=MOST,
            imgsz=args.imgsz,
            device=args.device,
            batch=PREDICT_BATCH,
            verbose=False,
        ):
            boxes = result.boxes.cpu().numpy()
            results[result.path] = Detections.of(boxes.xyxy, boxes.conf, boxes.cls)
    return [results[name] for name in by_name]


def _every_class() -> AbstractContextManager[Any]:
    """Suppression as Ultralytics' own `val` does it, and not cut off by its clock."""
    from ultralytics.utils import nms

    patient = partial(nms.non_max_suppression, multi_label=True, max_time_img=60.0)
    return mock.patch.object(nms, "non_max_suppression", patient)


@contextmanager
def _without_downloads() -> Iterator[None]:
    """Its check of mixed precision fetches a model, its data check a font; its record
    of the losses in each checkpoint wants polars."""
    from ultralytics.data import utils
    from ultralytics.engine import trainer

    with (
        mock.patch.object(trainer, "check_amp", _on_gpu),
        mock.patch.object(utils, "check_font", return_value=None),
        mock.patch.object(trainer.BaseTrainer, "read_results_csv", return_value={}),
    ):
        yield


def _on_gpu(model: Any) -> bool:
    return bool(next(model.parameters()).is_cuda)


def _stay_offline(work: Path) -> None:
    """Before Ultralytics is imported: it reads these once."""
    os.environ |= {
        "YOLO_OFFLINE": "1",
        "YOLO_AUTOINSTALL": "0",
        "YOLO_CONFIG_DIR": str(work / "settings"),
        "MPLCONFIGDIR": str(work / "settings"),
    }
    (work / "settings").mkdir()


@contextmanager
def _only_json() -> Iterator[Any]:
    """Whatever Ultralytics prints goes to stderr; yields a writer to real stdout."""
    sys.stdout.flush()
    with os.fdopen(os.dup(1), "w") as real:
        os.dup2(2, 1)
        yield real.write


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.detector.yolo")
    parser.add_argument("--train", type=Path, required=True, help="COCO folder")
    parser.add_argument("--test", type=Path, required=True, help="COCO folder")
    parser.add_argument("--seconds", type=float, required=True, help="of training")
    parser.add_argument("--imgsz", type=int, default=640)
    parser.add_argument("--device", default="0")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=8)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
