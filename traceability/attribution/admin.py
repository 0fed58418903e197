"""What the analyses said, in the back office."""

from __future__ import annotations

from django.contrib import admin

from traceability.attribution.models import AnalysisRun, Cause, Problem


class CauseInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Cause
    extra = 0
    can_delete = False
    fields = ["chronic", "rank", "kind", "factor", "level", "confidence"]
    readonly_fields = ("chronic", "rank", "kind", "factor", "level", "confidence")


@admin.register(AnalysisRun)
class AnalysisRunAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["id", "line", "state", "units", "hypotheses", "finished_at"]
    list_filter = ["line", "state"]
    list_select_related = ["line"]
    raw_id_fields = ["line"]
    ordering = ["-finished_at"]
    show_full_result_count = False


@admin.register(Problem)
class ProblemAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["id", "defect_class", "question", "defective_units", "onset"]
    list_filter = ["question", "defect_class"]
    list_select_related = ["defect_class"]
    raw_id_fields = ["run", "defect_class"]
    ordering = ["-run__finished_at"]
    inlines = [CauseInline]
    show_full_result_count = False
