"""Look, send, put aside; wait while the server cannot take more."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from traceability.ingest.outcome import sendable
from traceability.ingest.watching.aside import Journal, finish, reject
from traceability.ingest.watching.lookout import Lookout
from traceability.ingest.watching.plan import Candidate, Changed, Plan, Rejected
from traceability.ingest.watching.reading import read
from traceability.ingest.watching.sending import NotNow, Refused, Sender

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
# A file whose station is unknown, or that cannot be put aside, waits for a person.
REST_SECONDS = 60.0
PRUNE_SECONDS = 3600.0


@dataclass
class Tally:
    """What became of the files."""

    sent: int = 0
    known: int = 0
    rejected: int = 0


class Watcher:
    """Watches until `stop` is set. `threads` photos are on their way at most."""

    def __init__(
        self,
        plan: Plan,
        sender: Sender,
        journal: Journal,
        stop: threading.Event,
        threads: int = 4,
    ) -> None:
        self._plan = plan
        self._sender = sender
        self._journal = journal
        self._stop = stop
        self._threads = threads
        self._lookout = Lookout(plan, journal.__contains__)
        self._refused_since: dict[Path, float] = {}
        self._failures = 0
        self._pruned_at = 0.0
        self._lock = threading.Lock()
        self.tally = Tally()

    def run(self, *, once: bool = False) -> Tally:
        """Until told to stop, or with `once` until no file waits any more."""
        with ThreadPoolExecutor(self._threads) as pool:
            while not self._stop.is_set():
                self._prune()
                found = self._look()
                for start in range(0, len(found), self._threads):
                    if self._failures or self._stop.is_set():
                        break
                    list(pool.map(self._take, found[start : start + self._threads]))
                if once and self._lookout.idle:
                    break
                self._breathe(bool(found))
        return self.tally

    def _look(self) -> Sequence[Candidate]:
        """What is there; after trouble one photo only, to see whether it is over."""
        try:
            found = self._lookout.look()
        except OSError as error:
            self._trouble(f"the folder cannot be read: {error}")
            return []
        if not found:
            self._failures = 0
        if self._failures:
            before, self._failures = self._failures, 0
            self._take(found[0])
            self._failures = before + 1 if self._failures else 0
            return found[1:]
        return found

    def _take(self, candidate: Candidate) -> None:
        """Send one photo; whatever happens to it must not stop the others."""
        try:
            photo = read(candidate, self._plan)
            new = self._sender.send(photo)
            finish(candidate, self._plan, self._journal)
        except Changed:
            self._lookout.forget(candidate)
        except Rejected as why:
            self._reject(candidate, why)
        except Refused as refused:
            self._hear(candidate, refused)
        except NotNow as error:
            self._trouble(str(error))
        except OSError as error:
            _error(f"{candidate.path}: {error}; tried again later")
            self._lookout.rest(candidate, REST_SECONDS)
        except Exception:  # of a hostile file, or a bug
            logger.exception("%s: tried again later", sendable(candidate.path))
            self._lookout.rest(candidate, REST_SECONDS)
        else:
            self._count(candidate, new=new)

    def _count(self, candidate: Candidate, *, new: bool) -> None:
        with self._lock:
            self.tally.sent += new
            self.tally.known += not new
            self._refused_since.pop(candidate.path, None)
        self._lookout.forget(candidate)
        said = "sent" if new else "was there already"
        logger.info("%s: %s", sendable(candidate.path), said)

    def _hear(self, candidate: Candidate, refused: Refused) -> None:
        """Reject what is refused for long: it may have been copied slowly till now."""
        said = f"{refused.code}: {refused.message} {refused.fields or ''}"
        if refused.about_the_station:
            _error(f"{candidate.path} waits: {said} {refused.hint}")
            self._lookout.rest(candidate, REST_SECONDS)
            return
        with self._lock:
            now = time.monotonic()
            since = self._refused_since.setdefault(candidate.path, now)
        if now - since < self._plan.patience_seconds:
            rest = min(self._plan.patience_seconds / 3, 10.0)
            self._lookout.rest(candidate, rest)
            return
        text = "; ".join(sum(refused.fields.values(), [])) or refused.message
        self._reject(candidate, Rejected(refused.code, text, refused.hint))

    def _reject(self, candidate: Candidate, why: Rejected) -> None:
        try:
            target = reject(candidate, self._plan, why)
        except OSError as error:
            _error(f"{candidate.path} is bad ({why}) and stays: {error}")
            self._lookout.rest(candidate, REST_SECONDS)
            return
        with self._lock:
            self.tally.rejected += 1
            self._refused_since.pop(candidate.path, None)
        self._lookout.forget(candidate)
        _error(f"{target} is rejected: {why.message}")

    def _trouble(self, said: str) -> None:
        with self._lock:
            self._failures += 1
        logger.warning("photos wait in the folder: %s", sendable(said))

    def _breathe(self, busy: bool) -> None:
        """Until the next look: at once while there is more, longer after trouble."""
        if not self._failures:
            self._stop.wait(0.0 if busy else LOOK_SECONDS)
            return
        doubled = FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures - 1, 10)
        seconds = min(LONGEST_PAUSE_SECONDS, doubled)
        self._stop.wait(seconds * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret

    def _prune(self) -> None:
        if time.monotonic() - self._pruned_at > PRUNE_SECONDS or not self._pruned_at:
            self._pruned_at = time.monotonic()
            self._journal.prune()


def _error(said: str) -> None:
    """Names in a folder need not be UTF-8; lines in a log must."""
    logger.error("%s", sendable(said))
