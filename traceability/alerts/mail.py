"""The mail that tells of an alert, made when it is sent: it says what is true then."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from traceability.accounts.models import User
from traceability.alerts import wording
from traceability.alerts.models import Alert, AlertState
from traceability.alerts.pictures import defect_picture
from traceability.alerts.selectors import shown_defect
from traceability.attribution.credible import POSSIBLE
from traceability.attribution.models import Cause
from traceability.attribution.wording import (
    confidence_share,
    confidence_word,
    heading,
    kind_label,
    moment,
    ratio,
    sentence,
)
from traceability.catalog.models import Site
from traceability.inspection.models import Defect
from traceability.outbox.mail import Mail, Picture
from traceability.outbox.transports.errors import Undeliverable

CAUSES_SHOWN = 3
CID = "defect"
INVISIBLE = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\s]+")


def render(message: Mapping[str, Any]) -> Mail:
    """The mail of `message["alert"]` for `message["user"]`, in their language.

    Times are those of the site. Raises Undeliverable when there is no reason any more
    to write: the alert was withdrawn, the user has left.
    """
    alert = _alert(message)
    user = User.objects.filter(pk=message["user"], is_active=True).first()
    if user is None:
        raise Undeliverable("the user is no longer there")
    zone = _zone(alert.site)
    with translation.override(user.language), timezone.override(zone):
        return _mail(alert, zone)


def _alert(message: Mapping[str, Any]) -> Alert:
    found = Alert.objects.select_related(
        "rule", "site", "line", "station", "defect_class", "problem__defect_class"
    )
    alert = found.filter(pk=message["alert"]).first()
    if alert is None:
        raise Undeliverable("the alert is no longer there")
    if alert.state == AlertState.WITHDRAWN:
        raise Undeliverable("the alert was withdrawn")
    return alert


def _mail(alert: Alert, zone: ZoneInfo) -> Mail:
    defect = shown_defect(alert)
    picture = defect_picture(defect) if defect is not None else None
    title = _visible(wording.title(alert))
    context = {
        "language": translation.get_language(),
        "title": title,
        "facts": [(name, _visible(value)) for name, value in _facts(alert)],
        "defect": _defect(defect),
        "cid": CID if picture else "",
        "of_defects": alert.defect_class is not None,
        **_causes(alert),
        "link": permalink(alert),
        "place": _visible(str(alert.station or alert.line)),
        "zone": zone.key,
    }
    return Mail(
        subject=_subject(alert, title),
        text=render_to_string("mail/alert.txt", context).strip() + "\n",
        html=render_to_string("mail/alert.html", context),
        pictures=(Picture(CID, picture),) if picture else (),
        thread=f"{alert.rule_id}:{alert.station_id or alert.line_id}"
        f":{alert.defect_class_id or alert.key}",
    )


def permalink(alert: Alert) -> str:
    """Where the reader finds the same: the problem's page, else the alert's."""
    if alert.station is None and alert.problem is not None:
        return f"{settings.SITE_URL}/problems/{alert.problem_id}/"
    return f"{settings.SITE_URL}/alerts/{alert.pk}/"


def _subject(alert: Alert, title: str) -> str:
    if alert.station is None and alert.problem is not None:
        return _("{defect} on {place}: {amount}").format(
            defect=alert.defect_class.name if alert.defect_class else "",
            place=alert.line,
            amount=wording.how_much(alert.problem),
        )
    return title


def _facts(alert: Alert) -> list[tuple[str, str]]:
    """Names and values, in the order in which they are asked for."""
    facts = [(_("Site"), str(alert.site)), (_("Line"), str(alert.line))]
    if alert.station is not None:
        facts.append((_("Station"), str(alert.station)))
    facts.append((_("Since"), moment(alert.event_at)))
    if alert.station is None and alert.problem is not None:
        facts.append((_("Defect rate"), wording.how_much(alert.problem)))
        facts.append((_("Defective units"), str(alert.problem.defective_units)))
    facts += wording.parameter_facts(alert) + wording.degraded_facts(alert)
    if serials := alert.details.get("serials"):
        facts.append((_("Units in a row"), wording.in_a_row(alert)))
        facts.append((_("Last units"), ", ".join(map(str, serials))))
    return facts


def _defect(defect: Defect | None) -> dict[str, str] | None:
    """What is under the picture: unit, station and time, and where to see all of it."""
    if defect is None:
        return None
    image = defect.inspection.image
    return {
        "name": _visible(defect.defect_class.name),
        "serial": _visible(image.unit.serial),
        "station": _visible(str(image.station)),
        "time": moment(image.captured_at),
        "link": f"{settings.SITE_URL}/inspections/{defect.inspection_id}/",
    }


def _causes(alert: Alert) -> dict[str, Any]:
    """The first causes of the list that the page shows, and how many more it has."""
    problem = alert.problem
    if problem is None:
        return {"analysed": False, "causes": [], "more": 0}
    rise = problem.causes.filter(chronic=False, confidence__gte=POSSIBLE)
    ranked = list(rise.order_by("rank"))
    shown = [_cause(cause) for cause in ranked[:CAUSES_SHOWN]]
    return {"analysed": True, "causes": shown, "more": len(ranked) - len(shown)}


def _cause(cause: Cause) -> dict[str, Any]:
    share = max(0, min(100, round(100 * cause.confidence)))
    return {
        "rank": cause.rank,
        "heading": _visible(heading(cause)),
        "kind": kind_label(cause.kind),
        "sentence": _visible(sentence(cause)),
        "percent": share,
        "share": confidence_share(cause.confidence),
        "rest": 100 - share,
        "word": confidence_word(cause.confidence),
        "risk": _risk(cause),
    }


def _risk(cause: Cause) -> str:
    """The relative risk with its 95 % interval: "4.6× (3.1–6.6)"."""
    if cause.relative_risk is None:
        return ""
    text = f"{ratio(cause.relative_risk)}×"
    if cause.relative_risk_low is None or cause.relative_risk_high is None:
        return text
    low, high = ratio(cause.relative_risk_low), ratio(cause.relative_risk_high)
    return f"{text} ({low}–{high})"


def _visible(text: str) -> str:
    """In one line: a name must not be able to forge what stands below it."""
    return INVISIBLE.sub(" ", text).strip()


def _zone(site: Site) -> ZoneInfo:
    try:
        return ZoneInfo(site.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
