"""What an analysis says, in the words of the reader: pages and mails use the same ones.

Statements are stored as codes with parameters. Every function here answers in the
active language and time zone, runs no query of its own, and never fails on a code or
a parameter that it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from traceability.attribution.facts import facts_of, moment
from traceability.attribution.models import Cause, Problem

KINDS = {
    "lot": gettext_lazy("material lot"),
    "equipment": gettext_lazy("machine"),
    "operator": gettext_lazy("operator"),
    "shift": gettext_lazy("shift"),
    "tool": gettext_lazy("tool"),
    "supplier": gettext_lazy("supplier"),
    "parameter": gettext_lazy("process parameter"),
    "age": gettext_lazy("age or service interval"),
    "interaction": gettext_lazy("combination"),
}

# What is suspected, as the heading of a card.
HEADINGS = {
    "lot": gettext_lazy("Lot {level} of {factor}"),
    "equipment": gettext_lazy("Machine {level} at {operation}"),
    "operator": gettext_lazy("Operator {level} at {operation}"),
    "shift": gettext_lazy("Shift {level} at {operation}"),
    "tool": gettext_lazy("Tool {level} at {operation}"),
    "supplier": gettext_lazy("Supplier {level} of {factor}"),
    "parameter_above": gettext_lazy("{factor} above {threshold} at {place}"),
    "parameter_below": gettext_lazy("{factor} below {threshold} at {place}"),
    "age_above": gettext_lazy("{place}: more than {threshold} h since {since}"),
    "age_below": gettext_lazy("{place}: less than {threshold} h since {since}"),
    "interaction": gettext_lazy("{first} together with {second}"),
    "": gettext_lazy("{factor}: {level}"),
}

# Which units are exposed to it: the subject of `sentence`.
EXPOSED = {
    "lot": gettext_lazy("units made with lot {level} of {factor}"),
    "equipment": gettext_lazy("units that ran on machine {level} at {operation}"),
    "operator": gettext_lazy("units handled by operator {level} at {operation}"),
    "shift": gettext_lazy("units made by shift {level} at {operation}"),
    "tool": gettext_lazy("units made with tool {level} at {operation}"),
    "supplier": gettext_lazy("units made with {factor} from supplier {level}"),
    "parameter_above": gettext_lazy("units with {factor} above {threshold} at {place}"),
    "parameter_below": gettext_lazy("units with {factor} below {threshold} at {place}"),
    "age_above": gettext_lazy(
        "units made at {place} more than {threshold} hours after {since}"
    ),
    "age_below": gettext_lazy(
        "units made at {place} less than {threshold} hours after {since}"
    ),
    "interaction": gettext_lazy("units that met both {first} and {second}"),
    "": gettext_lazy("units with {factor}: {level}"),
}

# Lower limits of each word, highest first.
CONFIDENCE = (
    (0.95, pgettext_lazy("confidence", "almost certain")),
    (0.8, pgettext_lazy("confidence", "very likely")),
    (0.5, pgettext_lazy("confidence", "likely")),
    (0.2, pgettext_lazy("confidence", "possible")),
    (0.0, pgettext_lazy("confidence", "weak")),
)

NOT_RECORDED = {
    "readings": gettext_lazy("no readings"),
    "lots": gettext_lazy("no material lots"),
    "equipment": gettext_lazy("no machine"),
    "operator": gettext_lazy("no operator"),
    "shift": gettext_lazy("no shift"),
    "tool": gettext_lazy("no tool"),
    "steps": gettext_lazy("no operation runs"),
}


def kind_label(kind: str) -> str:
    """The kind of a cause as a noun; an unknown kind names itself."""
    return str(KINDS.get(kind, kind))


def heading(cause: Cause) -> str:
    """What is suspected, in a few words: "Machine M3 at OP40, since 11 Mar, 00:40"."""
    return _since(_filled(HEADINGS, cause), cause)


def sentence(cause: Cause) -> str:
    """The cause as one plain sentence. It says "associated", never "caused"."""
    exposed = _since(_filled(EXPOSED, cause), cause)
    if cause.relative_risk is None:
        return _("More defects are associated with {exposed}.").format(exposed=exposed)
    return _(
        "{times} times the usual defect rate is associated with {exposed}."
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


def ratio(value: float) -> str:
    """A relative risk: one decimal below ten, none above."""
    return number_format(value, 1 if value < 9.95 else 0)


def _filled(templates: Mapping[str, Any], cause: Cause) -> str:
    key, facts = facts_of(cause)
    text: str = str(templates.get(key, templates[""])).format_map(facts)
    return text


def _since(text: str, cause: Cause) -> str:
    if not str(cause.statement.get("code", "")).endswith("_from_onset"):
        return text
    if cause.onset is None:
        return text
    return _("{text}, since {onset}").format(text=text, onset=moment(cause.onset))
