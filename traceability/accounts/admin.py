"""People, their roles, machines' keys, and who answers for what."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from traceability.accounts.models import ApiKey, Membership, Responsibility, User


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 0
    autocomplete_fields = ["site"]


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]
    """Django's own, with the language and the sites."""

    list_display = ["username", "email", "language", "is_active", "is_superuser"]
    inlines = [MembershipInline]
    fieldsets = [*(UserAdmin.fieldsets or []), ("Causeline", {"fields": ["language"]})]


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """To look and to revoke; making a key shows its secret, which this page cannot."""

    list_display = ["name", "prefix", "site", "scopes", "last_used_at", "revoked_at"]
    list_filter = ["site"]
    list_select_related = ["site"]
    search_fields = ["name", "prefix"]
    fields = ["name", "site", "prefix", "scopes", "expires_at", "revoked_at"]
    readonly_fields = ["site", "prefix", "scopes"]

    def has_add_permission(self, request: object) -> bool:
        return False


@admin.register(Responsibility)
class ResponsibilityAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["user", "group", "line", "station"]
    list_select_related = ["user", "group", "line", "station"]
    autocomplete_fields = ["user", "line", "station"]
