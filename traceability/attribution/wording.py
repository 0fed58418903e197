"""What an analysis says, in the words of the reader: pages and mails use the same ones.

Statements are stored as codes with parameters (`analytics/core/statements.py`). Every
function here answers in the active language and time zone, runs no query of its own,
and never fails on a code or a parameter that it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from traceability.attribution.models import Cause, Problem
from traceability.attribution.phrases import (
    COMPARISONS,
    CONFIDENCE,
    EXPOSED,
    HEADINGS,
    KINDS,
    NOT_RECORDED,
    NOTES,
    SINCE,
)

FROM_ONSET = "_from_onset"


def kind_label(kind: str) -> str:
    """The kind of a cause as a noun; an unknown kind names itself."""
    return str(KINDS.get(kind, kind))


def heading(cause: Cause) -> str:
    """What is suspected, in a few words: "Machine M3 at OP40, since 11 Mar, 00:40"."""
    return _said(HEADINGS, cause)


def sentence(cause: Cause) -> str:
    """The cause as one plain sentence. It says "associated", never "caused"."""
    exposed = _said(EXPOSED, cause)
    if cause.relative_risk is None:
        return _("More defects are associated with {exposed}.").format(exposed=exposed)
    return _(
        "A defect rate {times} times that of other units is associated with {exposed}."
    ).format(times=ratio(cause.relative_risk), exposed=exposed)


def problem_title(problem: Problem) -> str:
    """The defect and what happened to it. Reads `problem.defect_class`."""
    name = problem.defect_class.name
    if problem.cluster != "all":
        name = _("{defect} (group {cluster})").format(
            defect=name, cluster=problem.cluster
        )
    if problem.question == Problem.Question.CHRONIC:
        return _("{defect}: a steady source of defects").format(defect=name)
    if problem.onset is None:
        return _("{defect}: more than usual").format(defect=name)
    return _("{defect}: more than usual since {onset}").format(
        defect=name, onset=moment(problem.onset)
    )


def confidence_word(confidence: float) -> str:
    """The confidence as a word; always show the number beside it."""
    return next(str(word) for least, word in CONFIDENCE if confidence >= least)


def not_recorded_text(gap: Mapping[str, Any]) -> str:
    """One entry of `Problem.not_recorded`: "OP60: no readings"."""
    what = str(gap.get("what", ""))
    text = str(NOT_RECORDED.get(what, what))
    place = gap.get("operation") or gap.get("material") or ""
    return f"{place}: {text}" if place else text


def separation(statement: Mapping[str, Any]) -> str:
    """The cheapest comparison that would tell two candidates apart."""
    return _filled(COMPARISONS, statement)


def note(statement: Mapping[str, Any]) -> str:
    """A remark of the analysis about itself."""
    return _filled(NOTES, statement)


def ratio(value: float) -> str:
    """A relative risk: one decimal below ten, none above."""
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def moment(at: datetime) -> str:
    """Day and time in the active language and time zone; the year only if not this."""
    local = timezone.localtime(at)
    day = pgettext("day, as a date format", "j M")
    if local.year != timezone.localtime().year:
        day = pgettext("day and year, as a date format", "j M Y")
    return _("{day}, {time}").format(
        day=formats.date_format(local, day),
        time=formats.date_format(local, "H:i"),
    )


def _said(phrases: Mapping[str, Any], cause: Cause) -> str:
    """The phrase for the cause's code, with its onset where the code has one."""
    code = str(cause.statement.get("code", ""))
    known = {"factor": _joined(cause.factor), "level": _joined(cause.level)}
    params = {**known, **cause.statement.get("params", {})}
    text = _filled(phrases, {"code": code.removesuffix(FROM_ONSET), "params": params})
    onset = parse_datetime(str(params.get("onset") or ""))
    if not code.endswith(FROM_ONSET) or onset is None:
        return text
    return _("{text}, since {onset}").format(text=text, onset=moment(onset))


def _filled(phrases: Mapping[str, Any], statement: Mapping[str, Any]) -> str:
    """The phrase with its parameters; an unknown code lists what it came with."""
    params = {k: _written(k, v) for k, v in statement.get("params", {}).items()}
    phrase = phrases.get(str(statement.get("code", "")))
    if phrase is not None:
        return str(phrase).format_map(_Gaps(params)).replace("  ", " ")
    if "level" in params:
        return f"{params['factor']}: {params['level']}"
    return " · ".join([str(statement.get("code", "")), *params.values()])


class _Gaps(dict[str, str]):
    """A parameter that is not there becomes a question mark."""

    def __missing__(self, name: str) -> str:
        return "?"


def _written(name: str, value: Any) -> str:
    if name == "since":
        return str(SINCE.get(str(value), value))
    if isinstance(value, float):
        return f"{value:.6g}"
    return _joined(value)


def _joined(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " × ".join(str(part) for part in value)
    return "" if value is None else str(value)
