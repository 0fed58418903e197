"""Our TensorRT code over NVIDIA's own bindings, each version in a process of its own.

The checks are in `checks/`; two majors cannot be imported by one process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.contract import wheels
from tests.services import missing

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CHECKS = sorted(path.stem for path in (HERE / "checks").glob("check_*.py"))
_PATIENCE = 280


@cache
def outcome(version: str) -> tuple[ElementTree.Element, str]:
    """What pytest reported, and what it printed."""
    environment = os.environ | {
        "CAUSELINE_TEST_TENSORRT": version,
        "PYTHONPATH": f"{HERE / 'site'}{os.pathsep}{ROOT}",
    }
    report = Path(os.environ["CAUSELINE_DATA"]) / f"contract-{version}.xml"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-W", "error", "-q"),
            *("-p", "no:cacheprovider", "-p", "no:xdist"),
            *("-o", "python_files=check_*.py", "--junitxml", str(report)),
            str(HERE / "checks"),
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    said = done.stdout + done.stderr
    assert report.is_file(), said
    return ElementTree.parse(report).getroot(), said  # noqa: S314 - our own file


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("version", wheels.VERSIONS)
def test_the_bindings_of(version: str, check: str) -> None:
    if not wheels.is_there(version):
        missing(f"NVIDIA's bindings {version} are not here: {wheels.HINT}")
    report, said = outcome(version)
    name = f"tests.contract.checks.{check}"
    cases = [one for one in report.iter("testcase") if one.get("classname") == name]
    bad = [one.get("name") for one in cases if len(one)]
    assert cases, said
    assert not bad, f"{bad}\n{said}"
