"""A web process that leaves cameras to others: when it is busy, and when it ends."""

from __future__ import annotations

from gunicorn.workers.gthread import ThreadWorker

FEW = 1
"""Requests at once that a process has time for: others have none in hand."""


class SharingWorker(ThreadWorker):  # type: ignore[misc]  # no stubs
    """Asks to connect anew who comes while it has more than FEW requests in hand.

    A connection that is kept stays with the process that happened to accept it, and
    Python runs one thread of it at a time: of eight cameras, one of four processes may
    have five, and is the pace of all. A new connection goes to whoever is free.
    """

    _most_kept = 0

    @property
    def max_keepalived(self) -> int:
        """What gunicorn compares with the connections it keeps, before each answer."""
        alone = self.cfg.workers < 2
        return self._most_kept if alone or self._in_hand() <= FEW else 0

    @max_keepalived.setter
    def max_keepalived(self, most: int) -> None:
        self._most_kept = most

    def _in_hand(self) -> int:
        resting = len(self.keepalived_conns) + len(self.pending_conns)
        return int(self.nr_conns) - resting

    def is_parent_alive(self) -> bool:
        """Without its master this process ends, and another master takes over.

        gunicorn would hold the address meanwhile, for as long as cameras go on sending
        over the connections that they have; then nobody would answer until the next
        try of the other one.
        """
        lives = bool(super().is_parent_alive())
        if not lives:
            self.alive = False  # so each answer closes its connection
            self.set_accept_enabled(False)
            for listener in self.sockets:
                listener.close()
        return lives
