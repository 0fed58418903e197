"""Units and their history in the back office: found by serial, never counted."""

from __future__ import annotations

from django.contrib import admin

from traceability.production.models import (
    Batch,
    Consumption,
    EquipmentEvent,
    MaterialLot,
    OperationRun,
    Unit,
)


class LargeAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A table of millions of rows: newest first, no totals, no select boxes."""

    show_full_result_count = False
    list_per_page = 50
    ordering = ["-pk"]


@admin.register(Batch)
class BatchAdmin(LargeAdmin):
    list_display = ["number", "product", "started_at", "ended_at", "site"]
    list_select_related = ["product", "site"]
    search_fields = ["=number"]
    raw_id_fields = ["site", "product"]


@admin.register(Unit)
class UnitAdmin(LargeAdmin):
    list_display = ["serial", "product", "batch", "line", "completed_at", "registered"]
    list_select_related = ["product", "batch", "line"]
    search_fields = ["=serial"]
    raw_id_fields = ["site", "product", "batch", "line"]


@admin.register(OperationRun)
class OperationRunAdmin(LargeAdmin):
    list_display = ["unit", "operation", "run_no", "equipment", "started_at"]
    list_select_related = ["unit", "operation", "equipment"]
    search_fields = ["=unit__serial"]
    raw_id_fields = ["unit", "operation", "equipment"]


@admin.register(MaterialLot)
class MaterialLotAdmin(LargeAdmin):
    list_display = ["number", "material", "supplier", "produced_at"]
    list_select_related = ["material", "supplier"]
    search_fields = ["=number"]
    raw_id_fields = ["site", "material", "supplier"]


@admin.register(Consumption)
class ConsumptionAdmin(LargeAdmin):
    list_display = ["unit", "operation", "lot", "consumed_at"]
    list_select_related = ["unit", "operation", "lot__material"]
    search_fields = ["=unit__serial", "=lot__number"]
    raw_id_fields = ["unit", "operation", "lot"]


@admin.register(EquipmentEvent)
class EquipmentEventAdmin(LargeAdmin):
    list_display = ["equipment", "kind", "at", "note"]
    list_select_related = ["equipment"]
    search_fields = ["=equipment__code"]
    raw_id_fields = ["equipment"]
