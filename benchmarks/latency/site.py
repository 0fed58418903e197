"""A site of its own for a measurement: real processes, shipped model, drawn boards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from benchmarks.latency.client import Client, Target
from traceability.demo.boards.samples import draw_sample
from traceability.lib.processes import ProcessGroup
from traceability.lib.programs import REPOSITORY

STATION = "CAM1"


def photos(count: int, size: int, defective: float = 1.0) -> list[bytes]:
    """Boards that our own code draws, as a camera would send them; that share of them
    has defects.
    """
    rng = np.random.default_rng(7)
    drawn = [draw_sample(rng, size) for _ in range(count)]
    bad = round(defective * count)
    images = [
        one.image if n < bad else one.template_image for n, one in enumerate(drawn)
    ]
    quality = [cv2.IMWRITE_JPEG_QUALITY, 90]
    return [cv2.imencode(".jpg", im[..., ::-1], quality)[1].tobytes() for im in images]


@contextmanager
def own_site(folder: Path, port: int) -> Iterator[Target]:
    """Start one in `folder`, with a station and a key."""
    with ProcessGroup(folder, port=port) as group:
        _manage(group, "create_site", "BENCH")
        scopes = [word for s in ("ingest", "upload", "read") for word in ("--scope", s)]
        key = _manage(group, "create_key", "BENCH", "bench", *scopes).strip()
        target = Target(group.url, key, STATION)
        _push(target, "lines", {"code": "L1"})
        _push(target, "stations", {"code": STATION, "line": "L1"})
        yield target


def _manage(group: ProcessGroup, *words: str) -> str:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=REPOSITORY,
        env=os.environ | group.environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def _push(target: Target, resource: str, row: dict[str, str]) -> None:
    body = json.dumps([row]).encode()
    headers = {"Content-Type": "application/json"}
    path = f"/api/v1/{resource}/bulk"
    status, answer = Client(target).send("POST", path, body, headers)
    if status != 200 or answer["counts"].get("rejected"):
        raise SystemExit(f"{resource}: {status} {answer}")
