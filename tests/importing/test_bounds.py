"""No graph holds up, fills or ends the process that imports it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from inference_worker.engine.manifest import Manifest, canonical
from inference_worker.importing.apart import upgraded
from inference_worker.importing.errors import ImportRefused
from inference_worker.importing.runtimes import try_backends
from inference_worker.importing.source import open_source
from inference_worker.untrusted.errors import ModelRefused, Reason
from inference_worker.untrusted.limits import ProbeLimits
from tests.engine.toy import toy_manifest
from tests.importing.foreign import NAMES, ULTRALYTICS, network, write, yolov8
from tests.importing.imports import imported
from tests.importing.places import places
from tests.untrusted.test_sandbox import be

REPOSITORY = Path(__file__).resolve().parents[2]
INPUT = {"layout": "NCHW", "channels": 3, "range": [0, 1], "sizes": [64]}
RUNTIMES = ("onnxruntime", "openvino", "torch")


def test_a_graph_that_a_backend_chews_on_is_refused_in_time() -> None:
    model = places(chain=3000)
    names = {"classes": list(NAMES), "input": INPUT}
    manifest = Manifest.parse(canonical(toy_manifest({"model.onnx": model}, **names)))
    begun = time.monotonic()
    with pytest.raises(ModelRefused, match="trying it on openvino") as caught:
        try_backends(manifest, model, ProbeLimits(seconds=2))
    assert time.monotonic() - begun < 10
    assert caught.value.reason == Reason.TOO_SLOW


def test_what_takes_too_long_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused) as caught:
        imported(tmp_path, places(chain=5000), patience=3)
    assert caught.value.reason == Reason.TOO_SLOW
    assert "onnxsim" in caught.value.hint
    assert "--patience" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["best.onnx"]


def run_import(folder: Path, model: bytes, *options: str) -> subprocess.Popen[str]:
    # What is started in the background, as a whole run of tests may be, ignores Ctrl-C.
    command = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from inference_worker.commands.main import main
code = main(sys.argv[1:])
print(*(name for name in {RUNTIMES} if name in sys.modules), file=sys.stderr)
sys.exit(code)
"""
    file = write(folder, model)
    words = ["import", str(file), "--name", "theirs", *options]
    return subprocess.Popen(
        [sys.executable, "-c", command, *words],
        cwd=REPOSITORY,
        env={**os.environ, "CAUSELINE_DATA": str(folder / "var")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ctrl_c_ends_it_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    running = run_import(tmp_path, places(chain=5000))
    assert running.stderr is not None
    # What it says last before the graph is run.
    while "program" not in running.stderr.readline():
        assert running.poll() is None
    process = psutil.Process(running.pid)
    while not process.children():
        time.sleep(0.01)
    children = process.children()
    time.sleep(0.5)
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=10) == 130
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    running.communicate()
    assert [path.name for path in tmp_path.iterdir()] == ["best.onnx"]


def test_no_runtime_is_loaded_where_it_is_imported(tmp_path: Path, coco: Path) -> None:
    model = network(yolov8(), metadata=ULTRALYTICS, opset=13)
    running = run_import(tmp_path, model, "--coco", str(coco))
    out, said = running.communicate(timeout=200)
    assert running.returncode == 0, said
    assert (Path(out.strip()) / "model.onnx").is_file()
    assert said.splitlines()[-1] == ""


def test_a_converter_that_dies_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(monkeypatch, "import os; os.kill(os.getpid(), 11)")
    with pytest.raises(ModelRefused, match="bringing it to opset 17") as caught:
        upgraded(network(yolov8(), opset=13), 17, 60)
    assert caught.value.reason == Reason.DIED
    assert "another opset" in caught.value.hint


def test_a_network_that_needs_too_much_memory_is_refused(tmp_path: Path) -> None:
    small = ProbeLimits(memory_bytes=80 * 2**20)
    source = open_source(write(tmp_path, places()), small)
    with pytest.raises(ModelRefused) as caught:
        source.try_out((64, 64))
    assert caught.value.reason in (Reason.OUT_OF_MEMORY, Reason.DIED)
    assert caught.value.hint


def test_what_only_a_white_picture_blows_up_is_refused(tmp_path: Path) -> None:
    """How much is selected no shape tells: so it is shown one."""
    with pytest.raises(ModelRefused, match="showing it a white picture") as caught:
        imported(tmp_path, places(behind="white_grows"))
    assert caught.value.reason in (Reason.OUT_OF_MEMORY, Reason.DIED)


def test_what_gives_no_numbers_for_a_white_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="NaN or infinity"):
        imported(tmp_path, places(behind="white_fails"))
