"""What an analysis says, in the words of the reader: pages and mails use the same ones.

Statements are stored as codes with parameters (`analytics/core/statements.py`). Every
function here answers in the active language and time zone, runs no query of its own,
and never fails on a code or a parameter that it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from traceability.attribution.credible import LIKELY
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
    UNEXPLAINED_OF,
)
from traceability.attribution.places import cluster_label

FROM_ONSET = "_from_onset"
MOST = 0.99
"""No more than this is ever said to be sure."""


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
    if place := cluster_label(problem.cluster):
        name = _("{defect} {place}").format(defect=name, place=place)
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


def confidence_share(confidence: float) -> str:
    """The confidence as percent, never more certain than counting can make it."""
    if confidence > MOST:
        return f"> {100 * MOST:.0f} %"
    return f"{100 * confidence:.0f} %"


def unexplained(problem: Problem) -> str:
    """Of what the unexplained share is a share, and what that amounts to."""
    share = problem.unexplained_share
    if share is None:
        return ""
    phrases = UNEXPLAINED_OF[problem.question]
    return next(str(words) for least, words in phrases if share >= least)


def hidden(confidence: float) -> str:
    """How sure it is that something not recorded is at work; "" when it is not."""
    if confidence < LIKELY:
        return ""
    return _("Something that is not recorded is at work: {word} ({share}).").format(
        word=confidence_word(confidence), share=confidence_share(confidence)
    )


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
    if params.get("parts"):
        return _together(phrases, params["parts"])
    text = _filled(phrases, {"code": code.removesuffix(FROM_ONSET), "params": params})
    onset = parse_datetime(str(params.get("onset") or ""))
    if not code.endswith(FROM_ONSET) or onset is None:
        return text
    return _("{text}, since {onset}").format(text=text, onset=moment(onset))


def _together(phrases: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> str:
    """Two statements that only do harm together."""
    said = [_filled(phrases, part) for part in parts]
    if phrases is EXPOSED:
        return _("units to which both apply ({parts})").format(parts=" · ".join(said))
    return _(" together with ").join(said)


def _filled(phrases: Mapping[str, Any], statement: Mapping[str, Any]) -> str:
    """The phrase with its parameters; an unknown code lists what it came with."""
    given = statement.get("params", {})
    params = {k: _written(k, given.get(f"{k}_name") or v) for k, v in given.items()}
    phrase = phrases.get(str(statement.get("code", "")))
    if phrase is not None:
        return str(phrase).format_map(_Gaps(params)).replace("  ", " ")
    if "level" in params:
        return f"{params['factor']}: {params['level']}"
    said = [value for name, value in params.items() if not name.endswith("_name")]
    return " · ".join([str(statement.get("code", "")), *said])


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
