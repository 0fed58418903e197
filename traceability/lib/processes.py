"""Run all processes of a site under one supervisor, from a command or from code.

with ProcessGroup(data, port=8000) as group:  # started, and ready
    ...                                       # stopped at the end
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self
from xmlrpc.client import ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from traceability.lib.cards import seats
from traceability.lib.preparation import (
    ServeError,
    adopt,
    check_names,
    check_port,
    migrate,
)
from traceability.lib.programs import (
    PARTS,
    REPOSITORY,
    WORKERS,
    Program,
    completed,
    configuration,
    control_socket,
    log_file,
    programs,
)
from traceability.lib.readiness import answers, consumes
from traceability.lib.sockets import AlreadyLocked, hold, lock

__all__ = ["PARTS", "Process", "ProcessGroup", "ServeError"]

LOG_LINES = 20
# A process that had to be started more often than this before it was ready never will.
STARTS = 4


@dataclass(frozen=True)
class Process:
    """A supervised process as its supervisor sees it; `pid` is 0 when it is down."""

    name: str
    pid: int
    state: str


class ProcessGroup:
    """The processes of one data folder; at most one group a folder, on this machine.

    `parts` chooses among `PARTS`. Redis is embedded unless `environment` (default: this
    process's) names one in CAUSELINE_REDIS_URL; `mqtt` needs its CAUSELINE_MQTT_URL.
    `models` is where released model files are adopted from.
    """

    def __init__(
        self,
        data: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 8000,
        parts: Collection[str] = PARTS,
        environment: Mapping[str, str] | None = None,
        models: Path = REPOSITORY / "engines",
    ) -> None:
        self.data = data.resolve()
        self.host, self.port = host, port
        self.models = models
        self.environment = dict(os.environ if environment is None else environment)
        self.programs = programs(
            self.data, host, port, self._wanted(parts), seats(self.environment)
        )
        self.environment = completed(self.environment, self.data)
        self.environment.setdefault("CAUSELINE_URL", self.url)
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def url(self) -> str:
        """Where the web process answers on this machine."""
        everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104
        return f"http://{everywhere.get(self.host, self.host)}:{self.port}"

    @property
    def redis_url(self) -> str:
        return self.environment["CAUSELINE_REDIS_URL"]

    def __enter__(self) -> Self:
        try:
            self.start()
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Prepare the data folder and start the supervisor; returns at once after that.

        Raises ServeError when the folder or the port is in use, or cannot be prepared.
        """
        check_names(self.data, REPOSITORY, sys.executable)
        self._take_folder()
        if self._has("web"):
            check_port(self.host, self.port)
        self._prepare()
        path = self.data / "run" / "supervisord.conf"
        path.write_text(configuration(self.data, self.programs), encoding="utf-8")
        (self.data / "logs").mkdir(exist_ok=True)
        assert self._lock is not None  # noqa: S101
        self._supervisor = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(path)],
            cwd=REPOSITORY,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            # Ctrl-C reaches this process only, which then stops them in order.
            start_new_session=True,
            # The folder stays taken while the supervisor lives, even without us.
            pass_fds=[self._lock.fileno()],
        )
        # Whoever wants the folder stops that one: it may outlive us.
        hold(self._lock, self._holder(self._supervisor.pid))

    def wait_until_ready(self, timeout: float = 120) -> None:
        """Return when the web answers and every worker has consumed a message.

        Raises ServeError with the last lines of the log of what is missing.
        """
        deadline = time.monotonic() + timeout
        waiting = list(self.programs)
        starts: dict[str, set[int]] = {}
        while waiting := [one for one in waiting if not self._is_ready(one)]:
            if self._supervisor is None or self._supervisor.poll() is not None:
                raise ServeError(f"The supervisor ended.\n{self.tail('supervisord')}")
            for name, process in self.processes().items():
                pids = starts.setdefault(name, {0})
                pids.add(process.pid)
                if len(pids) - 1 > STARTS:
                    raise ServeError(f"{name} keeps ending.\n{self.tail(name)}")
            name = waiting[0].name
            if time.monotonic() > deadline:
                raise ServeError(
                    f"{name} is not ready after {timeout:.0f} s.\n{self.tail(name)}"
                )

    def wait(self) -> int:
        """Sleep until the supervisor ends; returns its exit code."""
        return self._supervisor.wait() if self._supervisor else 0

    def stop(self, timeout: float = 100) -> None:
        """Stop everything in order and let it finish its work; nothing is left."""
        if self._supervisor is not None:
            self._supervisor.terminate()
            try:
                self._supervisor.wait(timeout)
            finally:
                self._supervisor = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def processes(self) -> dict[str, Process]:
        """The processes by name, as they are now; none before the supervisor is up."""
        try:
            with self._control() as supervisor:
                found = supervisor.getAllProcessInfo()
        except OSError:
            return {}
        return {
            info["name"]: Process(info["name"], info["pid"], info["statename"])
            for info in found
        }

    def restart(self, name: str) -> None:
        """Stop one process warmly and start it again."""
        program = next(one for one in self.programs if one.name == name)
        full_name = f"{WORKERS}:{name}" if program.queue else name
        with self._control() as supervisor:
            supervisor.stopProcess(full_name)
            supervisor.startProcess(full_name)

    def tail(self, name: str) -> str:
        """The last lines of a process's log."""
        try:
            text = log_file(self.data, name).read_text("utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-LOG_LINES:])

    def _wanted(self, parts: Collection[str]) -> list[str]:
        """Those of the parts that the environment leaves something to do."""
        idle = set()
        if self.environment.get("CAUSELINE_REDIS_URL"):
            idle.add("redis")
        if not self.environment.get("CAUSELINE_MQTT_URL"):
            idle.add("mqtt")
        return [part for part in parts if part not in idle]

    def _has(self, name: str) -> bool:
        return any(program.name == name for program in self.programs)

    def _take_folder(self) -> None:
        path = self.data / "run" / "serve.lock"
        try:
            self._lock = lock(path, self._holder(os.getpid()))
        except AlreadyLocked as error:
            raise ServeError(
                f"The data folder {self.data} is already served by {error.holder}. "
                "Stop that first, or set CAUSELINE_DATA to another folder."
            ) from None

    def _holder(self, pid: int) -> str:
        return f"process {pid} ({self.url})"

    def _prepare(self) -> None:
        migrate(self.environment)
        if self._has("inspect"):
            adopt(self.environment, self.models)

    def _is_ready(self, program: Program) -> bool:
        if program.name == "web":
            return answers(self.url)
        return not program.queue or consumes(self.redis_url, program.queue)

    @contextmanager
    def _control(self) -> Iterator[Any]:
        """The supervisor's commands; OSError while it does not listen."""
        address = f"unix://{control_socket(self.data)}"
        with closing(SupervisorTransport(None, None, address)) as transport:
            yield ServerProxy("http://localhost", transport=transport).supervisor
