"""A whole site of real processes for tests: data folder, API key, uploads, ledger."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psycopg

from tests.engine.toy import board, paint, write_toy
from tests.services import free_port
from traceability.lib.processes import PARTS, ProcessGroup
from traceability.lib.programs import REPOSITORY

CREATE = """
import django; django.setup()
from traceability.accounts.models import Scope
from traceability.accounts.services import create_api_key
from traceability.catalog.models import Line, Site, Station
site = Site.objects.create(code="S", name="Test")
line = Line.objects.create(site=site, code="L1")
Station.objects.create(site=site, line=line, code="CAM1")
print(create_api_key(site, "camera", list(Scope))[1])
"""


def jpeg(*squares: tuple[int, int, int], size: int = 640) -> bytes:
    """A photo for the toy detector: coloured squares (class, left, top) on black."""
    image = board(size, size)
    for class_id, left, top in squares:
        paint(image, class_id, left, top)
    return cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[
        1
    ].tobytes()


def noise(seed: int, size: int = 640) -> bytes:
    """A photo with nothing on it, heavy as a real one."""
    grain = np.random.default_rng(seed).integers(0, 90, (size, size, 3), np.uint8)
    return cv2.imencode(".jpg", grain)[1].tobytes()


@dataclass
class Factory:
    """Start it, upload to it, kill parts of it, and ask what became of everything."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[str, ...] = PARTS

    def __post_init__(self) -> None:
        released = self.folder / "released"
        sizes = {"layout": "NCHW", "channels": 3, "range": [0, 1], "sizes": [320, 640]}
        write_toy(released, input=sizes)
        clean = {k: v for k, v in os.environ.items() if not k.startswith("CAUSELINE")}
        self.group = ProcessGroup(
            self.folder / "data",
            port=free_port(),
            parts=self.parts,
            environment=clean
            | {"CAUSELINE_MODEL": "toy", "CAUSELINE_PRECISION": "f32"}
            | dict(self.environment),
            models=released,
        )
        self.key = ""

    def __enter__(self) -> Factory:
        self.group.__enter__()
        try:
            self.key = self.run(CREATE).strip()
        except BaseException:
            self.group.stop()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.group.stop()

    def run(self, code: str) -> str:
        """Run Python in the site's environment."""
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=REPOSITORY,
            env=self.group.environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def upload(
        self,
        image: bytes,
        *,
        serial: str = "",
        wait: int = 0,
        traceparent: str = "",
        **fields: str,
    ) -> tuple[int, dict[str, Any]]:
        """POST an image; returns status and body."""
        form = {
            "serial": serial or uuid.uuid4().hex,
            "station": "CAM1",
            "captured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            **fields,
        }
        body, content_type = multipart(form, image)
        headers = {
            "Authorization": f"Api-Key {self.key}",
            "Content-Type": content_type,
        }
        if wait:
            headers["Prefer"] = f"wait={wait}"
        if traceparent:
            headers["traceparent"] = traceparent
        return self._send("POST", "/api/v1/inspections/", body, headers)

    def inspection(self, pk: str) -> dict[str, Any]:
        headers = {"Authorization": f"Api-Key {self.key}"}
        return self._send("GET", f"/api/v1/inspections/{pk}/", None, headers)[1]

    def _send(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.group.port, timeout=60
        )
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the database itself, beside every process of ours."""
        url = self.group.environment.get("CAUSELINE_DATABASE_URL")
        if url:
            with psycopg.connect(url) as server:
                return server.execute(sql).fetchall()
        path = self.group.data / "db.sqlite3"
        with sqlite3.connect(path, timeout=30) as database:
            return database.execute(sql).fetchall()

    def counts(self, table: str) -> dict[str, int]:
        """Rows of a table by state."""
        return dict(
            self.query(f"SELECT state, count(*) FROM {table} GROUP BY state")  # noqa: S608
        )

    def open_jobs(self) -> int:
        sql = (
            "SELECT count(*) FROM jobs_job WHERE queue = 'inspect' "
            "AND state IN ('pending', 'running')"
        )
        return int(self.query(sql)[0][0])

    def wait_until_done(self, timeout: float) -> float:
        """Seconds until no inspection was waiting or running."""
        started = time.monotonic()
        while self.open_jobs():
            if time.monotonic() - started > timeout:
                raise TimeoutError(f"{self.counts('jobs_job')} after {timeout} s")
            time.sleep(0.1)
        return time.monotonic() - started

    def pid(self, name: str) -> int:
        return self.group.processes()[name].pid

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to a process; returns the pid that it had."""
        pid = self.pid(name)
        if pid:
            os.kill(pid, number)
        return pid

    def wait_until_restarted(self, name: str, old: int, timeout: float = 30) -> None:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            process = self.group.processes()[name]
            if process.pid not in (0, old) and process.state == "RUNNING":
                return
            time.sleep(0.05)
        raise TimeoutError(f"{name} was not restarted")


def multipart(fields: Mapping[str, str], image: bytes) -> tuple[bytes, str]:
    """A form with an image, and its content type."""
    boundary = uuid.uuid4().hex
    part = f"--{boundary}\r\nContent-Disposition: form-data; name="
    texts = [f'{part}"{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    head = "".join(texts) + f'{part}"image"; filename="photo.jpg"\r\n\r\n'
    body = head.encode() + image + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"
