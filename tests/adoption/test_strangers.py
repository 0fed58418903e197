"""A folder that anybody may have written: no command opens a network of it unseen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from inference_worker import adoption
from inference_worker.adoption import adopt
from inference_worker.commands import models
from inference_worker.engine.store import open_signed
from inference_worker.untrusted.errors import ModelRefused, Reason
from inference_worker.untrusted.folders import open_unsigned
from inference_worker.untrusted.limits import ProbeLimits
from tests.adoption.strangers import net_in_int8, write_net, write_version
from tests.engine.toy import toy_manifest, toy_network, write_toy
from tests.quantise.nets import net
from tests.services import training_packages
from tests.untrusted.hostile import FILES

REPOSITORY = Path(__file__).resolve().parents[2]
MEBIBYTE = 2**20

HOSTILE = ("loop-bomb", "external-above", "input-endless")
COMMANDS = {
    "adopt": ["adopt", "--source", "SOURCE"],
    "detect": ["detect", "--model", "FOLDER", "photo.png"],
    "evaluate": ["evaluate", "--model", "FOLDER", "--coco", "nowhere"],
    "quantise": ["quantise", "--model", "FOLDER", "--drawn", "8", "--out", "OUT"],
    "train": ["train", "--from", "FOLDER", "--drawn", "8", "--out", "OUT"],
}

LOADS = {name: f"inference_worker.commands.{name}" for name in COMMANDS} | {
    "train": "inference_worker.training.run"
}
"""What each imports while it works, whatever it is given."""

CALLER = """
import re, sys
from pathlib import Path
import numpy, onnx
import {module}
from inference_worker.commands.main import main
def most():
    told = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+)", told)[1]) * 1024
parsed = []
onnx.load_model_from_string = lambda *given: parsed.append(given)
(Path("photo.png")).write_bytes(b"")
before, code = most(), main(sys.argv[1:])
runtimes = [name for name in ("openvino", "onnxruntime") if name in sys.modules]
print([code, most() - before, len(parsed), *runtimes], file=sys.stderr)
"""


def run(command: str, folder: Path, work: Path) -> tuple[str, list[object]]:
    """What the command said of the folder, and: its exit status, by how many bytes it
    grew, how often it parsed and the runtimes that it loaded.
    """
    places = {"SOURCE": folder.parents[1], "FOLDER": folder, "OUT": work / "toy" / "2"}
    words = [str(places.get(word, word)) for word in COMMANDS[command]]
    done = subprocess.run(
        [sys.executable, "-c", CALLER.format(module=LOADS[command]), *words],
        cwd=work,
        env={
            **os.environ,
            "CAUSELINE_DATA": str(work / "var"),
            "PYTHONPATH": str(REPOSITORY),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    *said, told = done.stderr.splitlines()
    return "\n".join(said), json.loads(told.replace("'", '"'))


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (command, name)
        for command in COMMANDS
        for name in HOSTILE
        if command != "train" or name == HOSTILE[0]  # torch takes long to load
    ],
)
def test_a_hostile_network_is_refused_before_the_command_opens_it(
    command: str, name: str, tmp_path: Path
) -> None:
    if command == "train":
        training_packages()
    reason, make = FILES[name]
    folder = write_version(tmp_path / "theirs", {"model.onnx": make()})
    said, told = run(command, folder, tmp_path)
    assert f"({reason})" in said
    assert f"{folder / 'model.onnx'}: " in said
    assert told[0] == 1
    grew = told[1]
    assert isinstance(grew, int)
    assert grew < 50 * MEBIBYTE
    assert told[2] == 0
    assert command == "train" or not told[3:]  # torch brings one
    assert not (tmp_path / "toy").exists()
    assert not (tmp_path / "var/engines/toy").exists()


@pytest.mark.parametrize("command", ["adopt", "detect"])
def test_a_hostile_file_in_int8_is_looked_into_as_well(
    command: str, tmp_path: Path
) -> None:
    reason, make = FILES["loop-bomb"]
    folder = write_net(tmp_path / "theirs", make())
    said, told = run(command, folder, tmp_path)
    assert f"{folder / 'model.int8.onnx'}: " in said
    assert f"({reason})" in said
    assert told[0] == 1


def test_what_the_program_brings_needs_no_look(tmp_path: Path) -> None:
    """It would be refused: a released file may use any operator."""
    _, make = FILES["loop-bomb"]
    write_version(tmp_path / "ours", {"model.onnx": make()})
    (one,) = adopt(tmp_path / "ours", tmp_path / "var", shipped=True)
    assert one.fresh


def test_only_folders_below_the_shipped_ones_came_with_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = write_toy(tmp_path / "ours")
    monkeypatch.setattr(models, "SHIPPED", tmp_path / "ours")
    assert models.is_shipped(ours)
    assert models.is_shipped(tmp_path / "ours")
    for other in (tmp_path, tmp_path / "ours" / ".." / "theirs", Path("toy")):
        assert not models.is_shipped(other)


def test_the_bytes_handed_out_are_those_looked_into(tmp_path: Path) -> None:
    """A file that is exchanged after the look is another than its pin."""
    folder = write_toy(tmp_path)
    version = open_unsigned(folder)
    assert version.read("model.onnx") == toy_network()
    assert version.looked_into == {"model.onnx"}
    _, make = FILES["loop-bomb"]
    (folder / "model.onnx").write_bytes(make())
    with pytest.raises(Exception, match="differs from its manifest"):
        version.read("model.onnx")


def test_more_than_memory_should_hold_is_not_read(tmp_path: Path) -> None:
    files = {"model.onnx": toy_network()}
    manifest = toy_manifest(files)
    manifest["files"]["model.onnx"]["size"] = 2**40
    folder = write_version(tmp_path, files, files=manifest["files"])
    with pytest.raises(ModelRefused, match="1,099,511,627,776 bytes") as caught:
        open_unsigned(folder)
    assert caught.value.reason == Reason.FILE_TOO_LARGE


def test_a_strangers_version_that_keeps_the_rules_is_adopted(tmp_path: Path) -> None:
    write_net(tmp_path / "theirs", net_in_int8())
    (one,) = adopt(tmp_path / "theirs", tmp_path / "var")
    assert one.refused is None
    kept = open_signed(tmp_path / "var", "toy", "1").read_all()
    assert kept["model.int8.onnx"] == net_in_int8()


def test_int8_that_chews_for_ever_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It breaks no rule: only trying it shows."""
    monkeypatch.setattr(adoption, "TRIED_WITHIN", ProbeLimits(seconds=2))
    write_net(tmp_path / "theirs", _with_additions(net_in_int8(), 5_000))
    (one,) = adopt(tmp_path / "theirs", tmp_path / "var")
    assert isinstance(one.refused, ModelRefused)
    assert one.refused.reason == Reason.TOO_SLOW
    assert "toy 1: model.int8.onnx" in str(one.refused)


def _with_additions(content: bytes, count: int) -> bytes:
    """That many of next to nothing behind its output, which OpenVINO chews on."""
    model = onnx.load_model_from_string(content)
    graph, last = model.graph, "preds0"
    graph.node[-1].output[0] = last
    for i in range(1, count + 1):
        little = onnx.numpy_helper.from_array(np.float32(1e-9), f"little{i}")
        graph.initializer.append(little)
        made = "preds" if i == count else f"preds{i}"
        graph.node.append(onnx.helper.make_node("Add", [last, little.name], [made]))
        last = made
    return model.SerializeToString()


def _float_weights(model: onnx.ModelProto) -> None:
    """One convolution takes int8 and weighs in float."""
    graph = model.graph
    conv = next(node for node in graph.node if node.op_type == "Conv")
    float_one = next(one for one in net().graph.initializer if one.name == "one.weight")
    float_one.name = "float_weight"
    graph.initializer.append(float_one)
    conv.input[1] = "float_weight"


def _unsigned(model: onnx.ModelProto) -> None:
    """Another zero point than int8 0, which TensorRT refuses."""
    for one in model.graph.initializer:
        if one.data_type == onnx.TensorProto.INT8 and not one.dims:
            one.data_type = onnx.TensorProto.UINT8


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_float_weights, "its weights are float, the rest is int8"),
        (_unsigned, "the zero point is not an int8 of 0"),
        (None, "nothing is quantised"),
    ],
)
@pytest.mark.parametrize("shipped", [False, True])
def test_int8_that_breaks_the_rules_is_refused_with_the_reason(
    spoil: object, why: str, shipped: bool, tmp_path: Path
) -> None:
    model = onnx.load_model_from_string(net_in_int8()) if spoil else net()
    if callable(spoil):
        spoil(model)
    write_net(tmp_path / "theirs", model.SerializeToString())
    (one,) = adopt(tmp_path / "theirs", tmp_path / "var", shipped=shipped)
    assert one.refused is not None
    assert one.refused.code == "int8_rules_broken"
    assert why in str(one.refused)
    assert "toy 1: model.int8.onnx" in str(one.refused)
    assert not (tmp_path / "var/engines/toy").exists()
