"""Who is reading, which sites they may see, and what they may do there."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django_htmx.middleware import HtmxDetails

from traceability.accounts.models import Membership, Role, User
from traceability.accounts.selectors import sites_of
from traceability.catalog.models import Site

P = ParamSpec("P")
ACTING_ROLES = (Role.ENGINEER, Role.QUALITY_MANAGER, Role.ADMIN)


class PageRequest(HttpRequest):
    """A request of somebody who has signed in; `sites` are those they may see."""

    user: User
    sites: list[Site]
    htmx: HtmxDetails


View = Callable[Concatenate[PageRequest, P], HttpResponse]


def signed_in(view: View[P]) -> Callable[..., HttpResponse]:
    """A view for people only."""
    return login_required(view)


def page(view: View[P]) -> Callable[..., HttpResponse]:
    """A view for people: asks them to sign in, and knows their sites (one query)."""

    @signed_in
    @never_cache
    @wraps(view)
    def wrapped(
        request: PageRequest, /, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        request.sites = list(sites_of(request.user).order_by("name"))
        return view(request, *args, **kwargs)

    return wrapped


def may_act(user: User, site_id: int) -> bool:
    """Whether the user may give verdicts and answer alerts at a site. One query."""
    if user.is_superuser:
        return True
    return Membership.objects.filter(
        user=user, site=site_id, role__in=ACTING_ROLES
    ).exists()


def require_action(user: User, site_id: int) -> None:
    """Refuse with 403 whoever may only look."""
    if not may_act(user, site_id):
        raise PermissionDenied


def time_zone_of(sites: list[Site]) -> ZoneInfo | None:
    """The factory's clock; None where the sites do not agree on one."""
    zones = {site.zone for site in sites}
    return zones.pop() if len(zones) == 1 else None
