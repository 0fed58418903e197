"""Master data in the back office."""

from __future__ import annotations

from django.contrib import admin

from traceability.catalog.models import (
    DefectClass,
    Equipment,
    Line,
    Material,
    Operation,
    ProcessParameter,
    Product,
    Site,
    Station,
    Supplier,
)


class NamedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows with a code and a name below a site."""

    list_display = ["code", "name", "site"]
    list_filter = ["site"]
    list_select_related = ["site"]
    search_fields = ["code", "name"]
    autocomplete_fields = ["site"]
    show_full_result_count = False


@admin.register(Site)
class SiteAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["code", "name", "time_zone"]
    search_fields = ["code", "name"]


@admin.register(Line, Product, Supplier, Material)
class PlainAdmin(NamedAdmin):
    pass


@admin.register(Operation)
class OperationAdmin(NamedAdmin):
    list_display = ["code", "name", "sequence", "site"]


@admin.register(Station)
class StationAdmin(NamedAdmin):
    list_display = ["code", "name", "line", "operation", "site"]
    list_select_related = ["site", "line", "operation"]
    autocomplete_fields = ["site", "line", "operation"]


@admin.register(Equipment)
class EquipmentAdmin(NamedAdmin):
    list_display = ["code", "name", "operation", "line", "commissioned_at", "site"]
    list_select_related = ["site", "line", "operation"]
    autocomplete_fields = ["site", "line", "operation"]


@admin.register(ProcessParameter)
class ProcessParameterAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = [
        "code",
        "name",
        "operation",
        "unit_of_measure",
        "lower_limit",
        "upper_limit",
    ]
    list_filter = ["operation__site"]
    list_select_related = ["operation"]
    search_fields = ["code", "name", "operation__code"]
    autocomplete_fields = ["operation"]
    show_full_result_count = False


@admin.register(DefectClass)
class DefectClassAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["code", "name_en", "name_zh"]
    search_fields = ["code", "name_en", "name_zh"]
