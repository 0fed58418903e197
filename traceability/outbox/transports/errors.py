"""Why a message did not leave.

DeliveryError
├── Undeliverable   it never will: this recipient or this message was refused
└── NotNow          it may later: greylisted, mailbox full
    └── Unreachable  nothing will right now: the server is down, or turns us away
"""

from __future__ import annotations


class DeliveryError(Exception):
    """A message did not leave; its text is kept with the delivery."""


class Undeliverable(DeliveryError):
    """Trying again is pointless."""


class NotNow(DeliveryError):
    """Trying again later is worth it."""


class Unreachable(NotNow):
    """The transport itself is out of order: leave the other messages alone, too."""
