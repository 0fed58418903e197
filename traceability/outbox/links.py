"""Who holds a connection, how it is, and whether somebody must hear that it is away.

A link belongs to one holder at a time, by a lease that it renews. What the row says is
what its holder saw; that a holder has died is seen by its lease.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from traceability.outbox.models import Link, Publication
from traceability.outbox.publications import waiting_since
from traceability.outbox.services import emit

MQTT = "mqtt"
LEASE = timedelta(seconds=15)


@dataclass(frozen=True)
class Health:
    """A link as a person or a probe wants to know it."""

    up: bool
    since: datetime
    error: str
    waiting: int
    waiting_since: datetime | None
    sent_at: datetime | None


def hold(name: str, holder: str) -> bool:
    """Take the link or renew the lease on it; False while somebody else has it.

    The same `holder` gets it back at once: it must be a name that only one process at
    a time can have.
    """
    now = timezone.now()
    Link.objects.get_or_create(name=name, defaults={"since": now})
    free = Q(holder=holder) | Q(leased_until=None) | Q(leased_until__lt=now)
    ours = Link.objects.filter(free, name=name)
    return bool(ours.update(holder=holder, leased_until=now + LEASE))


def release(name: str, holder: str) -> None:
    """Give the link to whoever wants it next."""
    _ours(name, holder).update(leased_until=None)


def note(name: str, holder: str, *, up: bool, error: str = "") -> None:
    """Write down that the connection is there, or why it is not."""
    ours = _ours(name, holder)
    ours.exclude(up=up).update(up=up, since=timezone.now())
    ours.update(error=error[:500])


def count(name: str, holder: str, messages: int) -> None:
    """So many messages more have arrived at the other end."""
    now = timezone.now()
    _ours(name, holder).update(sent=F("sent") + messages, sent_at=now)


def health(name: str = MQTT) -> Health:
    """How the link is now; three queries."""
    link = Link.objects.filter(name=name).first() or Link(since=timezone.now())
    held = link.leased_until is not None and link.leased_until > timezone.now()
    deserted = link.up and not held
    return Health(
        up=link.up and held,
        since=link.leased_until or link.since if deserted else link.since,
        error=link.error,
        waiting=Publication.objects.count(),
        waiting_since=waiting_since(),
        sent_at=link.sent_at,
    )


def is_up(name: str = MQTT) -> bool:
    """Whether somebody holds the link and sees the other end."""
    held = Q(leased_until__gt=timezone.now())
    return Link.objects.filter(held, name=name, up=True).exists()


@transaction.atomic
def watch(name: str = MQTT) -> bool:
    """Tell once of a link that has been out of order for long; whether it did so.

    Out of order is one that is down, one that nobody holds, and one over which the
    oldest message does not get away.
    """
    if settings.MQTT is None:
        return False
    Link.objects.get_or_create(name=name, defaults={"since": timezone.now()})
    now, state = timezone.now(), health(name)
    away = [state.since] if not state.up else []
    away += [state.waiting_since] if state.waiting_since else []
    limit = now - timedelta(minutes=settings.MQTT_ALERT_MINUTES)
    long = [since for since in away if since < limit]
    link = Link.objects.filter(name=name)
    if long:
        if link.filter(told=False).update(told=True):
            emit("link.away", f"link:{name}", {"since": min(long).isoformat()})
            return True
    elif state.up:
        link.filter(told=True).update(told=False)
    return False


def _ours(name: str, holder: str) -> QuerySet[Link]:
    return Link.objects.filter(name=name, holder=holder)
