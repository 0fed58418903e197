"""What the demo folder remembers between two runs."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

FILE = "demo.json"
MINUTES = 5


@dataclass(frozen=True)
class State:
    """Which factory the folder holds, and whether all of it is there."""

    seed: int
    until: datetime
    complete: bool = False

    @property
    def today(self) -> date:
        return self.until.date()

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
        until = datetime.fromisoformat(stored["until"])
        return State(int(stored["seed"]), until, bool(stored["complete"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def fresh(seed: int, now: datetime) -> State:
    """A factory that ends now, to the last five minutes."""
    until = now.astimezone(UTC).replace(second=0, microsecond=0)
    return State(seed, until - timedelta(minutes=until.minute % MINUTES))


def stored_password(folder: Path, user: str) -> str:
    """The random password of a demo user: made once, kept where only we can read it."""
    path = folder / "keys" / f"password-{user}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(9), encoding="utf-8")
        path.chmod(0o400)
    return path.read_text(encoding="utf-8")
