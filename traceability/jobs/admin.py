"""Jobs in the back office: to look, never to edit; services change their state."""

from __future__ import annotations

from django.contrib import admin

from traceability.jobs.models import Job


@admin.register(Job)
class JobAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["id", "task", "queue", "state", "attempts", "created_at"]
    list_filter = ["queue", "state"]
    ordering = ["-created_at"]
    show_full_result_count = False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        return False

    def has_add_permission(self, request: object) -> bool:
        return False
