"""Version folders that are well formed, whatever their networks are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from inference_worker.quantise.graph import prepared
from inference_worker.quantise.qdq import quantised
from tests.engine.toy import toy_manifest
from tests.quantise.nets import net

NET: dict[str, Any] = {
    "classes": ["one", "two"],
    "input": {"layout": "NCHW", "channels": 3, "range": [0, 1], "sizes": [64]},
}
"""What the manifest of tests/quantise/nets.py says."""

INSIDE = ("one.relu", "images")


def write_version(source: Path, files: dict[str, bytes], /, **changes: Any) -> Path:
    """`<source>/toy/1` with these files, each pinned."""
    manifest = toy_manifest(files, **changes)
    folder = source / "toy" / "1"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def write_net(source: Path, int8: bytes, **changes: Any) -> Path:
    """The small detector, and a file in int8 beside it."""
    files = {"model.onnx": net().SerializeToString(), "model.int8.onnx": int8}
    return write_version(source, files, **NET, **changes)


def net_in_int8() -> bytes:
    return quantised(prepared(net()), dict.fromkeys(INSIDE, (0.0, 1.0)))
