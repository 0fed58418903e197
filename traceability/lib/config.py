"""Reading the environment: every value has a type, every mistake a name.

A bad value never stops the import of the settings. It falls back to its default and
is remembered, so that `manage.py check` (which every command runs first) can report
all of them at once, each with a hint.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from environs import Env, EnvError

T = TypeVar("T")


@dataclass(frozen=True)
class BadSetting:
    """One environment variable that could not be used, and what to do about it."""

    name: str
    problem: str
    hint: str


class Config:
    """Typed access to the environment that collects errors instead of raising."""

    def __init__(self) -> None:
        self.env = Env()
        self.bad: list[BadSetting] = []
        self._asked: set[str] = set()

    def text(self, name: str, default: str = "") -> str:
        return self._get(self.env.str, name, default, "a text")

    def flag(self, name: str, default: bool) -> bool:
        return self._get(self.env.bool, name, default, "true or false")

    def number(
        self, name: str, default: int, minimum: int = 0, maximum: int = 2**31
    ) -> int:
        value = self._get(self.env.int, name, default, "a whole number")
        if not minimum <= value <= maximum:
            offered = f"{minimum} to {maximum}"
            self._remember(name, f"{value} is out of range", offered)
            return default
        return value

    def one_of(
        self, name: str, default: str, offered: Container[str], example: str
    ) -> str:
        value = self.text(name, default)
        if value not in offered:
            self._remember(name, f"{value!r} is not known", f"a name like {example}")
            return default
        return value

    def names(self, name: str, default: list[str]) -> list[str]:
        raw = self.text(name, ",".join(default))
        return [part.strip() for part in raw.split(",") if part.strip()]

    def some_of(
        self, name: str, default: str, offered: Container[str], example: str
    ) -> list[str]:
        """Names with commas between, each once; or the default, which is one."""
        chosen = self.names(name, [default])
        if chosen == [default]:
            return chosen
        unknown = [one for one in chosen if one not in offered]
        if unknown or not chosen or len(set(chosen)) < len(chosen):
            what = f"{', '.join(unknown)} is not known" if unknown else "names repeat"
            self._remember(name, what, example)
            return [default]
        return chosen

    def path(self, name: str, default: Path) -> Path:
        return Path(self.text(name) or default).resolve()

    def secret(self, name: str, keys: Path) -> str:
        """`NAME_FILE`, else `NAME`, else `keys/<name>`, made once (mode 0400)."""
        return self.given_secret(name) or _stored_secret(keys / name.lower())

    def given_secret(self, name: str) -> str:
        """The content of `NAME_FILE`, else `NAME`, else nothing."""
        given = self.text(f"{name}_FILE")
        return self._read_secret(name, Path(given)) if given else self.text(name)

    def unknown(self, prefix: str) -> list[str]:
        """Names in the environment that begin like ours and that nobody asked for."""
        ours = [name for name in os.environ if name.startswith(prefix)]
        return sorted(set(ours) - self._asked)

    def _read_secret(self, name: str, path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self._remember(f"{name}_FILE", str(error), "a readable file with text")
            return secrets.token_urlsafe(50)

    def _get(
        self, read: Callable[[str, T], T], name: str, default: T, expected: str
    ) -> T:
        self._asked.add(name)
        try:
            return read(name, default)
        except EnvError:
            self._remember(name, f"{os.environ.get(name)!r} cannot be used", expected)
            return default

    def _remember(self, name: str, problem: str, expected: str) -> None:
        hint = f"Set {name} to {expected}, or unset it to use the default."
        self.bad.append(BadSetting(name, problem, hint))


def _stored_secret(path: Path) -> str:
    """The secret in `path`; two processes that start together agree on one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_text(secrets.token_urlsafe(50), encoding="utf-8")
        draft.chmod(stat.S_IRUSR)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="utf-8").strip()
