"""The newest release of each model that this site has seen, so that none older returns.

Kept sealed in two folders of the data folder, of which one may be lost; when both are,
the audit log tells again. A chain is a model's versions (`pcb-defects`) or its engines
of one kind (`pcb-defects/sm90-int8`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from inference_worker.engine import audit, files, sealing
from inference_worker.engine.errors import (
    FileMissing,
    RolledBack,
    SignatureWrong,
    StateUnusable,
    StoreError,
)
from inference_worker.engine.keyring import KeyRing

log = logging.getLogger(__name__)

COPIES = (Path("engines/state.json"), Path("keys/engine-state.json"))
PURPOSE = b"causeline release state v1"
SEEN = "seen"
_MAX_BYTES = 2**24


@dataclass(frozen=True, slots=True)
class Release:
    """The newest of a chain: its number, its hash, and the hash of the one before it
    that its manifest names.
    """

    release_seq: int
    sha256: str
    previous: str | None


@dataclass(frozen=True, slots=True)
class History:
    """`lines` counts the audit log's."""

    newest: Mapping[str, Release] = field(default_factory=dict)
    lines: int = 0

    @classmethod
    def load(cls, data: Path, ring: KeyRing) -> Self:
        """From whichever copies are whole; the higher number counts.

        Raises StateUnusable when there are copies and none was sealed here. Keys may
        rotate after the ring was read, so then it is read again.
        """
        try:
            return cls._load(data, ring)
        except StateUnusable:
            now = KeyRing.load(data)
            if now == ring:
                raise
            return cls._load(data, now)

    @classmethod
    def _load(cls, data: Path, ring: KeyRing) -> Self:
        copies, faults = list[Self](), list[StoreError]()
        for path in COPIES:
            try:
                copies.append(cls._read(data / path, data, ring))
            except FileMissing:
                continue
            except StoreError as error:
                log.warning("%s is not believed: %s", data / path, error)
                faults.append(error)
        if faults and not copies:
            raise StateUnusable(f"{data / COPIES[0]}: {faults[0]}")
        return cls._newest_of(copies) if copies else cls._told(data, ring)

    def save(self, data: Path, ring: KeyRing) -> None:
        """Both copies; the one in `keys` only where that folder can be written to."""
        newest = {chain: asdict(release) for chain, release in self.newest.items()}
        content = {"schema": 1, "newest": newest, "lines": self.lines}
        sealed = sealing.seal(content, PURPOSE, ring)
        files.replace(data / COPIES[0], sealed)
        try:
            files.replace(data / COPIES[1], sealed, 0o600)
        except OSError as error:
            log.info("no second copy in %s: %s", data / COPIES[1], error.strerror)

    def check(self, chain: str, release: Release) -> None:
        """Raises RolledBack for what is older than the newest that was seen."""
        newest = self.newest.get(chain)
        if newest is not None and release.release_seq < newest.release_seq:
            raise RolledBack(
                f"{chain}: release {release.release_seq} is older than release"
                f" {newest.release_seq}, which was used here"
            )

    def is_named(self, chain: str, sha256: str) -> bool:
        """Whether the newest one's manifest names it as its predecessor."""
        newest = self.newest.get(chain)
        return newest is not None and newest.previous == sha256

    @classmethod
    def _read(cls, path: Path, data: Path, ring: KeyRing) -> Self:
        text = files.read_plain(path, _MAX_BYTES, files.owners_of(data))
        raw = sealing.unseal(text, PURPOSE, ring)
        try:
            newest = {chain: Release(**told) for chain, told in raw["newest"].items()}
            return cls(newest, int(raw["lines"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SignatureWrong(f"{path} is of another schema") from error

    @classmethod
    def _newest_of(cls, copies: Iterable[Self]) -> Self:
        newest: dict[str, Release] = {}
        lines = 0
        for copy in copies:
            lines = max(lines, copy.lines)
            for chain, release in copy.newest.items():
                _keep_newer(newest, chain, release)
        return cls(newest, lines)

    @classmethod
    def _told(cls, data: Path, ring: KeyRing) -> Self:
        newest: dict[str, Release] = {}
        entries = audit.believable(data, ring)
        for entry in entries:
            if entry["event"] == SEEN:
                details = dict(entry["details"])
                chain = str(details.pop("chain"))
                _keep_newer(newest, chain, Release(**details))
        if entries:
            log.warning("%s was lost; told again by the audit log", data / COPIES[0])
        return cls(newest, max((entry["number"] for entry in entries), default=0))


def note(data: Path, ring: KeyRing, event: str, **details: Any) -> None:
    """A line in the audit log, counted. The caller has the store's turn."""
    history = History.load(data, ring)
    lines = audit.append(data, ring, history.lines + 1, event, **details)
    History(history.newest, lines).save(data, ring)


def restate(data: Path, ring: KeyRing) -> None:
    """Tell all that was seen once more, by the key that signs now: nobody believes the
    lines of one that is gone. The caller has the store's turn.
    """
    history = History.load(data, ring)
    lines = history.lines
    for chain, release in history.newest.items():
        told = {"chain": chain, **asdict(release)}
        lines = audit.append(data, ring, lines + 1, SEEN, **told)
    History(history.newest, lines).save(data, ring)


def record(data: Path, ring: KeyRing, chain: str, release: Release) -> None:
    """Remember it as the newest of its chain. The caller has the store's turn."""
    history = History.load(data, ring)
    newest = dict(history.newest)
    _keep_newer(newest, chain, release)
    if newest == history.newest:
        return
    told = {"chain": chain, **asdict(release)}
    lines = audit.append(data, ring, history.lines + 1, SEEN, **told)
    History(newest, lines).save(data, ring)


def admit(data: Path, ring: KeyRing, chain: str, release: Release) -> None:
    """Let the newest release of a chain through, and remember it.

    Raises RolledBack for an older one, or StateUnusable. Where the data folder cannot
    be written to, nothing is remembered.
    """
    history = History.load(data, ring)
    history.check(chain, release)
    if history.newest.get(chain) == release:
        return
    try:
        with files.turn(data / "engines"):
            record(data, ring, chain, release)
    except OSError as error:
        log.warning("release %s is not remembered: %s", chain, error)


def admit_or_previous(data: Path, ring: KeyRing, chain: str, release: Release) -> None:
    """The same, but the one that the newest names as its predecessor passes too."""
    try:
        admit(data, ring, chain, release)
    except RolledBack:
        if not History.load(data, ring).is_named(chain, release.sha256):
            raise
        log.warning("%s: the newest release is gone, the one before is used", chain)


def _keep_newer(newest: dict[str, Release], chain: str, release: Release) -> None:
    if chain not in newest or release.release_seq >= newest[chain].release_seq:
        newest[chain] = release
