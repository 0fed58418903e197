"""How many scans a JPEG has, told from its markers; no pixel is touched.

A progressive one may have as many as it has room for. 70 bytes are enough for a scan,
and each goes over all of the picture: 20 MB of them are decoded for half an hour.
"""

from __future__ import annotations

import re
import struct

MAX_SCANS = 100
"""Programs write a dozen."""

_MAX_MARKERS = 10_000
_SCAN, _END = 0xDA, 0xD9
_BARE = {0x01, *range(0xD0, 0xD9)}
# What follows FF in a scan that goes on: a stuffed 0, a restart, one more FF.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def has_too_many_scans(data: bytes) -> bool:
    """More than MAX_SCANS, up to the end mark; those of thumbnails do not count."""
    if data.count(bytes([0xFF, _SCAN])) <= MAX_SCANS:
        return False  # nearly always, and soon known
    found, at = 0, 2
    for _ in range(_MAX_MARKERS):
        marker = _MARKER.search(data, at)
        if marker is None or found > MAX_SCANS:
            break
        at, kind = marker.end(), marker[0][1]
        if kind == _END or at + 2 > len(data):
            break
        if kind not in _BARE:
            found += kind == _SCAN
            at += struct.unpack_from(">H", data, at)[0]
    else:
        return True  # whoever looks for them would look for seconds
    return found > MAX_SCANS
