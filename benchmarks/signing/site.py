"""A small site with signed versions and engines, to be tampered with."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from inference_worker.adoption import adopt
from inference_worker.engine import api
from inference_worker.engine.built import EngineManifest, Environment, Machine
from inference_worker.engine.engines import open_engine
from inference_worker.engine.errors import BackendUnavailable
from inference_worker.engine.fields import canonical, pin
from inference_worker.engine.issuing import write_engine
from inference_worker.engine.keyring import KeyRing
from inference_worker.engine.signing import sign
from inference_worker.engine.store import open_latest, open_signed

MODEL, VERSION, ENGINE, OTHER = "boards", "2", "now", "other"
OTHER_VERSION, BEFORE = "1", "before"
HERE = Machine("11.4.0.106", "13.0", "580.65", "9.0")
BUILT = Environment(
    HERE.tensorrt, HERE.cuda, "580.65", "9.0", "NVIDIA H100", "int8", ()
)

Spy = Callable[..., object]


@dataclass
class Site:
    """A data folder, and the machine that it is used on."""

    data: Path
    machine: Machine = HERE

    @property
    def version(self) -> Path:
        return self.data / "engines" / MODEL / VERSION

    @property
    def engine(self) -> Path:
        return self.version / "engines" / ENGINE

    def copy(self, to: Path) -> Site:
        shutil.rmtree(to, ignore_errors=True)
        return Site(shutil.copytree(self.data, to), self.machine)

    def sign_engine(self, plan: bytes | None = None, **changes: Any) -> None:
        """Give the engine a genuine signature on a changed manifest."""
        path = self.engine / "manifest.json"
        raw = dict(EngineManifest.parse(path.read_bytes()).raw)
        if plan is not None:
            (self.engine / "engine.plan").write_bytes(plan)
            raw["files"] = {**raw["files"], "engine.plan": pin(plan)}
        path.write_bytes(canonical({**raw, **changes}))
        ring = KeyRing.load(self.data)
        (self.engine / "manifest.sig").write_bytes(sign(path.read_bytes(), ring))

    def use(self, what: str, deserialise: Spy) -> None:
        """Load the current engine, or the ONNX file, as a worker does."""
        if what == "engine":
            found = open_engine(self.data, MODEL, VERSION, self.machine)
            deserialise(found.plan)
            return
        with patch.object(api, "open_backend", deserialise):
            api.load_detector(MODEL, VERSION, data=self.data)


def make_site(folder: Path, plan_bytes: int = 20_000) -> Site:
    """Versions 1 and 2, each with an engine of one kind, and one for another card."""
    rng = random.Random(6)
    data = folder / "var"
    for version in (OTHER_VERSION, VERSION):
        write_version(folder / "released", version, rng.randbytes(plan_bytes))
    adopt(folder / "released", data, shipped=True)
    build(data, OTHER_VERSION, BEFORE, plan(rng, plan_bytes))
    build(data, VERSION, ENGINE, plan(rng, plan_bytes))
    other_card = replace(BUILT, compute_capability="8.9", gpu="NVIDIA L4")
    build(data, VERSION, OTHER, plan(rng, plan_bytes), other_card)
    open_latest(data, MODEL)
    return Site(data)


def build(
    data: Path,
    version: str,
    name: str | None,
    content: bytes,
    environment: Environment = BUILT,
    **options: Any,
) -> EngineManifest:
    found = open_signed(data, MODEL, version)
    onnx = found.manifest.files["model.onnx"].sha256
    return write_engine(
        data, found, onnx, content, b"cache", environment, name=name, **options
    )


def plan(rng: random.Random, size: int, tensorrt: str = HERE.tensorrt) -> bytes:
    """Bytes with the head of a plan."""
    head = b"ftrt" + bytes(20) + bytes(map(int, tensorrt.split(".")))
    return head + rng.randbytes(size - len(head))


def write_version(source: Path, version: str, model: bytes) -> None:
    folder = source / MODEL / version
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(model)
    manifest = {
        "schema": 1,
        "model": MODEL,
        "version": version,
        "classes": ["scratch"],
        "input": {"layout": "NCHW", "channels": 3, "range": [0, 1], "sizes": [640]},
        "stride": 32,
        "threshold_ppm": 500_000,
        "nms_iou_ppm": 500_000,
        "metrics": {},
        "files": {"model.onnx": pin(model)},
        "release_seq": int(version),
        "previous": None,
        "kid": None,
        "created": "2026-11-22T12:00:00Z",
    }
    (folder / "manifest.json").write_bytes(canonical(manifest))


def stop(*_: object, **__: object) -> None:
    """As far as a genuine file comes where no runtime is."""
    raise BackendUnavailable("far enough")
