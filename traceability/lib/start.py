"""Become one process of a site: what systemd and compose start, by its name.

`python -m traceability.lib.start web --host 0.0.0.0`; the names are those of
`manage.py serve`. `prepare` migrates the database and adopts the released models, and
ends: once before the others. No Django here, it begins in the process itself.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from traceability.lib.cards import CHOSEN, seats
from traceability.lib.preparation import ServeError, adopt, migrate
from traceability.lib.programs import PARTS, REPOSITORY, completed, programs

PREPARE = "prepare"


def main(words: Sequence[str]) -> None:
    """Leaves with a message when there is no process of that name here."""
    parser = ArgumentParser(prog="python -m traceability.lib.start")
    parser.add_argument("name", help=f"{PREPARE}, or one of {', '.join(PARTS)}")
    parser.add_argument("--host", default="127.0.0.1", help="where web listens")
    parser.add_argument("--port", type=int, default=8000)
    args = parser.parse_args(words)
    data = Path(os.environ.get("CAUSELINE_DATA") or REPOSITORY / "var").resolve()
    environment = completed(os.environ, data)
    if args.name == PREPARE:
        _prepare(environment)
    else:
        _become(args.name, data, args.host, args.port, environment)


def _prepare(environment: dict[str, str]) -> None:
    try:
        migrate(environment)
        adopt(environment, REPOSITORY / "engines")
    except ServeError as error:
        raise SystemExit(str(error)) from None


def _become(
    name: str, data: Path, host: str, port: int, environment: dict[str, str]
) -> None:
    every = programs(data, host, port, PARTS, seats(environment))
    found = {program.name: program for program in every}
    if name not in found:
        raise SystemExit(f"No process {name!r} here; there are: {', '.join(found)}.")
    program = found[name]
    if program.card:
        environment[CHOSEN] = program.card
    os.chdir(REPOSITORY)
    os.execve(program.command[0], program.command, environment)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
