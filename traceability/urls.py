"""All addresses: the API, the back office, the pages."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from traceability.api.health import healthz, readyz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("api/", include("traceability.api.urls")),
    path("", include("traceability.dashboards.urls")),
]
