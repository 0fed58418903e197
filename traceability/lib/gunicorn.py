"""How gunicorn runs the web process: threads that share one Django."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

worker_class = "gthread"
workers = 1
threads = settings.WEB_THREADS
timeout = 60
graceful_timeout = 15
keepalive = 15
# Its sign of life is a file that is touched every second; keep that off the disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
control_socket_disable = True  # it would be shared by all sites of a user
