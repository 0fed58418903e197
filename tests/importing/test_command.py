from __future__ import annotations

import json
import os
import pty
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from inference_worker.commands.main import main
from inference_worker.engine.backends.registry import ON_PROCESSOR
from inference_worker.engine.store import open_folder
from inference_worker.importing import runtimes, settling
from inference_worker.publishing import place_for
from tests.engine.toy import toy_network
from tests.importing import foreign
from tests.importing.foreign import NAMES, ULTRALYTICS, network, write
from tests.importing.imports import imported
from tests.importing.places import places

Output = pytest.CaptureFixture[str]
GIVEN = ["--classes", ",".join(NAMES)]


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CAUSELINE_DATA", str(tmp_path / "var"))
    return tmp_path / "var"


def test_an_imported_detector_is_adopted_and_detects(
    tmp_path: Path, site: Path, photo: Path, capsys: Output
) -> None:
    file = write(tmp_path, network(foreign.yolov8(), metadata=ULTRALYTICS))
    assert main(["import", str(file), "--name", "theirs"]) == 0
    folder = Path(capsys.readouterr().out.strip())
    assert folder == site / "imported" / "theirs" / "1"
    assert main(["adopt", "--source", str(site / "imported")]) == 0
    assert main(["detect", "--model", "theirs", str(photo), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out.split("\n", 1)[1])
    assert found["category"] == "short"
    assert found["bbox"] == pytest.approx([22, 27, 20, 10], abs=0.01)
    manifest = open_folder(folder).manifest
    assert manifest.canonical() == (folder / "manifest.json").read_bytes()


def test_the_next_import_follows_what_is_adopted(
    tmp_path: Path, site: Path, capsys: Output
) -> None:
    file = write(tmp_path, network(foreign.yolov8(), metadata=ULTRALYTICS))
    command = ["import", str(file), "--name", "theirs"]
    assert main(command) == 0
    assert main(command) == 1
    assert "versions never change" in capsys.readouterr().err
    main(["adopt", "--source", str(site / "imported")])
    assert main(command) == 0
    first, second = (
        open_folder(site / "imported" / "theirs" / name).manifest for name in "12"
    )
    assert second.release_seq == 2
    digest = first.files["model.onnx"].sha256
    assert second.raw["previous"] == {"version": "1", "sha256": digest}


def test_the_card_tells_where_it_came_from(
    tmp_path: Path, capsys: Output, caplog: pytest.LogCaptureFixture
) -> None:
    file = write(tmp_path, network(foreign.yolov8(), metadata=ULTRALYTICS), "b|e.onnx")
    assert main(["import", str(file), "--name", "theirs"]) == 0
    assert "licence in the file: AGPL-3.0" in caplog.text
    assert "Its licence is the AGPL-3.0" in caplog.text
    text = (Path(capsys.readouterr().out.strip()) / "card.md").read_text()
    for part in ("AGPL-3.0", "b\\|e.onnx", "pytorch 2.13.0", "YOLOv8", "Not measured"):
        assert part in text


def test_without_a_terminal_the_candidates_are_named(
    tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(os.devnull) as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        file = write(tmp_path, network(foreign.rfdetr(("pred_boxes", "logits"))))
        assert main(["import", str(file), "--name", "theirs", *GIVEN]) == 1
    said = capsys.readouterr().err
    assert "family_unclear" in said
    assert "--family rf-detr" in said


@pytest.mark.parametrize("answer", ["1", "rf-detr"])
def test_on_a_terminal_it_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    file = write(tmp_path, network(foreign.rfdetr(("pred_boxes", "logits"))))
    screen, keyboard = pty.openpty()
    os.write(screen, f"{answer}\n".encode())
    with open(keyboard) as typed, open(os.dup(keyboard), "w") as shown:
        monkeypatch.setattr(sys, "stdin", typed)
        monkeypatch.setattr(sys, "stderr", shown)
        assert main(["import", str(file), "--name", "theirs", *GIVEN]) == 0
    os.close(screen)


def test_labelled_photos_measure_it_and_choose_the_threshold(
    tmp_path: Path, coco: Path, capsys: Output
) -> None:
    file = write(tmp_path, network(foreign.yolov8(), metadata=ULTRALYTICS))
    command = ["import", str(file), "--name", "theirs", "--coco", str(coco)]
    assert main(command) == 0
    folder = Path(capsys.readouterr().out.strip())
    manifest = open_folder(folder).manifest
    # All thresholds below its only score are as good: the middle one is taken.
    assert 0.4 <= manifest.threshold <= 0.5
    assert manifest.raw["metrics"]["map50_e4"] == 10_000
    assert "| mAP@0.5 | 1.0000 |" in (folder / "card.md").read_text()


def test_a_file_of_ours_passes_through(tmp_path: Path, capsys: Output) -> None:
    model = onnx.load_from_string(toy_network())
    notes = {"causeline_schema": "1", "names": '["red", "green", "blue"]'}
    onnx.helper.set_model_props(model, notes)
    file = write(tmp_path, model.SerializeToString())
    assert main(["import", str(file), "--name", "toy"]) == 0
    folder = Path(capsys.readouterr().out.strip())
    assert (folder / "model.onnx").read_bytes() == file.read_bytes()
    assert open_folder(folder).manifest.input.fit == "letterbox"


def test_what_was_imported_can_be_imported_again(
    tmp_path: Path, capsys: Output
) -> None:
    file = write(tmp_path, network(foreign.yolox()))
    assert main(["import", str(file), "--name", "once", *GIVEN]) == 0
    once = Path(capsys.readouterr().out.strip())
    assert main(["import", str(once / "model.onnx"), "--name", "twice"]) == 0
    twice = Path(capsys.readouterr().out.strip())
    first, second = (open_folder(folder).manifest for folder in (once, twice))
    assert second.input == first.input
    assert second.classes == first.classes


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--family", "yolox"], "--family yolox: the file is one of ours already"),
        (["--size", "32"], "--size 32: the file"),
    ],
)
def test_what_a_file_of_ours_has_settled_is_not_asked_again(
    tmp_path: Path, capsys: Output, options: list[str], why: str
) -> None:
    once = imported(tmp_path, places())
    file = str(once / "model.onnx")
    assert main(["import", file, "--name", "twice", *options]) == 1
    assert why in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["--iou", "0"], "--iou: '0': give a number from 0.000001 to 1"),
        (["--iou", "1e-9"], "--iou: '1e-9': give a number from 0.000001 to 1"),
        (["--iou", "1.1"], "--iou"),
        (["--threshold", "1e-9"], "give a number from 0.000001 to 0.999999"),
        (["--threshold", "0.9999999"], "give a number from 0.000001 to 0.999999"),
        (["--patience", "0"], "--patience"),
    ],
)
def test_numbers_out_of_range_are_no_command(
    capsys: Output, options: list[str], wanted: str
) -> None:
    with pytest.raises(SystemExit):
        main(["import", "x.onnx", "--name", "theirs", *options])
    assert wanted in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--name", "../up"], ["--name '../up'", "--name scratches"]),
        (["--name", "x", "--version", "a/b"], ["--version 'a/b'", "--version 2"]),
        (["--name", "x", "--size", "99999"], ["--size 99999", "4096", "--size 640"]),
        (["--name", "x", "--size", "0x640"], ["--size 0x640", "--size 480x640"]),
    ],
)
def test_options_are_looked_at_before_the_file_in_their_own_words(
    capsys: Output, options: list[str], said: list[str]
) -> None:
    assert main(["import", "no-such.onnx", *options]) == 1
    found = capsys.readouterr().err
    assert "no-such.onnx" not in found
    assert "docs/import.md" not in found
    for part in said:
        assert part in found


def test_a_version_that_is_there_or_being_made_is_refused_before_any_work(
    tmp_path: Path, site: Path, capsys: Output
) -> None:
    command = ["import", "no-such.onnx", "--name", "theirs"]
    folder = site / "imported" / "theirs" / "1"
    with place_for(folder) as place:
        assert main(command) == 1
        assert "another run is at work" in capsys.readouterr().err
        place.publish({"manifest.json": b"{}"})
    assert main(command) == 1
    assert "holds a version already" in capsys.readouterr().err


def test_a_refused_import_leaves_no_folder(tmp_path: Path, site: Path) -> None:
    file = write(tmp_path, b"not a model")
    assert main(["import", str(file), "--name", "theirs"]) == 1
    assert not site.exists()


def test_doubles_may_be_kept(tmp_path: Path, capsys: Output) -> None:
    file = write(tmp_path, network(foreign.yolov8(), metadata=ULTRALYTICS))
    assert main(["import", str(file), "--name", "theirs", "--iou", "1"]) == 0
    folder = Path(capsys.readouterr().out.strip())
    assert open_folder(folder).manifest.nms_iou == 1.0


def test_a_note_of_ours_that_is_not_ours_is_refused(
    tmp_path: Path, capsys: Output
) -> None:
    notes = {"causeline_schema": "1", "causeline_input": "[" * 9000, "names": "[]"}
    model = onnx.load_from_string(toy_network())
    onnx.helper.set_model_props(model, notes)
    file = write(tmp_path, model.SerializeToString())
    assert main(["import", str(file), "--name", "toy"]) == 1
    assert "causeline_input is not what we write" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--name", "../up"], "--name"),
        (["--name", "theirs", "--version", "a/b"], "--version"),
        (["--name", "theirs", "--size", "128"], "only takes pictures of 64x64"),
        (["--name", "theirs", "--size", "big"], "--size big"),
        (["--name", "theirs", "--classes", "a,b"], "gives 3 scores"),
        (["--name", "theirs", "--family", "rf-detr"], "which RF-DETR does not"),
        (["--name", "theirs", "--coco", "nowhere"], "--coco nowhere"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    tmp_path: Path, capsys: Output, options: list[str], why: str
) -> None:
    file = write(tmp_path, network(foreign.yolov8(), metadata=ULTRALYTICS))
    assert main(["import", str(file), *options]) == 1
    assert why in capsys.readouterr().err


def test_a_file_that_is_no_model_is_refused(tmp_path: Path, capsys: Output) -> None:
    file = write(tmp_path, b"not a model")
    assert main(["import", str(file), "--name", "theirs"]) == 1
    assert "model_refused" in capsys.readouterr().err


def openvino_refuses(model: bytes) -> bytes:
    """The same through a GatherElements that only ONNX Runtime takes: it leaves the
    last class out by itself.
    """
    graph = onnx.load_from_string(model)
    for node in graph.graph.node:
        node.output[:] = ["inner" if one == "output0" else one for one in node.output]
    places = np.broadcast_to(np.arange(foreign.CELLS), (1, 6, foreign.CELLS))
    graph.graph.initializer.append(onnx.numpy_helper.from_array(places.copy(), "at"))
    gather = onnx.helper.make_node(
        "GatherElements", ["inner", "at"], ["output0"], axis=2
    )
    graph.graph.node.append(gather)
    graph.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 6
    return bytes(graph.SerializeToString())


def test_a_backend_that_cannot_run_it_is_named(
    tmp_path: Path, photo: Path, capsys: Output, caplog: pytest.LogCaptureFixture
) -> None:
    file = write(tmp_path, openvino_refuses(network(foreign.yolov8())))
    assert main(["import", str(file), "--name", "theirs", "--classes", "a,b"]) == 0
    folder = capsys.readouterr().out.strip()
    assert "openvino cannot run it" in caplog.text
    assert "**Not every backend runs it.**" in (Path(folder) / "card.md").read_text()
    command = ["detect", "--model", folder, str(photo), "--json"]
    assert main([*command, "--backend", "onnxruntime"]) == 0
    assert [one["category"] for one in json.loads(capsys.readouterr().out)] == ["b"]


def test_a_backend_that_is_not_installed_is_not_said_to_fail(
    tmp_path: Path,
    capsys: Output,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (runtimes, settling):
        monkeypatch.setattr(module, "ON_PROCESSOR", ("tensorrt", "onnxruntime"))
    file = write(tmp_path, network(foreign.yolov8(), metadata=ULTRALYTICS))
    assert main(["import", str(file), "--name", "theirs"]) == 0
    text = (Path(capsys.readouterr().out.strip()) / "card.md").read_text()
    assert "cannot run it" not in caplog.text
    assert "Not every backend runs it" not in text
    assert "tensorrt is not installed here" in caplog.text
    assert "tensorrt was not installed where it was imported" in text


def test_a_new_file_is_tried_on_what_needs_no_graphics_card() -> None:
    assert set(ON_PROCESSOR) == {"openvino", "onnxruntime"}


def test_a_file_in_int8_says_so_and_what_follows(
    tmp_path: Path, capsys: Output, caplog: pytest.LogCaptureFixture
) -> None:
    file = write(tmp_path, through_8_bits(network(foreign.yolov8())))
    assert main(["import", str(file), "--name", "theirs", *GIVEN]) == 0
    text = (Path(capsys.readouterr().out.strip()) / "card.md").read_text()
    for said in (caplog.text, text.replace("\\", "")):
        assert "int8 network already (QuantizeLinear in it)" in said
        assert "`quantise` will refuse it" in said


def through_8_bits(model: bytes) -> bytes:
    """The same whose means go through 8 bits."""
    made = onnx.load_from_string(model)
    pool = made.graph.node[0]
    pool.output[0] = "exact"
    for name, value in (("step", np.float32(0.01)), ("zero", np.uint8(0))):
        made.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    node = onnx.helper.make_node
    for at, (kind, source, target) in enumerate(
        [("QuantizeLinear", "exact", "small"), ("DequantizeLinear", "small", "means")]
    ):
        made.graph.node.insert(1 + at, node(kind, [source, "step", "zero"], [target]))
    return bytes(made.SerializeToString())


def test_a_licence_cannot_stress_what_the_card_says(
    tmp_path: Path, capsys: Output
) -> None:
    notes = ULTRALYTICS | {"license": "MIT **approved by your company**"}
    file = write(tmp_path, network(foreign.yolov8(), metadata=notes))
    assert main(["import", str(file), "--name", "theirs"]) == 0
    text = (Path(capsys.readouterr().out.strip()) / "card.md").read_text()
    assert r"MIT \*\*approved by your company\*\*" in text
