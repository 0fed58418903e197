"""The addresses of the API, version 1."""

from __future__ import annotations

from django.urls import path
from drf_spectacular.views import (
    SpectacularAPIView,
    SpectacularSwaggerView,
)

from traceability.api.analyses import AnalyseView, JobView, ProblemsView, ProblemView
from traceability.api.bulk import VIEWS
from traceability.api.inspections import InspectionsView, InspectionView
from traceability.api.optics import AllOpticsView, OpticsView, RetireOpticsView
from traceability.api.templates import RetireView, TemplatesView, TemplateView

app_name = "api"
urlpatterns = [
    *(
        path(f"v1/{name}/bulk", view, name=f"{name}-bulk")
        for name, view in VIEWS.items()
    ),
    path("v1/inspections/", InspectionsView.as_view(), name="inspections"),
    path("v1/inspections/<uuid:pk>/", InspectionView.as_view(), name="inspection"),
    path("v1/templates/", TemplatesView.as_view(), name="templates"),
    path("v1/templates/<uuid:pk>/", TemplateView.as_view(), name="template"),
    path("v1/templates/<uuid:pk>/retire/", RetireView.as_view(), name="retire"),
    path("v1/optics/", AllOpticsView.as_view(), name="all-optics"),
    path("v1/optics/<uuid:pk>/", OpticsView.as_view(), name="optics"),
    path(
        "v1/optics/<uuid:pk>/retire/", RetireOpticsView.as_view(), name="retire-optics"
    ),
    path("v1/lines/<str:line>/analyse/", AnalyseView.as_view(), name="analyse"),
    path("v1/jobs/<uuid:pk>/", JobView.as_view(), name="job"),
    path("v1/problems/", ProblemsView.as_view(), name="problems"),
    path("v1/problems/<uuid:pk>/", ProblemView.as_view(), name="problem"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="api:schema"), name="docs"),
]
