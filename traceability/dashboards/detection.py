"""What the control chart of a defect rate says, in a few lines below its chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from traceability.attribution.wording import moment
from traceability.dashboards.drift import Fact


def detection_facts(found: Mapping[str, Any] | None) -> list[Fact]:
    """Names and values; nothing where no chart was kept (`watch.detection`)."""
    if not found:
        return []
    apart = number_format(round(found["arl"]), 0, force_grouping=True)
    return [
        (_("Control chart (CUSUM)"), _signal(found["rises"])),
        (_("False alarms"), _("one in {points} stretches").format(points=apart)),
    ]


def _signal(rises: list[Mapping[str, Any]]) -> str:
    if not rises:
        return _("no signal")
    last = rises[-1]
    words = (
        _("signal on {signal}, risen since {onset}")
        if last["ongoing"]
        else _("signal on {signal}, risen from {onset} to {last}")
    )
    times = {name: _time(last[name]) for name in ("signal", "onset", "last")}
    return words.format(**times)


def _time(text: str) -> str:
    at = parse_datetime(text)
    return moment(at) if at is not None else text
