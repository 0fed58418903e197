"""A factory for the tests of the alerts: one line, two stations, people, photos."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from PIL import Image as Pillow

from traceability.accounts.models import Membership, Responsibility, User
from traceability.alerts import services as alerts
from traceability.alerts.models import Alert, AlertKind, AlertRule
from traceability.attribution.models import AnalysisRun, Cause, Problem
from traceability.catalog.models import DefectClass, Line, Site, Station
from traceability.inspection.models import (
    Defect,
    Image,
    Inspection,
    InspectionState,
)
from traceability.outbox import deliveries, services
from traceability.outbox.models import Event
from traceability.production.models import Unit

MINUTE = timedelta(minutes=1)
CAUSE: dict[str, Any] = {
    "kind": "equipment",
    "operation": "OP40",
    "factor": "OP40",
    "level": "OP40-M3",
    "statement": {
        "code": "equipment",
        "params": {"equipment": "OP40-M3", "operation": "OP40"},
    },
    "confidence": 0.97,
    "relative_risk": 4.6,
    "relative_risk_low": 3.1,
    "relative_risk_high": 6.6,
}


class Scene:
    """Rows of a small factory. Photos are taken a minute apart, from `start` on."""

    def __init__(self) -> None:
        self.start = timezone.now() - timedelta(hours=2)
        self.site = Site.objects.create(
            code="S1", name="Suzhou", time_zone="Asia/Shanghai"
        )
        self.line = Line.objects.create(site=self.site, code="L1", name="Line 1")
        self.station = self.new_station("AOI-1")
        self.short = DefectClass.objects.create(
            code="short", name_en="Short", name_zh="短路"
        )
        self.open = DefectClass.objects.create(
            code="open", name_en="Open", name_zh="开路"
        )
        alerts.create_default_rules(self.site)

    def new_station(self, code: str) -> Station:
        return Station.objects.create(site=self.site, line=self.line, code=code)

    def rule(self, kind: AlertKind = AlertKind.CONSECUTIVE, **about: Any) -> AlertRule:
        return AlertRule.objects.create(site=self.site, kind=kind, **about)

    def user(
        self, name: str = "engineer", *, answers: bool = True, **about: Any
    ) -> User:
        """Somebody of the site, responsible for its line unless told otherwise."""
        about = {"email": f"{name}@example.com", "language": "en", **about}
        user = User.objects.create_user(name, **about)
        Membership.objects.create(user=user, site=self.site)
        if answers:
            Responsibility.objects.create(user=user, line=self.line)
        return user

    def photo(
        self,
        minute: float,
        classes: Iterable[DefectClass] = (),
        *,
        serial: str = "",
        station: Station | None = None,
        state: InspectionState = InspectionState.DONE,
        file: str = "",
    ) -> Inspection:
        """A photo taken `minute` minutes after the start, looked at unless pending."""
        unit, _ = Unit.objects.get_or_create(
            site=self.site,
            serial=serial or f"U{minute:g}",
            defaults={"received_at": timezone.now(), "line": self.line},
        )
        image = Image.objects.create(
            site=self.site,
            unit=unit,
            station=station or self.station,
            captured_at=self.start + minute * MINUTE,
            received_at=timezone.now(),
            file=file,
            media_type="image/jpeg",
            sha256="",
            width=640,
            height=480,
            size=1,
        )
        inspection = Inspection.objects.create(
            image=image, state=InspectionState.PENDING, created_at=timezone.now()
        )
        if state != InspectionState.PENDING:
            self.finish(inspection, classes, state)
        return inspection

    def finish(
        self,
        inspection: Inspection,
        classes: Iterable[DefectClass] = (),
        state: InspectionState = InspectionState.DONE,
    ) -> Event:
        """What a worker does at the end: the result and its event."""
        classes = list(classes)
        inspection.state = state
        inspection.defective = bool(classes)
        inspection.save()
        for found in classes:
            Defect.objects.create(
                inspection=inspection,
                defect_class=found,
                score=0.9,
                **{"x": 300, "y": 200, "width": 40, "height": 30},
                **{"relative_x": 0.47, "relative_y": 0.42},
                **{"relative_width": 0.06, "relative_height": 0.06},
            )
        return self.tell(inspection, classes)

    def tell(self, inspection: Inspection, classes: Iterable[DefectClass]) -> Event:
        image = inspection.image
        return services.emit(
            f"inspection.{'failed' if inspection.state == 'failed' else 'finished'}",
            f"station:{image.station_id}",
            {
                "inspection": str(inspection.pk),
                "line": image.station.line_id,
                "station": image.station_id,
                "unit": image.unit_id,
                "captured_at": image.captured_at.isoformat(),
                "classes": [found.code for found in classes],
            },
        )

    def problem(
        self,
        *,
        onset: datetime | None = None,
        last_defect_at: datetime | None = None,
        causes: Iterable[dict[str, Any]] = ({},),
        **about: Any,
    ) -> Problem:
        """An analysis that found one excursion, and its event."""
        problem = Problem.objects.create(
            run=self.run(),
            defect_class=about.pop("defect_class", self.short),
            question=about.pop("question", Problem.Question.EXCURSION),
            defective_units=139,
            rate=0.0174,
            onset=onset or self.start,
            last_defect_at=last_defect_at or timezone.now(),
            **about,
        )
        for rank, cause in enumerate(causes, start=1):
            Cause.objects.create(problem=problem, rank=rank, **{**CAUSE, **cause})
        self.tell_run(problem.run)
        return problem

    def run(self) -> AnalysisRun:
        now = timezone.now()
        return AnalysisRun.objects.create(
            line=self.line,
            units=8000,
            code_version="1",
            input_sha256="",
            result_sha256="",
            started_at=now,
            finished_at=now,
        )

    def tell_run(self, run: AnalysisRun) -> Event:
        return services.emit("analysis.finished", str(run.pk), {"run": str(run.pk)})


def dispatch() -> None:
    """Hand over every event that waits; none may have failed."""
    while services.dispatch():
        pass
    assert not Event.objects.exclude(error="").exists()


def hand_over_again() -> int:
    """Let every event happen once more; returns how many there are."""
    now = timezone.now()
    Event.objects.update(dispatched_at=None, handled=[], attempts=0, not_before=now)
    dispatch()
    return Event.objects.filter(attempts=1).count()


def dispatch_and_deliver() -> int:
    dispatch()
    return deliveries.deliver_due()


def alerts_now() -> list[Alert]:
    return list(Alert.objects.order_by("raised_at"))


def store_photo(size: tuple[int, int] = (640, 480)) -> str:
    """A grey photo below the media root: its path."""
    name = f"{datetime.now(UTC):%Y/%m/%d}/{uuid.uuid4()}"
    path = settings.MEDIA_ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    out = io.BytesIO()
    Pillow.new("RGB", size, (90, 120, 90)).save(out, "JPEG")
    path.write_bytes(out.getvalue())
    return name
