"""The systemd units: known keys, our commands, the times that processes take."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.files import DEPLOY, env_file
from tests.services import program
from traceability.lib.programs import PARTS, REPOSITORY, programs
from traceability.lib.start import PREPARE

SYSTEMD = DEPLOY / "systemd"
SERVICES = sorted((SYSTEMD / "system").glob("*.service"))
INSTALLED = "/opt/causeline"
PROCESSES = {
    one.name: one for one in programs(Path("/data"), "127.0.0.1", 8000, PARTS, "012")
}


def value(unit: Path, name: str) -> str:
    (line,) = [
        one for one in unit.read_text().splitlines() if one.startswith(f"{name}=")
    ]
    return line.partition("=")[2]


def process(unit: Path) -> str:
    """The process that a unit starts; an instance of a template is its second card."""
    words = value(unit, "ExecStart").replace("%i", "2").rstrip("'").split()
    if "traceability.lib.start" not in words:
        return ""
    return words[words.index("traceability.lib.start") + 1].rstrip(";")


def test_systemd_understands_them(tmp_path: Path) -> None:
    analyze = program("systemd-analyze")
    shutil.copytree(SYSTEMD / "system", tmp_path / "system")
    units = sorted((tmp_path / "system").rglob("*.*"))
    for unit in filter(Path.is_file, units):
        text = unit.read_text()
        text = text.replace(f"{INSTALLED}/.venv/bin/python", sys.executable)
        unit.write_text(text.replace(INSTALLED, str(REPOSITORY)))
    every = sorted(str(one) for one in (tmp_path / "system").glob("causeline*.*"))
    done = subprocess.run(
        [
            analyze,
            "verify",
            "--man=no",
            *[one for one in every if ".d" not in one],
        ],
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}/system:"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_process_has_its_unit() -> None:
    assert {process(unit) for unit in SERVICES} == {*PARTS, PREPARE, "inspect-2", ""}


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
def test_a_unit_is_given_the_time_that_its_process_takes(unit: Path) -> None:
    assert f"{INSTALLED}/.venv/bin/python " in value(unit, "ExecStart").replace(
        " .venv", f" {INSTALLED}/.venv"
    )
    if found := PROCESSES.get(process(unit)):
        assert value(unit, "TimeoutStopSec") == str(found.stop_seconds)
        assert value(unit, "Restart") == "always"
        if found.name != "redis":
            assert value(unit, "Requires") == f"causeline-{PREPARE}.service"
            assert f"causeline-{PREPARE}.service" in value(unit, "After").split()


def test_the_user_and_the_folders_are_those_of_the_units() -> None:
    common = SYSTEMD / "system" / "causeline-.service.d" / "common.conf"
    user = value(common, "User")
    assert (SYSTEMD / "sysusers.conf").read_text().startswith(f"u {user} ")
    folders = (SYSTEMD / "tmpfiles.conf").read_text()
    data = dict(pair.split("=") for pair in value(common, "Environment").split())
    for folder in data.values():
        assert f"d {folder} 0700 {user} {user}\n" in folders
    settings = Path(value(common, "EnvironmentFile"))
    assert f"z {settings.parent}/*{settings.suffix} 0640 root {user}\n" in folders


def test_every_variable_of_the_environment_file_is_a_setting(tmp_path: Path) -> None:
    given = env_file(SYSTEMD / "causeline.env")
    (tmp_path / "password").write_text("x")
    given["CAUSELINE_DATABASE_PASSWORD_FILE"] = str(tmp_path / "password")
    given["CAUSELINE_DATA"] = str(tmp_path / "data")
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--fail-level", "WARNING"],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_options_of_web_and_watcher_come_from_their_files() -> None:
    web = SYSTEMD / "system" / "causeline-web.service"
    assert value(web, "ExecStart").endswith(" web $WEB_OPTIONS")
    assert "WEB_OPTIONS" in env_file(SYSTEMD / "causeline.env")
    watch = value(SYSTEMD / "system" / "causeline-watch@.service", "ExecStart")
    assert watch.endswith(" watch_folder $WATCH_FOLDER $WATCH_OPTIONS")
    assert {"WATCH_FOLDER", "WATCH_OPTIONS"} == set(
        env_file(SYSTEMD / "watch-example.env")
    )
