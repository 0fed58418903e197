"""What has to be so before processes are started."""

from __future__ import annotations

import errno
import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from traceability.lib.programs import REPOSITORY


class ServeError(Exception):
    """The processes cannot run, or did not become ready; the message says why."""


# The supervisor takes it for the begin of a comment, wherever it stands.
_COMMENT = re.compile(r"\s[#;]|[\r\n]")


def check_names(*paths: str | Path) -> None:
    """Raises ServeError for what the supervisor would read only the first half of."""
    for path in map(str, paths):
        if _COMMENT.search(path):
            raise ServeError(
                f"{path!r} holds a space and then # or ;, or a line's end, which the "
                "supervisor cannot read. Rename that folder."
            )


def check_port(host: str, port: int) -> None:
    """Raises ServeError when nothing could listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OverflowError:
            raise ServeError(f"Port {port} is none; give 1 to 65535.") from None
        except OSError as error:
            why = "is in use" if error.errno == errno.EADDRINUSE else str(error)
            raise ServeError(
                f"Port {port} on {host} {why}. Choose another one with --port, or stop "
                "what listens there."
            ) from None


def migrate(environment: Mapping[str, str]) -> None:
    """Bring the database's tables up to this version; raises ServeError."""
    _run(environment, "manage.py", "migrate", "--no-input", "--verbosity", "0")


def adopt(environment: Mapping[str, str], models: Path) -> None:
    """Sign the released models in `models` for this site; raises ServeError."""
    _run(environment, "-m", "inference_worker", "adopt", "--source", str(models))


def _run(environment: Mapping[str, str], *words: str) -> None:
    """Run a step in the repository; raises ServeError with what it complained of."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, *words],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ServeError(f"{' '.join(words)} failed.\n{done.stderr.strip()}")
