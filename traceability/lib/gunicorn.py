"""How gunicorn runs the web processes: threads that share one Django in each."""

from __future__ import annotations

import os
import socket
import struct
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import connection
from PIL import Image

from traceability.lib.figures_folder import leave_folder, take_folder
from traceability.lib.garbage import settle
from traceability.lib.web_worker import SharingWorker

worker_class = SharingWorker
workers = settings.WEB_PROCESSES
threads = settings.WEB_THREADS
timeout = 60
graceful_timeout = 15
keepalive = 15
# Its sign of life is a file that is touched every second; keep that off the disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
# A camera that loses its cable in the middle of an upload says nothing more: without
# this the thread that reads from it would be gone.
SILENCE_SECONDS = 5
COUNTED = "PROMETHEUS_MULTIPROC_DIR"
_held: IO[str] | None = None


def on_starting(server: Any) -> None:
    """Before any worker: they count together, and from nothing."""
    global _held
    folder, _held = take_folder(settings.DATA_DIR)
    os.environ[COUNTED] = str(folder)


def post_worker_init(worker: Any) -> None:
    """Import what the first photo of each process would wait for, a second or so."""
    import_module(settings.ROOT_URLCONF)
    Image.preinit()
    settle()


def child_exit(server: Any, worker: Any) -> None:
    """What a worker had in hand ends with it; what it counted stays."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def post_request(worker: Any, request: Any, environ: Any, response: Any) -> None:
    """A thread keeps its SQLite open, not the 32 MB that a page may have read."""
    if connection.vendor == "sqlite" and connection.connection is not None:
        connection.connection.execute("PRAGMA shrink_memory")


def on_exit(server: Any) -> None:
    leave_folder(Path(os.environ[COUNTED]))


def when_ready(server: Any) -> None:
    """Let every accepted connection give up on a silent client (Linux inherits it)."""
    patience = struct.pack("@ll", SILENCE_SECONDS, 0)
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)


control_socket_disable = True  # it would be shared by all sites of a user
