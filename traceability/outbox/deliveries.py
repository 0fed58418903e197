"""Send deliveries: lease the row, send, then mark it. Nothing is lost in between."""

from __future__ import annotations

import logging
import random
from datetime import timedelta

from django.db.models import F, QuerySet
from django.utils import timezone

from traceability.outbox.models import Delivery, DeliveryState
from traceability.outbox.transports import TRANSPORTS, Transport, load
from traceability.outbox.transports.errors import NotNow, Undeliverable, Unreachable

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
MAX_AGE = timedelta(days=3)
# Per turn and transport, so that a worker is not kept for ever.
TURN_LIMIT = 200
FIRST_PAUSE_SECONDS = 5
LONGEST_PAUSE_SECONDS = 300


def deliver_due() -> int:
    """Send what is due over every transport; returns how many messages left.

    A message is sent at least once: when a sender dies between handing it over and
    marking it, it goes out again under the same key (for mail: the same Message-ID).
    """
    _give_up_unknown()
    return sum(_deliver(name) for name in TRANSPORTS)


def _give_up_unknown() -> None:
    unknown = _waiting().exclude(transport__in=TRANSPORTS)
    unknown.update(state=DeliveryState.FAILED, error="no such transport")


def _deliver(name: str) -> int:
    """Send until nothing is due, or until the transport itself is out of order."""
    if (delivery := _lease(name)) is None:
        return 0
    sent = 0
    with load(name) as transport:
        for _turn in range(TURN_LIMIT):
            try:
                sent += _attempt(transport, delivery)
            except Unreachable as error:
                logger.warning("%s is out of order: %s", name, error)
                _put_back(delivery, error)
                break
            if (delivery := _lease(name)) is None:
                break
    return sent


def _attempt(transport: Transport, delivery: Delivery) -> bool:
    """Send one message and note how it went; raises Unreachable."""
    try:
        transport.send(delivery.recipient, delivery.message, delivery.dedup_key)
    except Unreachable:
        raise
    except NotNow as error:
        _put_back(delivery, error)
    except Undeliverable as error:
        _give_up(delivery, error)
    except Exception as error:  # one message that we cannot make must not stop others
        logger.exception("delivery %s failed", delivery.pk)
        _put_back(delivery, error)
    else:
        _ours(delivery).update(
            state=DeliveryState.SENT,
            sent_at=timezone.now(),
            leased_until=None,
            error="",
        )
        return True
    return False


def _lease(name: str) -> Delivery | None:
    """Take the next due message, one sender per transport at a time, or None.

    The attempt is counted before it is made and the next one is set for later, so that
    a message that kills its sender cannot do so in a loop.
    """
    while (delivery := _next(name)) is not None:
        now = timezone.now()
        pause = timedelta(seconds=_pause_seconds(delivery.attempts + 1))
        if _ours(delivery).update(
            attempts=F("attempts") + 1,
            leased_until=now + LEASE,
            not_before=now + max(LEASE, pause),
        ):
            delivery.attempts += 1
            return delivery
    return None


def _next(name: str) -> Delivery | None:
    now = timezone.now()
    waiting = _waiting().filter(transport=name)
    if waiting.filter(leased_until__gt=now).exists():
        return None
    return waiting.filter(not_before__lte=now).order_by("not_before", "id").first()


def _waiting() -> QuerySet[Delivery]:
    return Delivery.objects.filter(state=DeliveryState.WAITING)


def _ours(delivery: Delivery) -> QuerySet[Delivery]:
    """The row while it is as we know it: each attempt has one sender."""
    return _waiting().filter(pk=delivery.pk, attempts=delivery.attempts)


def _put_back(delivery: Delivery, error: Exception) -> None:
    """Try again after a pause that doubles, with jitter; give up what is too old."""
    now = timezone.now()
    if now - delivery.created_at > MAX_AGE:
        _give_up(delivery, error)
        return
    pause = timedelta(seconds=_pause_seconds(delivery.attempts))
    _ours(delivery).update(
        not_before=now + pause, leased_until=None, error=str(error)[:500]
    )


def _give_up(delivery: Delivery, error: Exception) -> None:
    logger.error("delivery %s is given up: %s", delivery.pk, error)
    _ours(delivery).update(
        state=DeliveryState.FAILED, leased_until=None, error=str(error)[:500]
    )


def _pause_seconds(attempts: int) -> float:
    doubled = FIRST_PAUSE_SECONDS * 2.0 ** min(attempts - 1, 10)
    return min(LONGEST_PAUSE_SECONDS, doubled) * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret
