"""What the charts of a parameter's readings say, in a few lines below its chart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from traceability.attribution.wording import moment

Fact = tuple[str, str]
Said = Mapping[str, Any]


def drift_facts(drift: Said | None) -> list[Fact]:
    """Names and values; nothing where no drift was looked for (`drift.Drift`)."""
    if not drift:
        return []
    return [*_move(drift["move"]), *_process(drift)]


def _move(move: Said | None) -> Iterator[Fact]:
    if move is None:
        yield _("Drift"), _("none: the readings stand still")
        return
    words = _("{size} σ up") if move["direction"] == "up" else _("{size} σ down")
    size = words.format(size=_number(abs(move["shift"]), 1))
    yield _("Drift"), size if move["ongoing"] else _("{size}, over").format(size=size)
    since = _time(move["onset"])
    if move["onset_low"] != move["onset_high"]:
        low, high = _time(move["onset_low"]), _time(move["onset_high"])
        since = f"{since} ({low} – {high})"
    yield _("Drifting since"), since
    yield _("Signals"), ", ".join(_signals(move))


def _signals(move: Said) -> Iterator[str]:
    yield "CUSUM"
    if move["ewma_signal"]:
        yield "EWMA"
    if move["rules"]:
        yield _("Nelson {rules}").format(rules=" ".join(map(str, move["rules"])))


def _process(drift: Said) -> Iterator[Fact]:
    if drift["changes"]:
        yield _("Change points"), str(len(drift["changes"]))
    capability = drift["capability"]
    if capability:
        for name in ("cp", "cpk", "ppk"):
            if capability[name]:
                yield name.capitalize(), _index(capability[name])
        outside = f"{_number(100 * capability['outside'], 1)} %"
        yield _("Outside the limits"), outside
    apart = number_format(round(drift["arl"]), 0, force_grouping=True)
    said = _("one in {points} points of each chart").format(points=apart)
    yield _("False alarms"), said


def _index(index: list[float]) -> str:
    value, low, high = (_number(part, 2) for part in index)
    return f"{value} ({low} – {high})"


def _number(value: float, digits: int) -> str:
    return str(number_format(value, digits))


def _time(text: str) -> str:
    at = parse_datetime(text)
    return moment(at) if at is not None else text
