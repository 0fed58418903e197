"""Upload photos as any camera does, and tell what is wrong with what."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from traceability.ingest.watching.plan import Photo

ADDRESS = "/api/v1/inspections/"
# Waiting for the result keeps us from sending faster than the server inspects.
WAIT_SECONDS = 10
TIMEOUT_SECONDS = 30
ABOUT_THE_PHOTO = (400, 413, 422)


class NotNow(Exception):
    """The server cannot take photos, or not from us: none is to blame."""


@dataclass
class Refused(Exception):
    """The server will not have this photo."""

    code: str
    message: str
    hint: str = ""
    fields: dict[str, list[str]] = field(default_factory=dict)

    @property
    def about_the_station(self) -> bool:
        """Not the photo is wrong, but what we were told of the station."""
        return "station" in self.fields


class Sender:
    """Sends with one API key. Safe in threads: nothing is kept between photos."""

    def __init__(self, url: str, key: str) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"{url!r} is no address of a server")
        self._url = url.rstrip("/") + ADDRESS
        self._key = key

    def send(self, photo: Photo) -> bool:
        """Whether it is new there; False if it had been sent before.

        Raises NotNow or Refused.
        """
        body, kind = _form(photo)
        headers = {
            "Authorization": f"Api-Key {self._key}",
            "Content-Type": kind,
            "Prefer": f"wait={WAIT_SECONDS}",
        }
        request = Request(self._url, body, headers)  # noqa: S310 - checked above
        try:
            with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                answer.read()
                return bool(answer.status != 200)
        except HTTPError as error:
            with error:
                raise _what_is_wrong(error.code, error.read()) from error
        except (OSError, HTTPException) as error:
            raise NotNow(f"{type(error).__name__}: {error}") from error


def _what_is_wrong(status: int, body: bytes) -> NotNow | Refused:
    try:
        said: dict[str, Any] = json.loads(body)
        refused = Refused(
            said["code"], said["message"], said["hint"], dict(said["fields"])
        )
    except (ValueError, KeyError, TypeError):  # not ours: a proxy's page
        return NotNow(f"the server answers {status}")
    if status in ABOUT_THE_PHOTO:
        return refused
    return NotNow(f"{status} {refused.code}: {refused.message} {refused.hint}")


def _form(photo: Photo) -> tuple[bytes, str]:
    """The multipart body and its content type."""
    boundary = uuid.uuid4().hex
    fields = {
        "serial": photo.serial,
        "station": photo.station,
        "captured_at": photo.captured_at.isoformat(),
        "external_id": photo.external_id,
    }
    part = f"--{boundary}\r\nContent-Disposition: form-data; name="
    texts = [f'{part}"{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    head = "".join(texts) + f'{part}"image"; filename="photo"\r\n\r\n'
    body = head.encode() + photo.data + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"
