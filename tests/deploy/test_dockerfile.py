"""The Dockerfile builds from what is there, offline, and gives no rights away."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from django.conf import settings

from tests.deploy.files import (
    DEPLOY,
    compose,
    context_copies,
    dockerfile,
    env_file,
    image_environment,
    of,
)
from traceability.lib.programs import REPOSITORY

VERSIONS = env_file(DEPLOY / "versions.env")
BUILT = {
    name: service["build"]
    for name, service in compose()["services"].items()
    if "build" in service
}


def test_every_argument_is_given_and_every_given_one_is_used() -> None:
    asked = {words.partition("=")[0] for words in of("ARG")}
    for build in BUILT.values():
        assert set(build["args"]) == asked
        assert build["dockerfile"] == "deploy/Dockerfile"
        assert (DEPLOY / build["context"]).resolve() == REPOSITORY
        for name, value in build["args"].items():
            assert name == "RUNTIME" or str(value) == VERSIONS[name]


def test_every_image_is_built_on_a_stage_that_exists() -> None:
    stages = {one.stage for one in dockerfile()}
    runtimes = {build["args"]["RUNTIME"] for build in BUILT.values()}
    assert runtimes == {"cpu", "gpu"}
    assert runtimes <= stages
    for words in of("COPY"):
        if match := re.search(r"--from=(\S+)", words):
            assert match[1] in stages


def test_what_is_copied_exists_and_may_leave_this_machine() -> None:
    rules = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in rules if line.startswith("!")}
    assert "*" in rules
    sources = {source for source, _ in context_copies()}
    assert sources == allowed
    for source in sources:
        assert (REPOSITORY / source).exists(), source


def test_the_process_is_not_root_and_cannot_change_its_program() -> None:
    assert of("USER")[-1] == "10001:10001"
    last = [one.kind for one in dockerfile() if one.stage == "image"]
    assert last.index("USER") > last.index("RUN")
    assert not [words for words in of("COPY", "image") if "--chown" in words]


def test_no_package_comes_from_anywhere_but_pip() -> None:
    assert not of("ADD")
    runs = " ".join(of("RUN"))
    assert not re.search(r"apt-get|curl|wget|https?:|git clone", runs)
    assert not (DEPLOY / "Dockerfile").read_text().startswith("# syntax="), (
        "it would be fetched at each build"
    )


def test_the_command_is_one_list_of_words() -> None:
    (command,) = of("CMD")
    assert json.loads(command)[:4] == ["python", "-m", "traceability.lib.start", "web"]


def test_the_image_serves_the_files_that_it_collected() -> None:
    collected = image_environment()["CAUSELINE_STATIC"]
    (run,) = of("RUN", "application")
    assert f"CAUSELINE_STATIC={collected} " in run
    assert "collectstatic" in run


def test_versions_are_the_same_everywhere() -> None:
    gpu = (REPOSITORY / "requirements-gpu.txt").read_text()
    assert f"tensorrt-cu13=={VERSIONS['TENSORRT_VERSION']}\n" in gpu
    assert f"tensorrt-cu{VERSIONS['CUDA_VERSION']}==" in gpu
    driver, cuda = VERSIONS["DRIVER_VERSION"], VERSIONS["CUDA_VERSION"]
    assert f"NVIDIA driver {driver} or newer, CUDA {cuda}." in gpu
    assert VERSIONS["TENSORRT_VERSION"] in (REPOSITORY / "docs/tensorrt.md").read_text()
    assert VERSIONS["VERSION"] == settings.VERSION
    told = (REPOSITORY / "docs/deploy.md").read_text()
    for name, value in VERSIONS.items():
        assert name == "VERSION" or f"`{value}`" in told, f"{name}={value}"


def test_python_is_one_that_the_project_takes() -> None:
    version = re.match(r"python:(\d+)\.(\d+)-slim", VERSIONS["PYTHON_IMAGE"])
    assert version is not None
    assert (3, 11) <= (int(version[1]), int(version[2])) < (3, 13)


def test_packages_come_from_the_wheelhouse_alone_where_it_has_some(
    tmp_path: Path,
) -> None:
    """With one wheel in it, what it lacks is not asked for elsewhere."""
    wheelhouse = tmp_path / "wheelhouse"
    wheelhouse.mkdir()
    info = "causeline_probe-1.dist-info"
    with zipfile.ZipFile(wheelhouse / "causeline_probe-1-py3-none-any.whl", "w") as one:
        one.writestr("causeline_probe.py", "")
        about = "Metadata-Version: 2.1\nName: causeline-probe\nVersion: 1\n"
        one.writestr(f"{info}/METADATA", about)
        tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        one.writestr(f"{info}/WHEEL", tag)
        one.writestr(f"{info}/RECORD", "")

    def install(name: str) -> subprocess.CompletedProcess[str]:
        script = (DEPLOY / "install-packages", tmp_path / "venv", wheelhouse, name)
        path = f"{sys.prefix}/bin:/usr/bin:/bin"
        return subprocess.run(
            [str(word) for word in script],
            env={"PATH": path, "PIP_CONSTRAINT": "/nowhere"},
            capture_output=True,
            text=True,
            check=False,
        )

    done = install("causeline-probe")
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "venv").glob("lib/*/site-packages/causeline_probe.py"))
    done = install("six")
    assert done.returncode
    assert "No matching distribution" in done.stderr
