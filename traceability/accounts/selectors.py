"""Who sees what, and who answers for what."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from traceability.accounts.models import User
from traceability.catalog.models import Line, Site, Station


def sites_of(user: User) -> QuerySet[Site]:
    """The sites a user may see: their memberships', all of them for a superuser."""
    if user.is_superuser:
        return Site.objects.all()
    return Site.objects.filter(memberships__user=user)


def responsible_users(line: Line, station: Station | None = None) -> QuerySet[User]:
    """Active users who answer for the line or the station, themselves or by group.

    Only those who may see the site count: an alert must not leak to anybody else.
    """
    place = Q(responsibilities__line=line) | Q(groups__responsibilities__line=line)
    if station is not None:
        place |= Q(responsibilities__station=station)
        place |= Q(groups__responsibilities__station=station)
    member = Q(memberships__site=line.site_id) | Q(is_superuser=True)
    return User.objects.filter(place, member, is_active=True).distinct()
