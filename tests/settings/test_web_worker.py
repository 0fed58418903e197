"""Connections that are kept do not stick to a process that has too many."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil

from tests.services import free_port
from traceability.lib.programs import REPOSITORY

CONFIG = """
from traceability.lib.web_worker import SharingWorker
worker_class, threads, keepalive = SharingWorker, 16, 15
control_socket_disable = True
"""
# Slow enough that all are in hand before the first one is answered.
APPLICATION = """
import time
def application(environ, start_response):
    time.sleep(1.0 if environ["PATH_INFO"] == "/slow" else 0)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


def test_who_has_its_hands_full_lets_the_others_have_some(tmp_path: Path) -> None:
    with served(tmp_path, processes=2) as port:
        # However eight are spread over two, all but the first of each find company.
        assert all_at_once(port, 8).count("close") >= 6
        assert kept(port, "/") == "keep-alive"


def test_a_process_without_others_keeps_them_all(tmp_path: Path) -> None:
    with served(tmp_path, processes=1) as port:
        assert all_at_once(port, 8) == ["keep-alive"] * 8


def test_who_has_lost_the_master_leaves_the_address_at_once(tmp_path: Path) -> None:
    """A camera that goes on sending must not keep the next master out."""
    with (
        served(tmp_path, processes=2) as port,
        closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as camera,
    ):
        camera.request("GET", "/")
        camera.getresponse().read()
        master = _listening(port)
        master.kill()
        end = time.monotonic() + 5
        while not _is_free(port):
            assert time.monotonic() < end
            with suppress(OSError, http.client.HTTPException):
                camera.request("GET", "/")
                camera.getresponse().read()


def _listening(port: int) -> psutil.Process:
    """The eldest of those who do."""
    words = f"127.0.0.1:{port}"
    found = [one for one in psutil.process_iter() if words in _words(one)]
    return min(found, key=lambda one: one.create_time())


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def all_at_once(port: int, many: int) -> list[str]:
    with ThreadPoolExecutor(many) as pool:
        return list(pool.map(lambda _: kept(port, "/slow"), range(many)))


def kept(port: int, path: str) -> str:
    """What the answer says about its connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.read() == b"ok"
        return answer.headers["Connection"].lower()
    finally:
        connection.close()


@contextmanager
def served(folder: Path, processes: int) -> Iterator[int]:
    (folder / "config.py").write_text(CONFIG)
    (folder / "slow.py").write_text(APPLICATION)
    port = free_port()
    running = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "-c", "config.py", "slow"),
            *("--bind", f"127.0.0.1:{port}", "--workers", str(processes)),
        ],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )
    try:
        _until_answered(port)
        yield port
    finally:
        running.terminate()
        running.wait(20)


def _until_answered(port: int) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            kept(port, "/")
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return
