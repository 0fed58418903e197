"""Photos and inspections in the back office: to look, not to rewrite."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from traceability.inspection.cameras import Optics
from traceability.inspection.models import (
    Defect,
    GoldenTemplate,
    Image,
    Inspection,
    ModelVersion,
    Verdict,
)


class DefectInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Defect
    extra = 0
    raw_id_fields = ["defect_class"]


class LargeAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A table of millions of rows: no totals, no select boxes."""

    show_full_result_count = False
    list_per_page = 50


class KeptAdmin(LargeAdmin):
    """What names a file on disk: to look at only."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Image)
class ImageAdmin(KeptAdmin):
    list_display = ["id", "unit", "station", "captured_at", "width", "height"]
    list_select_related = ["unit", "station"]
    search_fields = ["=unit__serial"]
    ordering = ["-captured_at"]


@admin.register(GoldenTemplate)
class GoldenTemplateAdmin(KeptAdmin):
    list_display = ["id", "product", "station", "created_at", "retired_at"]
    list_select_related = ["product", "station"]
    search_fields = ["=product__code", "=station__code"]
    ordering = ["-created_at"]


@admin.register(Optics)
class OpticsAdmin(KeptAdmin):
    """Made on the pages or by the API, which read the calibration."""

    list_display = ["id", "station", "width", "height", "created_at", "retired_at"]
    list_select_related = ["station"]
    search_fields = ["=station__code"]
    ordering = ["-created_at"]


@admin.register(Inspection)
class InspectionAdmin(LargeAdmin):
    list_display = ["id", "image", "state", "defective", "model_version", "created_at"]
    list_select_related = ["image__unit", "image__station", "model_version"]
    search_fields = ["=image__unit__serial"]
    raw_id_fields = ["image", "model_version"]
    ordering = ["-created_at"]
    inlines = [DefectInline]


@admin.register(Verdict)
class VerdictAdmin(LargeAdmin):
    list_display = ["inspection_id", "value", "user", "created_at"]
    list_filter = ["value"]
    list_select_related = ["user"]
    raw_id_fields = ["inspection", "user"]


@admin.register(ModelVersion)
class ModelVersionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["model", "version", "first_used_at"]
