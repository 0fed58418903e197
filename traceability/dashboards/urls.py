"""The pages' addresses. Mails link to `problem`, `inspection` and `alert`."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from traceability.dashboards import (
    alerts,
    cameras,
    golden,
    images,
    inspections,
    jobs,
    overview,
    problems,
    session,
)

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("problems/", problems.problems, name="problems"),
    path("problems/<uuid:pk>/", problems.problem, name="problem"),
    path("inspections/", inspections.inspections, name="inspections"),
    path("inspections/<uuid:pk>/", inspections.inspection, name="inspection"),
    path("inspections/<uuid:pk>/verdict/", inspections.verdict, name="verdict"),
    path("images/<uuid:pk>.jpg", images.image, name="image"),
    path("images/<uuid:pk>/template.jpg", images.image_template, name="image-template"),
    path("images/<uuid:pk>/seen.jpg", images.image_seen, name="image-seen"),
    path("templates/", golden.templates, name="templates"),
    path("templates/<uuid:pk>.jpg", images.golden_image, name="golden-image"),
    path("cameras/", cameras.cameras, name="cameras"),
    path("cameras/<int:pk>/", cameras.camera, name="camera"),
    path("cameras/<int:pk>/optics/", cameras.set_optics, name="set-optics"),
    path("cameras/<int:pk>/retire/", cameras.retire_optics, name="retire-optics"),
    path("alerts/", alerts.alerts, name="alerts"),
    path("alerts/<uuid:pk>/", alerts.alert, name="alert"),
    path("alerts/<uuid:pk>/acknowledge/", alerts.acknowledge, name="acknowledge-alert"),
    path("alerts/<uuid:pk>/close/", alerts.close, name="close-alert"),
    path("jobs/", jobs.jobs, name="jobs"),
    path("sign-in/", session.SignIn.as_view(), name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("language/", session.language, name="language"),
]
