"""Turn a file into a photo: whose it is, where and when it was taken."""

from __future__ import annotations

import hashlib
import io
import os
import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from django.conf import settings
from PIL import ExifTags
from PIL import Image as Pillow

from traceability.ingest.watching.plan import (
    Candidate,
    Changed,
    Photo,
    Plan,
    Rejected,
)

# EXIF writes "2026:03:11 08:15:00" and, if it is new enough, "+08:00" beside it.
MOMENT = "%Y:%m:%d %H:%M:%S"
ZONE = re.compile(r"[+-]\d\d:\d\d")


def read(candidate: Candidate, plan: Plan) -> Photo:
    """Raises Rejected for what name or size forbid, Changed for a file in motion."""
    if candidate.size > settings.MAX_IMAGE_BYTES:
        most = settings.MAX_IMAGE_BYTES // 2**20
        raise Rejected(
            "image_too_large",
            f"The file has {candidate.size} bytes.",
            f"At most {most} MB can be taken.",
        )
    serial, station = _who_and_where(candidate, plan)
    data = _bytes(candidate)
    # Of the name's bytes, which need not be UTF-8.
    digest = hashlib.sha256(os.fsencode(_place(candidate, plan)) + b"\0" + data)
    return Photo(
        data=data,
        serial=serial,
        station=station,
        captured_at=_captured_at(data, plan.zone) or _changed_at(candidate),
        external_id=f"folder:{digest.hexdigest()}",
    )


def _place(candidate: Candidate, plan: Plan) -> str:
    """Where the file lies below the folder, wherever that is mounted."""
    return candidate.path.relative_to(plan.folder).as_posix()


def _bytes(candidate: Candidate) -> bytes:
    """The content of the file while it is what it was before and after."""
    try:
        data = candidate.path.read_bytes()
        state = candidate.path.stat()
    except FileNotFoundError:
        raise Changed from None
    now = Candidate(candidate.path, state.st_size, state.st_mtime_ns)
    if now != candidate or len(data) != candidate.size:
        raise Changed
    return data


def _who_and_where(candidate: Candidate, plan: Plan) -> tuple[str, str]:
    match = plan.pattern.match(candidate.path.stem)
    groups = match.groupdict() if match else {}
    serial = (groups.get("serial") or "").strip()
    if not serial:
        raise Rejected(
            "no_serial",
            f"The name {candidate.path.name!r} holds no serial number: it does not "
            f"match {plan.pattern.pattern!r}.",
            "Correct the name, or the pattern, and put the file back.",
        )
    inside = candidate.path.relative_to(plan.folder).parts[:-1]
    station = groups.get("station") or plan.station or (inside[0] if inside else "")
    if not station:
        raise Rejected(
            "no_station",
            "The file lies beside the folders of the stations.",
            "Put it into the folder that is named like its station.",
        )
    for text in (serial, station):
        _check_readable(text)
    return serial, station


def _check_readable(text: str) -> None:
    """Raises Rejected for bytes that are no text, which a share mounted with another
    character set has in its names.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Rejected(
            "name_not_utf8",
            f"The name is not UTF-8: {text!r}.",
            "Rename the file, or mount the share with its character set "
            "(iocharset=utf8), and put the file back.",
        ) from None


def _changed_at(candidate: Candidate) -> datetime:
    try:
        return datetime.fromtimestamp(candidate.modified_ns / 1e9, UTC)
    except (ValueError, OverflowError, OSError):
        raise Rejected(
            "no_time",
            "Neither EXIF nor the file says when it was taken.",
            "Set the file's time of change, and put the file back.",
        ) from None


def _captured_at(data: bytes, zone: ZoneInfo) -> datetime | None:
    """When the camera took it, if the photo says so."""
    try:
        with Pillow.open(io.BytesIO(data)) as photo:
            exif = photo.getexif()
            detail = exif.get_ifd(ExifTags.IFD.Exif)
        base = ExifTags.Base
        text = detail.get(base.DateTimeOriginal) or exif.get(base.DateTime)
        offset = detail.get(base.OffsetTimeOriginal) or detail.get(base.OffsetTime)
        moment = datetime.strptime(str(text).strip("\0 "), MOMENT)  # noqa: DTZ007 - its zone comes next
    except (OSError, SyntaxError, ValueError, EOFError, Pillow.DecompressionBombError):
        return None  # no photo, or a clock that was never set: the server looks closer
    return moment.replace(tzinfo=_zone(offset, zone))


def _zone(offset: object, zone: ZoneInfo) -> tzinfo:
    text = str(offset).strip("\0 ")
    if not ZONE.fullmatch(text):
        return zone
    return datetime.strptime(text, "%z").tzinfo or zone
