"""What the alerts do when something happened."""

from __future__ import annotations

import logging

from traceability.outbox.models import Event

logger = logging.getLogger(__name__)


def on_event(event: Event) -> None:
    """Judge a finished analysis or inspection by the site's rules."""
    logger.debug("event %s", event.kind)
