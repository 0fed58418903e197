"""The files of deploy/ as those who use them read them: compose, Docker, env files."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from traceability.lib.programs import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
OURS = ("causeline", "causeline-gpu")
_VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?::([-?])([^}]*))?\})")


def env_file(path: Path) -> dict[str, str]:
    """NAME=value a line; lines that begin with # are comments."""
    lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    pairs = [line.partition("=") for line in lines if line and line[0] != "#"]
    return {name: value for name, _, value in pairs}


def variables() -> dict[str, str]:
    """What COMPOSE_ENV_FILES=versions.env,site.env gives, with the example as site."""
    site = env_file(DEPLOY / "site.env.example")
    return env_file(DEPLOY / "versions.env") | site


def interpolated(text: str, values: dict[str, str]) -> str:
    """As the Compose Specification says; KeyError where a variable has no value."""

    def value(match: re.Match[str]) -> str:
        dollar, name, kind, default = match.groups()
        if dollar:
            return "$"
        return values.get(name) or (default if kind == "-" else values[name])

    return _VARIABLE.sub(value, text)


def compose(values: dict[str, str] | None = None) -> dict[str, Any]:
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    loaded: dict[str, Any] = yaml.safe_load(interpolated(text, values or variables()))
    for service in loaded["services"].values():
        if isinstance(words := service.get("command"), str):
            service["command"] = shlex.split(words)
    return loaded


def our_services(site: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Those that run our own image."""
    return {
        name: service
        for name, service in site["services"].items()
        if service["image"].partition(":")[0] in OURS
    }


@dataclass(frozen=True)
class Instruction:
    """One of a Dockerfile, in the stage that it stands in ("" before the first)."""

    stage: str
    kind: str
    words: str


def dockerfile() -> list[Instruction]:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.M).replace("\\\n", " ")
    found, stage = [], ""
    for line in filter(None, map(str.strip, text.splitlines())):
        kind, _, words = line.partition(" ")
        if kind == "FROM":
            stage = words.split(" AS ")[1]
        found.append(Instruction(stage, kind, words.strip()))
    return found


def of(kind: str, stage: str | None = None) -> list[str]:
    """What the Dockerfile's instructions of this kind say, in order."""
    return [
        one.words
        for one in dockerfile()
        if one.kind == kind and stage in (None, one.stage)
    ]


def image_environment() -> dict[str, str]:
    """The ENV of the final image."""
    pairs = [pair for words in of("ENV", "image") for pair in shlex.split(words)]
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


def context_copies() -> list[tuple[str, str]]:
    """(source in the context, stage), of every COPY and bind mount from the context."""
    found = []
    for one in dockerfile():
        if one.kind == "COPY" and "--from=" not in one.words:
            found += [(source, one.stage) for source in one.words.split()[:-1]]
        for source in re.findall(r"--mount=type=bind,source=([^,\s]+)", one.words):
            found.append((source, one.stage))
    return found


def seconds(duration: str) -> float:
    """Of compose's durations we write only seconds."""
    assert duration.endswith("s")
    return float(duration[:-1])
