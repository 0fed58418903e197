"""What was done to keys, signatures and releases: a log that is only added to.

Each line names the hash of the line before and carries a code by a key of the ring, so
nobody without the ring can change, take out or add one unseen. `history` keeps how many
there were, so that a shorter log is seen too. Lines of keys that are gone are vouched
for by the lines after them.
"""

from __future__ import annotations

import getpass
import hashlib
import hmac
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inference_worker.engine import clock, sealing
from inference_worker.engine.errors import AuditBroken, KeyUnknown, ManifestError
from inference_worker.engine.fields import canonical, read_json
from inference_worker.engine.keyring import KeyRing

FILE = Path("engines/audit.log")
PURPOSE = b"causeline audit log v1"
_FIRST = "0" * 64
Entry = dict[str, Any]


def append(data: Path, ring: KeyRing, number: int, event: str, **details: Any) -> int:
    """Add a line; returns its number, `number` or what the log's end asks for."""
    path = data / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = _lines(path)
    number = max(number, len(lines) + 1)
    told = {
        "number": number,
        "at": clock.now(),
        "event": event,
        "by": _who(),
        "details": details,
        "before": _hash(lines[-1]) if lines else _FIRST,
        "kid": ring.active,
    }
    told["code"] = _code(told, ring)
    # What a crash left of a line must not swallow the next one.
    torn = path.exists() and path.stat().st_size and not _is_whole(path)
    with path.open("ab") as file:
        file.write(b"\n" * bool(torn) + canonical(told) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return number


def read(data: Path, ring: KeyRing, expected: int) -> list[Entry]:
    """The whole log, checked. Raises AuditBroken naming the first wrong line."""
    before, entries = _FIRST, list[Entry]()
    for i, line in enumerate(_lines(data / FILE), start=1):
        entry = _entry(line, i)
        if entry.get("number") != i or entry.get("before") != before:
            raise AuditBroken(f"{data / FILE}: a line is missing before line {i}")
        _check_code(entry, ring, i)
        before = _hash(line)
        entries.append(entry)
    if len(entries) < expected:
        raise AuditBroken(
            f"{data / FILE} has {len(entries)} lines, {expected} were written"
        )
    if entries and entries[-1]["kid"] not in ring.keys:
        raise AuditBroken(f"{data / FILE}: nobody here vouches for the last line")
    return entries


def believable(data: Path, ring: KeyRing) -> list[Entry]:
    """Those lines whose code is right, whatever became of the others."""
    found = []
    for i, line in enumerate(_lines(data / FILE), start=1):
        try:
            entry = _entry(line, i)
            if entry.get("kid") in ring.keys:
                _check_code(entry, ring, i)
                found.append(entry)
        except AuditBroken:
            continue
    return found


def _entry(line: bytes, number: int) -> Entry:
    try:
        return read_json(line)
    except ManifestError as error:
        raise AuditBroken(f"line {number} of the audit log is no entry") from error


def _check_code(entry: Mapping[str, Any], ring: KeyRing, number: int) -> None:
    try:
        right = _code(entry, ring)
    except KeyUnknown:
        return
    if not hmac.compare_digest(right, str(entry.get("code"))):
        raise AuditBroken(f"line {number} of the audit log was altered")


def _code(entry: Mapping[str, Any], ring: KeyRing) -> str:
    told = {name: value for name, value in entry.items() if name != "code"}
    return sealing.code(canonical(told), PURPOSE, ring, str(entry.get("kid")))


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines() if path.exists() else []


def _is_whole(path: Path) -> bool:
    return path.read_bytes().endswith(b"\n")


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in containers
        return str(os.getuid())
