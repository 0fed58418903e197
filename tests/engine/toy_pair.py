"""The toy that compares: it finds the squares that are on the image and not on its
template. So its answer changes when the template is swapped, or is another one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from onnx import helper

from tests.engine.toy import paint, toy_manifest, toy_network, traced

SIZES = [320, 640]


def printed(*squares: tuple[int, int, int], size: int = 640) -> np.ndarray:
    """A traced board with coloured squares (class, left, top)."""
    image = traced(size, size)
    for square in squares:
        paint(image, *square)
    return image


def jpeg(*squares: tuple[int, int, int], size: int = 640) -> bytes:
    """The same as a file."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, 95]
    done = cv2.imencode(".jpg", printed(*squares, size=size)[..., ::-1], quality)[1]
    return bytes(done.tobytes())


def pair_network() -> bytes:
    """ONNX like the toy's, of the six planes' difference: max(image - template, 0)."""
    model = onnx.load_from_string(toy_network(channels=6))
    graph = model.graph
    graph.node[0].output[0] = "photo"
    six = helper.make_tensor("six", onnx.TensorProto.INT64, [1], [6])
    graph.initializer.append(six)
    compare = [
        helper.make_node("Slice", ["images", "three", "six", "one"], ["golden"]),
        helper.make_node("Sub", ["photo", "golden"], ["more"]),
        helper.make_node("Relu", ["more"], ["rgb"]),
    ]
    for place, node in enumerate(compare, 1):
        graph.node.insert(place, node)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def write_pair(source: Path, **changes: Any) -> Path:
    """A version folder `<source>/toy-pair/1`."""
    spec = {"layout": "NCHW", "channels": 6, "range": [0, 1], "sizes": SIZES}
    files = {"model.onnx": pair_network(), "card.md": b"# Toy\n"}
    manifest = toy_manifest(files, model="toy-pair", input=spec, **changes)
    folder = source / manifest["model"] / manifest["version"]
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    return folder
