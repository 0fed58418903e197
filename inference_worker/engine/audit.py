"""What was done to keys, signatures and releases: a log that is only added to.

Each line names the hash of the line before and carries a code by a key of the ring, so
nobody without the ring can change, take out or add one unseen. `history` keeps how many
there were, so that a shorter log is seen too. Lines of keys that are gone are vouched
for by the lines after them; so are the remains of a line that a crash cut short, if it
never counted as written.
"""

from __future__ import annotations

import getpass
import hashlib
import hmac
import os
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from inference_worker.engine import clock, sealing
from inference_worker.engine.errors import AuditBroken, KeyUnknown, ManifestError
from inference_worker.engine.fields import canonical, read_json
from inference_worker.engine.keyring import KeyRing

FILE = Path("engines/audit.log")
PURPOSE = b"causeline audit log v1"
CUT_SHORT = "cut short"
"""The event of a line of which a crash has left only a part."""

_FIRST = "0" * 64
Entry = dict[str, Any]


def append(data: Path, ring: KeyRing, number: int, event: str, **details: Any) -> int:
    """Add a line; returns its number, `number` or what the log's end asks for."""
    path = data / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    there = path.read_bytes() if path.exists() else b""
    lines, cut = there.splitlines(), _cut_short(there, number - 1)
    number = max(number, len(lines) + 1)
    told: Entry = {
        "number": number,
        "at": clock.now(),
        "event": event,
        "by": _who(),
        "details": details,
        "before": _hash(lines[-1]) if lines else _FIRST,
        "kid": ring.active,
    }
    if cut:
        told["cut"] = cut
    told["code"] = _code(told, ring)
    # What a crash left of a line must not swallow the next one.
    torn = bool(there) and not there.endswith(b"\n")
    with path.open("ab") as file:
        file.write(b"\n" * torn + canonical(told) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return number


def read(data: Path, ring: KeyRing, expected: int) -> list[Entry]:
    """The whole log, checked; CUT_SHORT where a crash left a part of a line.

    Raises AuditBroken naming the first wrong line.
    """
    path = data / FILE
    text = path.read_bytes() if path.exists() else b""
    before, entries, cut, kid = _FIRST, list[Entry](), list[int](), ring.active
    for i, line in enumerate(text.splitlines(), start=1):
        if not _is_entry(line):
            cut.append(i)
        else:
            entry = _entry(line, i)
            _check_place(entry, i, before, cut)
            _check_code(entry, ring, i)
            entries += [*map(_remains, cut), entry]
            cut, kid = [], entry["kid"]
        before = _hash(line)
    if len(cut) > _cut_short(text, expected):
        raise AuditBroken(f"line {cut[0]} of the audit log is no entry")
    entries += map(_remains, cut)
    if len(entries) < expected:
        raise AuditBroken(f"{path} has {len(entries)} lines, {expected} were written")
    if kid not in ring.keys:
        raise AuditBroken(f"{path}: nobody here vouches for the last line")
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


def _is_entry(line: bytes) -> bool:
    try:
        _entry(line, 0)
    except AuditBroken:
        return False
    return True


def _cut_short(text: bytes, written: int) -> int:
    """How many lines at the end a crash may have cut: none of those `written` before,
    and none that are whole.
    """
    if text.endswith(b"\n"):
        return 0
    later = text.splitlines()[written:]
    return len(list(takewhile(lambda line: not _is_entry(line), reversed(later))))


def _remains(number: int) -> Entry:
    told = {"number": number, "at": "", "event": CUT_SHORT, "by": "", "details": {}}
    return {**told, "kid": None}


def _check_place(entry: Entry, number: int, before: str, cut: list[int]) -> None:
    if entry.get("cut", 0) != len(cut):
        first = cut[0] if cut else number
        raise AuditBroken(f"line {first} of the audit log is no entry")
    if entry.get("number") != number or entry.get("before") != before:
        raise AuditBroken(f"{FILE}: a line is missing before line {number}")


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


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in containers
        return str(os.getuid())
