"""What the demo folder remembers between two runs."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

FILE = "demo.json"
MINUTES = 5


@dataclass(frozen=True)
class State:
    """Which plan the folder holds, and whether all of it is there."""

    seed: int
    until: datetime
    plan_sha256: str
    complete: bool = False

    def finished(self) -> State:
        return replace(self, complete=True)

    def save(self, folder: Path) -> None:
        text = json.dumps(asdict(self) | {"until": self.until.isoformat()})
        draft = folder / f".{FILE}"
        draft.write_text(text, encoding="utf-8")
        draft.replace(folder / FILE)


def load(folder: Path) -> State | None:
    """None where there is no demo, or one that cannot be understood."""
    try:
        stored = json.loads((folder / FILE).read_text(encoding="utf-8"))
        until = datetime.fromisoformat(stored.pop("until"))
        return State(until=until, **stored)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def end_of_plan(now: datetime) -> datetime:
    """Now, to the last five minutes: where a factory that is planned now ends."""
    until = now.astimezone(UTC).replace(second=0, microsecond=0)
    return until - timedelta(minutes=until.minute % MINUTES)


def stored_password(folder: Path, user: str) -> str:
    """The random password of a demo user: made once, kept where only we can read it."""
    path = folder / "keys" / f"password-{user}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(9), encoding="utf-8")
        path.chmod(0o400)
    return path.read_text(encoding="utf-8")
