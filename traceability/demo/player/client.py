"""A small HTTP client: one connection kept alive, JSON and uploads, an API key.

Everything the player sends may safely be sent twice, so a lost answer is simply asked
for again.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

TIMEOUT_SECONDS = 120
ATTEMPTS = 8
RETRY_STATUS = frozenset({429, 502, 503, 504})


class ApiError(Exception):
    """The server refused a request, or could not be reached."""


class Client:
    """Talks to one server with one key; not to be shared between threads."""

    def __init__(self, host: str, port: int, key: str = "") -> None:
        self._connection = HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
        self._headers = {"Authorization": f"Api-Key {key}"} if key else {}

    def close(self) -> None:
        """Drop the connection; the next request opens another."""
        self._connection.close()

    def get(self, path: str, **query: Any) -> Any:
        return self._json("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: Any = None) -> Any:
        data = b"" if body is None else json.dumps(body).encode()
        return self._json("POST", path, data, "application/json")

    def upload(self, path: str, form: Mapping[str, str], image: bytes) -> Any:
        """Send a form whose file field is `image`, a JPEG."""
        boundary = uuid.uuid4().hex
        data = _multipart(boundary, form, image)
        return self._json(
            "POST", path, data, f"multipart/form-data; boundary={boundary}"
        )

    def pages(self, path: str, **query: Any) -> Iterator[Any]:
        """The items of a list, page after page."""
        page = self.get(path, **query)
        while True:
            yield from page["results"]
            if not page["next"]:
                return
            parts = urlsplit(page["next"])
            page = self._json("GET", f"{parts.path}?{parts.query}")

    def answers(self, path: str) -> bool:
        """Does the server answer this address with success, right now?"""
        try:
            return self._request("GET", path, b"", {})[0] < 400
        except (OSError, HTTPException):
            self._connection.close()
            return False

    def _json(
        self, method: str, path: str, data: bytes = b"", content_type: str = ""
    ) -> Any:
        headers = dict(self._headers)
        if content_type:
            headers["Content-Type"] = content_type
        status, body = self._patiently(method, path, data, headers)
        if status >= 400:
            raise ApiError(f"{method} {path}: {status} {body[:500].decode()}")
        return json.loads(body) if body else None

    def _patiently(
        self, method: str, path: str, data: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        """Ask again while the server restarts or is busy, up to half a minute."""
        for attempt in range(ATTEMPTS):
            try:
                status, body = self._request(method, path, data, headers)
            except (OSError, HTTPException) as error:
                self._connection.close()
                problem = f"{method} {path}: {error!r}"
            else:
                if status not in RETRY_STATUS:
                    return status, body
                problem = f"{method} {path}: {status} {body[:500].decode()}"
            time.sleep(0.25 * 2**attempt if attempt else 0.0)
        raise ApiError(problem)

    def _request(
        self, method: str, path: str, data: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        self._connection.request(method, path, data or None, dict(headers))
        response = self._connection.getresponse()
        return response.status, response.read()


def _multipart(boundary: str, form: Mapping[str, str], image: bytes) -> bytes:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        f"{value}\r\n".encode()
        for name, value in form.items()
    ]
    head = (
        f"--{boundary}\r\nContent-Disposition: form-data; "
        'name="image"; filename="photo.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    )
    return b"".join([*parts, head.encode(), image, f"\r\n--{boundary}--\r\n".encode()])
