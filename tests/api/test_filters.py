"""The filters of inspections, for the API and for the pages."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from tests.dashboards import factories as make
from traceability.dashboards.filters import InspectionFilter as PageFilter
from traceability.inspection.filters import BaseInspectionFilter, InspectionFilter
from traceability.inspection.models import Inspection


@pytest.mark.parametrize(
    ("kind", "name"), [(InspectionFilter, "defect_class"), (PageFilter, "defect")]
)
def test_a_class_is_looked_up_once_and_without_distinct(kind, name, db):
    shown = make.InspectionFactory(defective=True)
    make.DefectFactory.create_batch(3, inspection=shown)
    make.DefectFactory(defect_class__code="open")
    request = RequestFactory().get("/")
    request.sites = []
    found = kind({name: "short"}, Inspection.objects.all(), request=request).qs
    assert list(found) == [shown]
    assert not found.query.distinct
    assert issubclass(kind, BaseInspectionFilter)
