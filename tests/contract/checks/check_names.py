"""Every name that we use is there in this version, and means what it meant.

`signatures.json` is what both versions say of the members we name. To take a new one
in: CAUSELINE_TEST_WRITE_SIGNATURES=1 make test PYTEST_ARGS=tests/contract, and read the
difference.
"""

from __future__ import annotations

import json
import os
from operator import attrgetter
from pathlib import Path

import pytest
import tensorrt as trt

from tests.contract import names

SNAPSHOT = Path(__file__).parents[1] / "signatures.json"


@pytest.mark.parametrize("name", sorted(names.dotted()))
def test_a_name_is_there(name: str) -> None:
    assert attrgetter(name)(trt) is not None


def test_the_scan_sees_our_code() -> None:
    """Else the others would pass for want of anything to look at."""
    seen = names.dotted()
    assert {"Runtime", "NetworkDefinitionCreationFlag.STRONGLY_TYPED"} <= seen


def test_the_members_that_we_use_have_the_signatures_known() -> None:
    found = {
        f"{kind}.{member}": told
        for kind, member in sorted(names.members())
        if (told := names.signature(trt, kind, member)) is not None
    }
    if os.environ.get("CAUSELINE_TEST_WRITE_SIGNATURES"):
        SNAPSHOT.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(SNAPSHOT.read_text())
    assert {"IExecutionContext.execute_async_v3", "OnnxParser.parse"} <= set(found)


def test_what_only_one_version_has_is_not_used() -> None:
    gone = {"FP16", "INT8", "EXPLICIT_BATCH", "int8_calibrator", "device_memory_size"}
    used = {name.rpartition(".")[2] for name in names.dotted()}
    used |= {member for _, member in names.members()}
    assert gone.isdisjoint(used)
