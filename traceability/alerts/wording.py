"""What an alert says, in the words of the reader."""

from __future__ import annotations

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from traceability.alerts.models import Alert, AlertKind
from traceability.alerts.rates import rates_of
from traceability.attribution.models import Problem


def title(alert: Alert) -> str:
    """What went wrong and where. Reads rule, class, station and line."""
    place = alert.station or alert.line
    if alert.rule.kind == AlertKind.PARAMETER_LIMIT:
        return _parameter(alert, str(place))
    if alert.rule.kind == AlertKind.DEGRADED:
        return _degraded(alert)
    defect = alert.defect_class.name if alert.defect_class else ""
    if alert.rule.kind == AlertKind.CONSECUTIVE:
        return ngettext(
            "{defect} on {count} unit in a row at {place}",
            "{defect} on {count} units in a row at {place}",
            _counted(alert),
        ).format(defect=defect, count=in_a_row(alert), place=place)
    return _("{defect}: more than usual on {place}").format(defect=defect, place=place)


def _parameter(alert: Alert, place: str) -> str:
    """The parameter, where it is measured, and the side on which it is out."""
    about = alert.details
    above = about.get("side") != "below"
    words = (
        _("{parameter} at {machine} is above its limit ({place})")
        if above
        else _("{parameter} at {machine} is below its limit ({place})")
    )
    machine = about.get("equipment") or about.get("operation", "")
    return words.format(
        parameter=about.get("parameter", ""), machine=machine, place=place
    )


def _degraded(alert: Alert) -> str:
    """What cannot look at photos any more, or that nothing can."""
    about = alert.details
    if not about.get("to"):
        return _("No photo can be inspected: they wait")
    return _("{way} has failed, photos are inspected with {other}").format(
        way=way_name(str(about.get("rung", ""))), other=way_name(str(about["to"]))
    )


WAYS = {
    "tensorrt": gettext_lazy("TensorRT"),
    "tensorrt-previous": gettext_lazy("TensorRT with the previous engine"),
    "cuda": gettext_lazy("ONNX Runtime on the GPU"),
    "onnxruntime": gettext_lazy("ONNX Runtime"),
    "openvino": gettext_lazy("OpenVINO on the CPU"),
}
REASONS = {
    "SIG": gettext_lazy("its files are not what the site signed"),
    "ENV": gettext_lazy("it was made for another machine, or its runtime is missing"),
    "LOAD": gettext_lazy("its runtime does not load it"),
    "WARMUP": gettext_lazy("it did not compute what the CPU computes"),
    "OOM": gettext_lazy("the card has no room for it"),
    "RUNTIME": gettext_lazy("it failed while it looked at photos"),
}


def way_name(rung: str) -> str:
    """A way to inspect in words; its own name where there are none."""
    return str(WAYS.get(rung, rung))


def degraded_facts(alert: Alert) -> list[tuple[str, str]]:
    """What failed, where and why; nothing for other alerts."""
    about = alert.details
    if alert.rule.kind != AlertKind.DEGRADED:
        return []
    reason = str(about.get("reason", ""))
    why = f"{reason}: {REASONS.get(reason, '')}"
    return [
        (_("Worker"), str(about.get("place", ""))),
        (_("What failed"), way_name(str(about.get("rung", "")))),
        (_("Reason"), why),
        (_("Message"), f"{about.get('code', '')}: {about.get('message', '')}"),
    ]


def parameter_facts(alert: Alert) -> list[tuple[str, str]]:
    """Operation, limits and newest reading of a parameter; nothing for other alerts."""
    about = alert.details
    if alert.rule.kind != AlertKind.PARAMETER_LIMIT:
        return []
    measure = about.get("unit_of_measure", "")
    facts = [(_("Operation"), str(about.get("operation", "")))]
    for name, key in (
        (_("Lower limit"), "lower_limit"),
        (_("Upper limit"), "upper_limit"),
        (_("Newest reading outside"), "value"),
    ):
        if about.get(key) is not None:
            facts.append((name, f"{about[key]:g} {measure}".strip()))
    outside = _("{outside} of {readings} since then").format(
        outside=about.get("outside", 0), readings=about.get("readings", 0)
    )
    return [*facts, (_("Readings outside"), outside)]


def in_a_row(alert: Alert) -> str:
    """How many units; `1000+` where there may be more than were counted."""
    return f"{_counted(alert)}{'+' if alert.details.get('more') else ''}"


def _counted(alert: Alert) -> int:
    return int(alert.details.get("consecutive") or alert.rule.consecutive)


def how_much(problem: Problem) -> str:
    """The rise in one line: rate before → since, or the units where that is unknown."""
    rates = rates_of(problem)
    if rates is not None:
        return f"{percent(rates.before)} → {percent(rates.since)}"
    count = problem.defective_units
    return ngettext(
        "{count} defective unit ({rate})", "{count} defective units ({rate})", count
    ).format(count=count, rate=percent(problem.rate))


def percent(share: float) -> str:
    """A share 0..1 in percent, with two digits that count."""
    value = 100 * share
    return f"{number_format(value, 0 if value >= 10 else 1)} %"
