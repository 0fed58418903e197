"""Train Ultralytics' networks for minutes and export them: runs in their environment.

`python ultralytics_exports.py --out FOLDER [--only NAME]` writes `NAME.pt` and
`NAME.onnx` and needs benchmarks/detector/requirements-yolo.txt. Nothing of it is ever
shipped or imported by the product.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import types
from importlib import metadata
from pathlib import Path
from typing import Any

SIDE = 320
NETWORKS = {
    "yolov8n": ("yolov8n.yaml", 60),
    "yolo11n": ("yolo11n.yaml", 60),
    "yolo26n": ("yolo26n.yaml", 60),
    "rtdetr": ("yolov8-rtdetr.yaml", 45),
}
"""Of each network its configuration and its epochs."""

SMALL_DECODER = "RTDETRDecoder, [nc, 128, 300, 4, 4, 2, 256]]"
"""Hidden width, queries, points, heads, layers, width of the feed forward."""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", choices=sorted(NETWORKS), action="append")
    parser.add_argument("--epochs", type=int, help="of each; default: its own")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    os.environ |= {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0"}
    stand_in()
    for name in args.only or NETWORKS:
        make(name, args.out.resolve(), args.epochs or NETWORKS[name][1])
    return 0


def stand_in() -> None:
    """torchvision is imported for its suppression only; torch's own does as well."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    module = types.ModuleType("torchvision")
    sys.modules["torchvision"] = module
    version = metadata.version
    metadata.version = lambda name: "0.28.0" if name == "torchvision" else version(name)
    from ultralytics.utils.nms import TorchNMS

    module.ops = types.SimpleNamespace(nms=TorchNMS.nms)


def make(name: str, out: Path, epochs: int) -> None:
    """Train unless NAME.pt is there, and export."""
    from ultralytics import RTDETR, YOLO
    from ultralytics.data import utils
    from ultralytics.engine import trainer

    utils.check_font = lambda *_, **__: None
    trainer.BaseTrainer.read_results_csv = lambda self: {}
    kind = RTDETR if name == "rtdetr" else YOLO
    if not (out / f"{name}.pt").exists():
        with tempfile.TemporaryDirectory() as work:
            train(kind, name, epochs, Path(work), out)
    if kind is YOLO:
        export(kind, out, name, f"{name}-dynamic", dynamic=True)
    if name == "yolo26n":
        export(kind, out, name, "yolo26n-end2end", nms=False)
    export(kind, out, name, name)


def train(kind: Any, name: str, epochs: int, work: Path, out: Path) -> None:
    """`NAME.pt`, learnt from 32 drawn pictures."""
    from benchmarks.importing.drawing import write_yolo

    data = write_yolo(work / "data", 32, SIDE)
    model = kind(configuration(NETWORKS[name][0], work))
    model.train(
        data=str(data),
        imgsz=SIDE,
        epochs=epochs,
        batch=8,
        device="cpu",
        workers=0,
        project=str(work),
        name="run",
        pretrained=False,
        optimizer="AdamW",
        lr0=1e-3 if name != "rtdetr" else 5e-4,
        warmup_epochs=2,
        amp=False,
        val=False,
        plots=False,
        verbose=False,
        mosaic=0.0,
        cache="ram",
    )
    shutil.copy(work / "run" / "weights" / "last.pt", out / f"{name}.pt")


def configuration(name: str, work: Path) -> str:
    """RT-DETR's with a smaller decoder, which two cores can train in minutes."""
    if "rtdetr" not in name:
        return name
    import ultralytics

    folder = Path(ultralytics.__file__).parent / "cfg" / "models" / "v8"
    text = (folder / name).read_text().replace("RTDETRDecoder, [nc]]", SMALL_DECODER)
    smaller = work / name.replace("yolov8-", "yolov8n-")
    smaller.write_text(text)
    return str(smaller)


def export(kind: Any, out: Path, name: str, target: str, **how: Any) -> None:
    """`TARGET.onnx` from the weights `NAME.pt`."""
    model = kind(str(out / f"{name}.pt"))
    written = model.export(format="onnx", imgsz=SIDE, simplify=False, **how)
    if Path(written) != out / f"{target}.onnx":
        shutil.move(written, out / f"{target}.onnx")


if __name__ == "__main__":
    sys.exit(main())
