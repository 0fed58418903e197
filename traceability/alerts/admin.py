"""Rules and alerts in the back office."""

from __future__ import annotations

from django.contrib import admin

from traceability.alerts.models import Alert, AlertRule


@admin.register(AlertRule)
class AlertRuleAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = [
        "kind",
        "site",
        "line",
        "station",
        "defect_class",
        "consecutive",
        "enabled",
    ]
    list_filter = ["site", "kind", "enabled"]
    list_select_related = ["site", "line", "station", "defect_class"]
    autocomplete_fields = ["site", "line", "station", "defect_class"]


@admin.register(Alert)
class AlertAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["id", "rule", "line", "defect_class", "state", "raised_at"]
    list_filter = ["state", "site"]
    list_select_related = ["rule__site", "rule__line", "rule__station", "line"]
    raw_id_fields = [
        "rule",
        "site",
        "line",
        "station",
        "defect_class",
        "problem",
        "inspection",
        "acknowledged_by",
        "closed_by",
    ]
    ordering = ["-raised_at"]
    show_full_result_count = False
