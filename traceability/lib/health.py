"""Is the process of this name well, here: for health checks; exit code 0 or 1.

`python -m traceability.lib.health inspect` beside `traceability.lib.start inspect`, on
the same machine or in the same container. It asks that very process, and nothing waits
in a queue for the answer. Django is loaded for `mqtt` only.
"""

from __future__ import annotations

import os
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from traceability.lib.programs import REPOSITORY, completed
from traceability.lib.readiness import answers, listens


def main(words: Sequence[str]) -> int:
    parser = ArgumentParser(prog="python -m traceability.lib.health")
    parser.add_argument("name", help="web, mqtt, inspect, inspect-2 …, analysis, clock")
    parser.add_argument("--port", type=int, default=8000, help="where web listens")
    args = parser.parse_args(words)
    data = Path(os.environ.get("CAUSELINE_DATA") or REPOSITORY / "var").resolve()
    environment = completed(os.environ, data)
    if args.name == "mqtt":
        check = (sys.executable, "manage.py", "publish_mqtt", "--check")
        os.chdir(REPOSITORY)
        os.execve(check[0], check, environment)  # noqa: S606
    if args.name == "web":
        well = answers(f"http://127.0.0.1:{args.port}")
    else:
        worker = f"{args.name}@{socket.gethostname()}"
        well = listens(environment["CAUSELINE_REDIS_URL"], worker)
    print("ok" if well else f"{args.name} does not answer")
    return int(not well)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
