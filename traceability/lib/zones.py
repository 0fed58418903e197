"""Time zones by name, as people and old rows spell them."""

from __future__ import annotations

import difflib
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones


def zone_or_utc(name: str) -> ZoneInfo:
    """The zone of this name; UTC where there is none, for a clock must always go."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def nearest_zone(name: str) -> str:
    """The name that is spelt most like `name`: itself, if there is such a zone."""
    known = available_timezones()
    if name in known:
        return name
    return difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.0)[0]
