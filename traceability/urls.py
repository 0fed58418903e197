"""All addresses: the API, the back office, the pages."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from traceability.api.health import healthz, readyz
from traceability.api.metrics import metrics
from traceability.dashboards.session import admin_door

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("admin/login/", admin_door),
    path("admin/", admin.site.urls),
    path("api/", include("traceability.api.urls")),
    path("", include("traceability.dashboards.urls")),
]

handler400 = "traceability.handlers.bad_request"
handler403 = "traceability.handlers.permission_denied"
handler404 = "traceability.handlers.not_found"
handler500 = "traceability.handlers.server_error"
