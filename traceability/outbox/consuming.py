"""What a consumer of events is, and which events are none of its business."""

from __future__ import annotations

from collections.abc import Callable

from traceability.outbox.models import Event

Consumer = Callable[[Event], None]
Check = Callable[[Event], bool]

_CHECK = "concerned"


def concerned_if(check: Check) -> Callable[[Consumer], Consumer]:
    """Mark a consumer that has nothing to do with events of which `check` is false.

    It is asked before the transaction begins, so that nobody who wants to write has to
    wait for it: it only reads, and what it has found stands whatever is committed
    between. When it fails the consumer is called.
    """

    def marked(consumer: Consumer) -> Consumer:
        setattr(consumer, _CHECK, check)
        return consumer

    return marked


def check_of(consumer: Consumer) -> Check:
    """Its check; a consumer without one is concerned by every event."""
    found: Check = getattr(consumer, _CHECK, lambda event: True)
    return found
