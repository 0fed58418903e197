"""What a stored cause is about, whatever words are made of it."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from traceability.attribution.models import Cause

COMPARISON = re.compile(r"([<>]=?|≤|≥)\s*(-?[\d.]+(?:e[+-]?\d+)?)", re.IGNORECASE)
BELOW = ("<", "≤")

SINCE = {
    "maintenance": gettext_lazy("its last maintenance"),
    "calibration": gettext_lazy("its last calibration"),
    "tool_change": gettext_lazy("its last tool change"),
    "commissioning": gettext_lazy("its commissioning"),
    "commissioned": gettext_lazy("its commissioning"),
}


def facts_of(cause: Cause) -> tuple[str, dict[str, str]]:
    """The template key of a cause and what fills its template; a gap becomes "?".

    The statement's parameters come first, then `factor` and `level`, whose form is
    fixed by kind: a parameter's level is `> 52.3`, an interaction has two of each.
    """
    facts: dict[str, str] = defaultdict(lambda: "?")
    params = cause.statement.get("params", {})
    facts.update(_plain(params))
    facts.update(
        factor=_joined(cause.factor),
        level=_joined(cause.level),
        operation=cause.operation or _joined(cause.factor),
    )
    facts["place"] = facts.get("equipment") or facts["operation"]
    if cause.kind == "interaction":
        facts.update(first=_part(cause, 0), second=_part(cause, 1))
        return cause.kind, facts
    if cause.kind in ("parameter", "age"):
        return _threshold(cause, params, facts), facts
    return cause.kind, facts


def moment(at: datetime) -> str:
    """Day and time in the active language and time zone."""
    local = timezone.localtime(at)
    return _("{day}, {time}").format(
        day=formats.date_format(local, pgettext("day as a date format", "j M Y")),
        time=formats.date_format(local, "H:i"),
    )


def _threshold(cause: Cause, params: dict[str, Any], facts: dict[str, str]) -> str:
    """Fill in threshold and reference; returns the template key with its direction."""
    found = COMPARISON.search(_joined(cause.level))
    value = params.get("threshold", found and found.group(2))
    direction = params.get("direction") or (
        "below" if found and found.group(1)[0] in BELOW else "above"
    )
    unit = str(params.get("unit_of_measure") or "")
    facts["threshold"] = f"{_number(value)} {unit}".strip()
    since = str(params.get("since") or _joined(cause.level).split(" ")[0])
    facts["since"] = str(SINCE.get(since, since))
    return f"{cause.kind}_{direction}"


def _part(cause: Cause, index: int) -> str:
    factors, levels = _pair(cause.factor), _pair(cause.level)
    return f"{factors[index]} {levels[index]}".strip()


def _pair(value: Any) -> tuple[str, str]:
    parts = [str(part) for part in value] if isinstance(value, list) else [str(value)]
    return (*parts, "", "")[:2]


def _joined(value: Any) -> str:
    return " × ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _plain(params: dict[str, Any]) -> dict[str, str]:
    return {name: _joined(value) for name, value in params.items() if value is not None}


def _number(value: Any) -> str:
    try:
        return f"{float(value):.4g}"
    except (TypeError, ValueError):
        return "?" if value is None else str(value)
