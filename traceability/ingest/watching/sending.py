"""Upload photos as any camera does, and tell what is wrong with what."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

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


class _NotElsewhere(HTTPRedirectHandler):
    """A redirect would be followed without the photo: what answers there does not have
    it.
    """

    def redirect_request(self, *args: Any) -> None:
        return None


_opener = build_opener(_NotElsewhere)


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
            with _opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                _check_it_is_there(photo, answer.read())
                return bool(answer.status != 200)
        except HTTPError as error:
            with error:
                place = error.headers.get("Location")
                raise _what_is_wrong(error.code, error.read(), place) from error
        except (OSError, HTTPException) as error:
            raise NotNow(f"{type(error).__name__}: {error}") from error


def _check_it_is_there(photo: Photo, body: bytes) -> None:
    """Raises NotNow when whoever answered is not our server: it has no photo, and the
    file must stay.
    """
    try:
        said = json.loads(body)
        known: object = said["external_id"]
    except (ValueError, KeyError, TypeError):
        known = None
    if known != photo.external_id:
        raise NotNow("what answers there does not know the photo: is --url right?")


def _what_is_wrong(status: int, body: bytes, place: str | None) -> NotNow | Refused:
    if place:
        return NotNow(f"the server answers {status}, go to {place}: is --url right?")
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
