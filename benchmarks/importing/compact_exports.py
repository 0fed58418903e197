"""Train the compact networks and export them as their families do.

`python -m benchmarks.importing.compact_exports --out FOLDER [--seconds 150]` writes
yolox.onnx, yolox-raw.onnx, yolov5.onnx, rtdetr-official.onnx and rfdetr.onnx.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.importing.compact import (
    SIDE,
    STRIDES,
    Compact,
    made,
    train,
    yolov5_boxes,
    yolox_boxes,
)

QUERIES = 300
KINDS = ("yolox", "yolov5")
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
SPREAD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


class Yolox(nn.Module):
    """(N, A, 5 + nc): raw, or decoded as with --decode_in_inference."""

    def __init__(self, network: Compact, decoded: bool) -> None:
        super().__init__()
        self.network, self.decoded = network, decoded

    def forward(self, images: Tensor) -> Tensor:
        rows = []
        for level, raw in enumerate(self.network(images)):
            boxes = yolox_boxes(raw, level) if self.decoded else raw[..., :4]
            rows.append(torch.cat([boxes, raw[..., 4:].sigmoid()], -1).flatten(1, 3))
        return torch.cat(rows, 1)


class YoloV5(nn.Module):
    """(N, 3 A, 5 + nc), boxes in pixels, anchor by anchor."""

    def __init__(self, network: Compact) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        rows = []
        for level, raw in enumerate(self.network(images)):
            boxes = yolov5_boxes(raw, level)
            row = torch.cat([boxes, raw[..., 4:].sigmoid()], -1)
            rows.append(row.permute(0, 3, 1, 2, 4).flatten(1, 3))
        return torch.cat(rows, 1)


class Queries(nn.Module):
    """The best QUERIES of Yolox, centre and size in 0..1, with a score a class."""

    def __init__(self, network: Compact) -> None:
        super().__init__()
        self.dense = Yolox(network, decoded=True)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        rows = self.dense(images.flip(1) * 255)
        scores = rows[..., 4:5] * rows[..., 5:]
        best = scores.amax(2).topk(QUERIES, 1).indices[..., None]
        picked = rows.gather(1, best.expand(-1, -1, rows.shape[2]))
        return picked[..., :4] / SIDE, picked[..., 4:5] * picked[..., 5:]


class RtDetr(nn.Module):
    """Labels, boxes, scores, boxes in pixels of `orig_target_sizes` (width, height)."""

    def __init__(self, queries: Queries) -> None:
        super().__init__()
        self.queries = queries

    def forward(
        self, images: Tensor, orig_target_sizes: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        boxes, scores = self.queries(images)
        centre, half = boxes[..., :2], boxes[..., 2:] / 2
        corners = torch.cat([centre - half, centre + half], -1)
        corners = corners * orig_target_sizes.repeat(1, 2).unsqueeze(1)
        count = scores.shape[2]
        best, index = scores.flatten(1).topk(QUERIES, 1)
        labels = index - index // count * count
        rows = (index // count).unsqueeze(-1).expand(-1, -1, 4)  # queries, best first
        return labels, corners.gather(1, rows), best


class RfDetr(nn.Module):
    """`dets` in 0..1 and `labels` as logits, for pictures less ImageNet's mean."""

    def __init__(self, queries: Queries) -> None:
        super().__init__()
        self.queries = queries

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        boxes, scores = self.queries(images * SPREAD + MEAN)
        return boxes, torch.logit(scores, 1e-6)


def main() -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.importing.compact_exports")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=150.0)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    yolox, yolov5 = (trained(kind, args.seconds, args.out) for kind in KINDS)
    queries, sizes = Queries(yolox), torch.tensor([[SIDE, SIDE]])
    one = ["images"], ["output"]
    _export(Yolox(yolox, True), args.out / "yolox.onnx", *one)
    _export(Yolox(yolox, False), args.out / "yolox-raw.onnx", *one)
    _export(YoloV5(yolov5), args.out / "yolov5.onnx", ["images"], ["output0"])
    names = ["images", "orig_target_sizes"], ["labels", "boxes", "scores"]
    _export(RtDetr(queries), args.out / "rtdetr-official.onnx", *names, sizes)
    _export(RfDetr(queries), args.out / "rfdetr.onnx", ["input"], ["dets", "labels"])
    return 0


def trained(kind: str, seconds: float, out: Path) -> Compact:
    """From its weights KIND.pt, or trained now."""
    file = out / f"{kind}-compact.pt"
    if not file.exists():
        torch.save(train(kind, seconds).state_dict(), file)
    network = made(kind)
    network.load_state_dict(torch.load(file, weights_only=True))
    return network.eval()


def _export(
    network: nn.Module, file: Path, inputs: list[str], outputs: list[str], *more: Tensor
) -> None:
    torch.onnx.export(
        network.eval(),
        (torch.rand(1, 3, SIDE, SIDE), *more),
        str(file),
        input_names=inputs,
        output_names=outputs,
        opset_version=17,
        dynamo=False,
    )
    print(f"{file.name}, strides {STRIDES}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
