"""A small plant with everything a page can show: for looking, and for a browser."""

from __future__ import annotations

import datetime as dt
import random

from django.utils import timezone

from tests.dashboards import factories as make
from tests.dashboards import frames, photos
from traceability.accounts.models import Role
from traceability.alerts.models import AlertKind, AlertState
from traceability.catalog.models import (
    Equipment,
    Material,
    Operation,
    ProcessParameter,
    Supplier,
)
from traceability.inspection.models import Defect, Image, Inspection, Verdict
from traceability.jobs.models import JobState
from traceability.production.models import (
    Batch,
    Consumption,
    MaterialLot,
    OperationRun,
    Unit,
)

NAMES = {
    "open": ("Open circuit", "开路"),
    "short": ("Short circuit", "短路"),
    "mousebite": ("Mouse bite", "鼠咬"),
    "spur": ("Spur", "毛刺"),
    "copper": ("Spurious copper", "余铜"),
    "pin-hole": ("Pin-hole", "针孔"),
}
OPERATIONS = {
    "LAM": (
        "Lamination",
        {"pressure": ("bar", 2.0, 3.0), "temperature": ("°C", 105, 118)},
    ),
    "EXP": ("Exposure", {"dose": ("mJ/cm²", 55, 75)}),
    "ETCH": ("Etching", {"temperature": ("°C", 46, 52), "speed": ("m/min", 1.8, 2.6)}),
}


def build(days=30, per_day=24, seed=4):
    """A site with two lines, its people, units, photos, problems, alerts and jobs."""
    rng = random.Random(seed)
    site = make.SiteFactory()
    lines = [make.LineFactory(site=site, code=code, name="") for code in ("L1", "L2")]
    stations = [
        make.StationFactory(line=line, code=f"AOI-{line.code}") for line in lines
    ]
    classes = {
        code: make.DefectClassFactory(code=code, name_en=en, name_zh=zh)
        for code, (en, zh) in NAMES.items()
    }
    people(site)
    plant = Plant(site, lines)
    found = photos.draw(rng, classes)
    _units(rng, plant, stations, found, days, per_day)
    problems = _problems(lines, classes)
    _alerts(lines, stations, classes, problems)
    _jobs(lines)
    return site


def people(site):
    """The cast, named by role; all have the same password."""
    return {
        role: make.MembershipFactory(
            user__username=role.value, user__language="en", site=site, role=role
        ).user
        for role in Role
    }


class Plant:
    """Machines, parameters, lots and batches of a site."""

    def __init__(self, site, lines):
        self.site = site
        self.operations = []
        self.machines = {}
        for sequence, (code, (name, parameters)) in enumerate(OPERATIONS.items()):
            operation = Operation.objects.create(
                site=site, code=code, name=name, sequence=10 * sequence
            )
            self.operations.append(operation)
            self.machines[code] = [
                Equipment.objects.create(
                    site=site, code=f"{code}-{n}", operation=operation
                )
                for n in (1, 2, 3)
            ]
            for parameter, (unit, low, high) in parameters.items():
                ProcessParameter.objects.create(
                    operation=operation,
                    code=parameter,
                    name=parameter.capitalize(),
                    unit_of_measure=unit,
                    lower_limit=low,
                    upper_limit=high,
                )
        supplier = Supplier.objects.create(site=site, code="NORTH")
        resist = Material.objects.create(site=site, code="RESIST", name="Dry film")
        self.lots = [
            MaterialLot.objects.create(
                site=site, material=resist, number=f"DF-{n:03d}", supplier=supplier
            )
            for n in range(8)
        ]
        self.products = [
            make.ProductFactory(site=site, code=c) for c in ("PCB-A", "PCB-B")
        ]
        self.batches = [
            Batch.objects.create(site=site, number=f"B26-{n:04d}", product=product)
            for n, product in enumerate(self.products * 4)
        ]


def _units(rng, plant, stations, found, days, per_day):
    now = timezone.now()
    model = make.ModelVersionFactory()
    for number in range(days * per_day):
        at = now - dt.timedelta(days=days) * (1 - number / (days * per_day))
        station = stations[number % 2]
        batch = plant.batches[number * len(plant.batches) // (days * per_day)]
        unit = Unit.objects.create(
            site=plant.site,
            serial=f"{batch.product.code}-{number:06d}",
            product=batch.product,
            batch=batch,
            line=station.line,
            completed_at=at,
            received_at=at,
        )
        late = number > 0.7 * days * per_day
        bad = rng.random() < (0.25 if late and number % 2 == 0 else 0.06)
        photo = rng.choice(_candidates(found, bad, late and number % 2 == 0))
        image = Image.objects.create(
            site=plant.site,
            unit=unit,
            station=station,
            captured_at=at,
            received_at=at,
            file=photo.file,
            media_type="image/jpeg",
            sha256=f"{number:064x}",
            width=photo.width,
            height=photo.height,
            size=photo.size,
        )
        inspection = make.InspectionFactory(
            image=image,
            model_version=model,
            defective=bad,
            created_at=at,
            finished_at=at,
        )
        Defect.objects.bulk_create(photo.defects(inspection))
        if number > days * per_day - 60:
            _history(rng, plant, unit, at)
    newest = Inspection.objects.order_by("-created_at")[:9]
    user = make.User.objects.get(username=Role.ENGINEER)
    for inspection, value in zip(newest, Verdict.Value.values * 3, strict=False):
        Verdict.objects.create(
            inspection=inspection, user=user, value=value, created_at=timezone.now()
        )


def _candidates(found, bad, risen):
    """Good photos or bad ones; where the rate rose, with the class that rose."""
    if bad and risen:
        return [p for p in found if any(box.category == "short" for box in p.boxes)]
    return [p for p in found if bool(p.boxes) == bad]


def _history(rng, plant, unit, at):
    for place, operation in enumerate(plant.operations):
        readings = {
            parameter.code: round(
                rng.gauss(
                    (parameter.lower_limit + parameter.upper_limit) / 2,
                    (parameter.upper_limit - parameter.lower_limit) / 5,
                ),
                2,
            )
            for parameter in operation.parameters.all()
        }
        OperationRun.objects.create(
            unit=unit,
            operation=operation,
            equipment=rng.choice(plant.machines[operation.code]),
            operator=rng.choice("ABC"),
            shift=rng.choice(["early", "late"]),
            started_at=at - dt.timedelta(hours=3 - place),
            ended_at=at - dt.timedelta(hours=2.5 - place),
            readings=readings,
            received_at=at,
        )
    Consumption.objects.create(
        unit=unit, operation=plant.operations[0], lot=rng.choice(plant.lots)
    )


def _problems(lines, classes):
    old = make.AnalysisRunFactory(
        line=lines[0], finished_at=timezone.now() - dt.timedelta(days=1)
    )
    make.ProblemFactory(run=old, defect_class=classes["short"])
    run = make.AnalysisRunFactory(line=lines[0])
    other = make.AnalysisRunFactory(line=lines[1])
    problem = make.ProblemFactory(
        run=run,
        defect_class=classes["short"],
        overview=frames.overview(),
        not_recorded=[
            {"operation": "EXP", "what": "readings"},
            {"operation": "LAM", "what": "equipment_events"},
        ],
        credible_sets=frames.CREDIBLE_SETS,
    )
    for rank, (fields, frame) in enumerate(frames.causes(), 1):
        cause = make.CauseFactory(problem=problem, rank=rank, **fields)
        make.EvidenceFactory(cause=cause, chart=frame["chart"], frame=frame)
    cause = make.CauseFactory(problem=problem, chronic=True, **frames.CHRONIC)
    make.EvidenceFactory(cause=cause)
    steady = make.ProblemFactory(
        run=other,
        defect_class=classes["spur"],
        question="chronic",
        onset=None,
        defective_units=31,
        rate=0.026,
        overview=frames.overview(onset=False),
    )
    make.EvidenceFactory(
        cause=make.CauseFactory(problem=steady, confidence=0.34, chronic=True)
    )
    make.ProblemFactory(
        run=other,
        defect_class=classes["open"],
        onset=timezone.now() - dt.timedelta(days=3),
        unexplained_share=1.0,
        overview=frames.overview(),
        not_recorded=[{"operation": "EXP", "what": "readings"}],
    )
    return [problem, steady]


def _alerts(lines, stations, classes, problems):
    make.AlertFactory(
        line=lines[0], defect_class=classes["short"], problem=problems[0], mailed=True
    )
    row = make.AlertRuleFactory(site=lines[0].site, kind=AlertKind.CONSECUTIVE)
    shown = Defect.objects.latest("inspection__created_at")
    make.AlertFactory(
        line=lines[1],
        station=stations[1],
        rule=row,
        defect_class=shown.defect_class,
        inspection=shown.inspection,
        occurrences=4,
    )
    for state in (AlertState.ACKNOWLEDGED, AlertState.CLOSED, AlertState.CLOSED):
        make.AlertFactory(
            line=lines[0],
            state=state,
            defect_class=classes["spur"],
            acknowledged_by=make.User.objects.get(username=Role.ENGINEER),
            closed_at=timezone.now() if state == AlertState.CLOSED else None,
            raised_at=timezone.now() - dt.timedelta(days=3),
        )


def _jobs(lines):
    states = [
        JobState.RUNNING,
        JobState.PENDING,
        *[JobState.SUCCEEDED] * 6,
        JobState.FAILED,
    ]
    for place, state in enumerate(states):
        make.JobFactory(
            state=state,
            progress={JobState.RUNNING: 46, JobState.PENDING: 0}.get(state, 100),
            arguments={"line": lines[place % 2].pk},
            tenant=lines[0].site_id,
            created_at=timezone.now() - dt.timedelta(minutes=2 * place),
            message="The database was locked." if state == JobState.FAILED else "",
        )
