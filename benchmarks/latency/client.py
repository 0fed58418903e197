"""A camera: uploads photos and waits for what was found on them."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Target:
    """Where to upload, and with which key."""

    url: str
    key: str
    station: str


class Client:
    """One HTTP connection a thread, kept alive as a camera's would be."""

    def __init__(self, target: Target, timeout: float = 30) -> None:
        self._target, self._timeout = target, timeout
        self._local = threading.local()
        self._opened: list[http.client.HTTPConnection] = []

    def upload(self, photo: bytes) -> tuple[bool, dict[str, Any]]:
        """Whether the result came with the answer, and the finished inspection."""
        boundary = uuid.uuid4().hex
        fields = {
            "serial": f"B{uuid.uuid4().hex[:12]}",
            "station": self._target.station,
            "captured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        part = f"--{boundary}\r\nContent-Disposition: form-data; name="
        texts = [f'{part}"{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
        head = "".join(texts) + f'{part}"image"; filename="photo.jpg"\r\n\r\n'
        body = head.encode() + photo + f"\r\n--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        headers = {"Content-Type": kind, "Prefer": "wait=5"}
        status, answer = self.send("POST", "/api/v1/inspections/", body, headers)
        if status not in (201, 202):
            raise RuntimeError(f"{status} {answer}")
        path = urlsplit(answer["url"]).path
        while answer["state"] == "pending":
            time.sleep(POLL_SECONDS)
            answer = self.send("GET", path, None, {})[1]
        return status == 201, answer

    def send(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """One request with the target's key; returns status and JSON."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            host = urlsplit(self._target.url).netloc
            connection = http.client.HTTPConnection(host, timeout=self._timeout)
            self._local.connection = connection
            self._opened.append(connection)
        key = {"Authorization": f"Api-Key {self._target.key}"}
        try:
            connection.request(method, path, body, headers | key)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException):
            connection.close()
            self._local.connection = None
            raise

    def close(self) -> None:
        """The connections of all threads."""
        while self._opened:
            self._opened.pop().close()
