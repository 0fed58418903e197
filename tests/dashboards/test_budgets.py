"""No page asks more of the database when there is more to show."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.dashboards import factories as make
from traceability.catalog.models import Equipment, Material, Operation
from traceability.production.models import Consumption, MaterialLot, OperationRun

# Queries with the session, the user, the sites, the two counters of the rail, and
# whether photos are inspected as they should be.
BUDGET = {
    "overview": 16,
    "problems": 10,
    "problem": 12,
    "inspections": 14,
    "inspection": 16,
    "image": 3,
    "alerts": 7,
    "alert": 13,
    "jobs": 10,
    "templates": 11,
    "cameras": 8,
    "camera": 10,
}


def queries(client, url):
    client.get(url)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def addresses(plant):
    for name in BUDGET:
        row = plant.station if name == "camera" else getattr(plant, name, None)
        yield name, reverse(name, args=[row.pk] if row else [])


def add_more(plant):
    """Ten times of everything."""
    operation = Operation.objects.create(site=plant.line.site, code="ETCH")
    machine = Equipment.objects.create(site=plant.line.site, code="ETCH-1")
    material = Material.objects.create(site=plant.line.site, code="FILM")
    for n in range(10):
        image = make.ImageFactory(station=plant.station, file=plant.image.file)
        inspection = make.InspectionFactory(image=image, defective=True)
        make.DefectFactory.create_batch(3, inspection=inspection)
        make.DefectFactory(inspection=plant.inspection)
        run = make.AnalysisRunFactory(line=make.LineFactory(code=f"M{n}"))
        problem = make.ProblemFactory(run=run)
        make.CauseFactory(problem=problem)
        make.EvidenceFactory(cause=make.CauseFactory(problem=plant.problem, rank=n + 2))
        make.AlertFactory(line=run.line)
        make.JobFactory(
            arguments={"inspection": str(inspection.pk)}, tenant=plant.line.site_id
        )
        OperationRun.objects.create(
            unit=plant.image.unit,
            operation=operation,
            run_no=n + 1,
            equipment=machine,
            readings={"temperature": 50.0},
            received_at=image.received_at,
        )
        lot = MaterialLot.objects.create(
            site=plant.line.site, material=material, number=f"L{n}"
        )
        make.OpticsFactory(station=plant.station, retired_at=image.received_at)
        make.OpticsFactory(station=make.StationFactory(line=run.line, code=f"AOI{n}"))
        make.GoldenTemplateFactory(
            station=plant.station, product=make.ProductFactory(code=f"G{n}")
        )
        Consumption.objects.create(unit=plant.image.unit, operation=operation, lot=lot)


@pytest.mark.parametrize("name", sorted(BUDGET))
def test_a_page_stays_within_its_budget(name, plant, engineer):
    add_more(plant)
    url = dict(addresses(plant))[name]
    assert queries(engineer, url) <= BUDGET[name]


@pytest.mark.parametrize("query", ["?view=gallery", "?defect=short&outcome=defective"])
def test_a_filtered_list_stays_within_its_budget(query, plant, engineer):
    add_more(plant)
    assert queries(engineer, f"/inspections/{query}") <= BUDGET["inspections"]
