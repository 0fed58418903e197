"""A PostgreSQL server of our own: made for one measurement, thrown away after it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services import free_port, missing

STARTED_SECONDS = 60


@dataclass(frozen=True)
class PostgresServer:
    """A cluster in `folder`/data, reached on this machine only, without a password.

    PostgreSQL refuses to run as root: for root it runs as the user `postgres`.
    """

    folder: Path
    programs: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
        self._run("initdb", "-U", "postgres", "-A", "trust")

    def start(self) -> None:
        """Returns once it takes connections."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder}"
        log = str(self.folder / "log")
        wait = ("-w", "-t", str(STARTED_SECONDS))
        self._run("pg_ctl", *wait, "-l", log, "-o", options, "start")

    def stop(self, mode: str) -> None:
        """`fast` as an administrator does, `immediate` as a crash does."""
        self._run("pg_ctl", "-m", mode, "stop")

    def _run(self, name: str, *words: str) -> None:
        user = "postgres" if os.getuid() == 0 else None
        subprocess.run(
            [str(self.programs / name), "-D", f"{self.folder}/data", *words],
            user=user,
            group=user,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
        )


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """One that runs, gone afterwards; skips (fails in CI) where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        missing("no PostgreSQL in /usr/lib/postgresql")
    # Below the folder for all: another user must be able to reach it.
    with tempfile.TemporaryDirectory(prefix="causeline-postgres-") as name:
        server = PostgresServer(Path(name), found[-1].parent, free_port())
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
