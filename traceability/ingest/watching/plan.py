"""What is watched, and what a photo found there is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

DONE, REJECTED = "done", "rejected"
# The serial number ends where the first underscore is, or the name does.
PATTERN = re.compile(r"(?P<serial>[^_]+)")


class After(StrEnum):
    """What becomes of a photo that the server has."""

    MOVE = "move"
    DELETE = "delete"
    KEEP = "keep"


@dataclass(frozen=True)
class Plan:
    """How one folder is watched.

    A photo's station is the group `station` of `pattern`, else `station`, else (when
    that is None) the name of the first folder below `folder`. `pattern` is matched at
    the beginning of the file's name without its ending; times without a zone are in
    `zone`. A photo is complete when it has not changed for `settle_seconds`; one that
    the server refuses is rejected when it has been for `patience_seconds`.
    """

    folder: Path
    station: str | None
    pattern: re.Pattern[str] = PATTERN
    after: After = After.MOVE
    zone: ZoneInfo = ZoneInfo("UTC")
    settle_seconds: float = 2.0
    patience_seconds: float = 30.0


@dataclass(frozen=True)
class Candidate:
    """A file as it was when somebody looked."""

    path: Path
    size: int
    modified_ns: int


@dataclass(frozen=True)
class Photo:
    """What is sent. `external_id` follows from the file's place and its content."""

    data: bytes
    serial: str
    station: str
    captured_at: datetime
    external_id: str


class Rejected(Exception):
    """This file will never be an inspection; says why and what to do."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint


class Changed(Exception):
    """The file is not any more what it was: somebody writes to it, or took it away."""
