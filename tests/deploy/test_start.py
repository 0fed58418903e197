"""`traceability.lib.start` becomes the process of a name, and tells it the rest."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from traceability.lib.programs import PARTS, REPOSITORY, programs

START = (sys.executable, "-m", "traceability.lib.start")


def environment(data: Path, **more: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CAUSELINE")}
    return clean | {"CAUSELINE_DATA": str(data), "PYTHONPATH": str(REPOSITORY), **more}


def test_a_name_that_is_none_is_told_with_those_that_are(tmp_path: Path) -> None:
    done = subprocess.run(
        [*START, "inspect-2"],
        env=environment(tmp_path, CUDA_VISIBLE_DEVICES=""),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "No process 'inspect-2' here; there are: redis, inspect, " in done.stderr


def test_a_card_that_two_share_has_a_second_process(tmp_path: Path) -> None:
    done = subprocess.run(
        [*START, "inspect-3"],
        env=environment(
            tmp_path, CUDA_VISIBLE_DEVICES="GPU-1", CAUSELINE_CARD_PROCESSES="2"
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "there are: redis, inspect, inspect-2, analysis, " in done.stderr


def test_the_second_inspector_is_the_process_itself_and_sees_the_second_card(
    tmp_path: Path,
) -> None:
    cards = ("GPU-1", "GPU-2")
    process = subprocess.Popen(
        [*START, "inspect-2"],
        cwd=tmp_path,
        env=environment(tmp_path, CUDA_VISIBLE_DEVICES=",".join(cards)),
        stderr=subprocess.DEVNULL,
    )
    expected = next(
        one
        for one in programs(tmp_path, "127.0.0.1", 8000, PARTS, cards)
        if one.name == "inspect-2"
    )
    try:
        seen = psutil.Process(process.pid)
        end = time.monotonic() + 20
        while tuple(seen.cmdline()) != expected.command:
            assert time.monotonic() < end, seen.cmdline()
            time.sleep(0.01)
        assert seen.environ()["CUDA_VISIBLE_DEVICES"] == "GPU-2"
        assert seen.environ()["CAUSELINE_REDIS_URL"].startswith("redis+socket://")
        assert seen.cwd() == str(REPOSITORY)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("word", ["manage.py migrate", "inference_worker adopt"])
def test_prepare_says_what_failed(tmp_path: Path, word: str) -> None:
    wrong = {
        "manage.py migrate": {"CAUSELINE_WEB_THREADS": "many"},
        "inference_worker adopt": {},
    }[word]
    if not wrong:  # a ring that others may read is refused
        (tmp_path / "keys").mkdir()
        (tmp_path / "keys" / "engine-signing.json").write_text("{}")
    done = subprocess.run(
        [*START, "prepare"],
        env=environment(tmp_path, **wrong),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"{word} " in done.stderr
    assert "Traceback" not in done.stderr
