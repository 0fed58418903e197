"""What a key or a person may call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import QuerySet
from rest_framework import permissions
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from traceability.accounts.models import ApiKey, Scope
from traceability.accounts.selectors import sites_of
from traceability.catalog.models import Site

if TYPE_CHECKING:  # the views module loads this one from the settings
    from rest_framework.views import APIView


class HasScope(permissions.BasePermission):
    """A key needs the view's scope for the method; a person may only read.

    Views say `write_scope` for anything but GET. A key that may write an address may
    read it back.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        writes = request.method not in permissions.SAFE_METHODS
        if isinstance(request.auth, ApiKey):
            needed = {getattr(view, "write_scope", None)}
            needed |= set() if writes else {Scope.READ}
            return bool(needed & set(request.auth.scopes))
        return bool(request.user and request.user.is_authenticated) and not writes


def sites_visible(request: Request) -> QuerySet[Site]:
    """The sites whose rows this caller may see."""
    if isinstance(request.auth, ApiKey):
        return Site.objects.filter(pk=request.auth.site_id)
    return sites_of(request.user)  # type: ignore[arg-type]


def key_of(request: Request) -> ApiKey:
    """The API key behind a writing request."""
    if not isinstance(request.auth, ApiKey):
        raise PermissionDenied("Only an API key may write here.")
    return request.auth
