"""The pages: whole, offline, and true to the measurement."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import pytest

from inference_worker.commands.main import main
from inference_worker.engine.curves import verdict
from inference_worker.engine.types import Detections
from inference_worker.report import write_training_report
from inference_worker.report.pictures import picture
from tests.engine.toy import CELL, board, paint, write_toy

NAMES = ["dent", "划痕", "</script><b>x"]
TRUTH = [
    Detections.truth([[0, 0, 10, 10], [50, 50, 90, 90]], [0, 1]),
    Detections.truth([[5, 5, 30, 30]], [1]),
]
FOUND = [
    Detections.of([[0, 0, 10, 10], [200, 200, 220, 220]], [0.9, 0.7], [0, 0]),
    Detections.of([[5, 5, 30, 30]], [0.8], [0]),
]
HISTORY = [
    {"epoch": 1, "loss": 3.5, "seconds": 2.0, "rate": 0.002},
    {
        **{"epoch": 2, "loss": float("nan"), "seconds": 4.4, "rate": 0.001},
        **{"map33": 0.5, "map50": 0.4, "map5095": 0.2},
    },
]


class Reader(HTMLParser):
    """The words of a page, and whatever it would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = dict(attrs)
        self.addresses += [v for k in ("src", "href") if (v := named.get(k))]

    def handle_data(self, data: str) -> None:
        self.words += data


def charts(text: str) -> list[dict[str, Any]]:
    found = re.findall(r'<script type="application/json">(.*?)</script>', text, re.S)
    return [json.loads(one) for one in found]


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """Three boards: a red square found, a green one missed, a blue one nobody drew."""
    folder = tmp_path / "coco"
    (folder / "images").mkdir(parents=True)
    for i, colour in enumerate((0, None, 2)):
        image = board()
        if colour is not None:
            paint(image, colour, left=64, top=96)
        cv2.imwrite(str(folder / "images" / f"{i}.png"), image[..., ::-1])
    box = [64, 96, CELL, CELL]
    content = {
        "categories": [{"id": 1, "name": "red"}, {"id": 2, "name": "green"}],
        "images": [{"id": i, "file_name": f"{i}.png"} for i in range(3)],
        "annotations": [
            {"image_id": 0, "category_id": 1, "bbox": box},
            {"image_id": 1, "category_id": 2, "bbox": box},
        ],
    }
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def command(tmp_path: Path, coco: Path) -> list[str]:
    folder = write_toy(tmp_path / "engines")
    return ["evaluate", "--model", str(folder), "--coco", str(coco), "--threads", "1"]


def test_evaluate_writes_a_page_that_asks_the_network_for_nothing(
    command: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "r.html"
    assert main([*command, "--report", str(path)]) == 0
    text = path.read_text(encoding="utf-8")
    page = Reader(text)
    assert all(one.startswith("data:") for one in page.addresses)
    assert "default-src 'none'" in text
    assert "Plotly" in text
    assert "toy 1 on 3 labelled images" in page.words
    assert "Of 2 defects on 3 images it finds 1 (50.0 %)" in page.words
    assert "reports 1 that" in page.words


def test_the_page_charts_what_was_measured(command: list[str], tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    main([*command, "--report", str(path)])
    confusions, at33, at50, f, scores = charts(path.read_text(encoding="utf-8"))
    assert confusions["data"][0]["customdata"] == [
        [1, 0, 0, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 0],
        [0, 0, 1, 0],
    ]
    assert [line["name"] for line in at33["data"]] == ["red", "green"]
    assert at50["data"][0]["y"][0] == 1.0
    assert f["data"][-1]["name"] == "best: 0.500 at 0.01"
    hits, alarms = scores["data"]
    assert (sum(hits["y"]), sum(alarms["y"])) == (1, 1)


def test_the_worst_images_are_shown_and_the_right_one_is_not(
    command: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "r.html"
    main([*command, "--report", str(path)])
    page = Reader(path.read_text(encoding="utf-8"))
    assert page.tags.count("figure") == 2
    assert "1.png: 1 missed" in page.words
    assert "2.png: 1 false alarm" in page.words
    assert "0.png" not in page.words


def test_json_stays_alone_on_stdout_beside_a_report(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--json", "--report", str(tmp_path / "r.html")]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 3


def test_a_report_into_nowhere_is_refused_before_the_work(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command, "--report", str(tmp_path / "no" / "r.html")])
    assert caught.value.code == 2
    assert "in a folder that exists" in capsys.readouterr().err


def test_without_plotly_the_command_says_what_to_install(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    assert main([*command, "--report", str(tmp_path / "r.html")]) == 1
    captured = capsys.readouterr()
    assert "pip install plotly" in captured.err
    assert captured.out == ""


def test_a_training_leaves_its_history_and_a_page(tmp_path: Path) -> None:
    path = write_training_report(tmp_path, HISTORY, TRUTH, FOUND, NAMES, 0.5)
    assert path == tmp_path / "report.html"
    rows = json.loads((tmp_path / "history.json").read_text())
    assert rows[0] == HISTORY[0]
    assert rows[1]["loss"] is None
    text = path.read_text(encoding="utf-8")
    loss, held, rate, confusions, *_ = charts(text)
    assert loss["data"][0]["y"] == [3.5]
    assert [line["y"] for line in held["data"]] == [[0.5], [0.4], [0.2]]
    assert rate["data"][0]["x"] == [1, 2]
    escaped = ["dent", "划痕", "&lt;/script&gt;&lt;b&gt;x"]
    assert confusions["data"][0]["x"] == [*escaped, "not found"]
    assert "2 epochs in 4 s" in Reader(text).words


def test_a_class_may_be_called_anything(tmp_path: Path) -> None:
    path = write_training_report(tmp_path, HISTORY, TRUTH, FOUND, NAMES, 0.5)
    page = Reader(path.read_text(encoding="utf-8"))
    assert "b" not in page.tags
    assert "划痕" in page.words


def test_without_plotly_a_training_keeps_its_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    path = write_training_report(tmp_path, HISTORY, TRUTH, FOUND, NAMES, 0.5)
    assert path == tmp_path / "history.json"
    assert [one.name for one in tmp_path.iterdir()] == ["history.json"]
    assert "pip install plotly" in caplog.text


def test_a_training_that_found_nothing_has_a_page_too(tmp_path: Path) -> None:
    nothing = [Detections.empty()] * 2
    for truth in (TRUTH, nothing):
        path = write_training_report(tmp_path, [], truth, nothing, NAMES, 0.5)
        assert len(charts(path.read_text(encoding="utf-8"))) == 8


def test_a_picture_tells_each_kind_of_mistake() -> None:
    one = verdict(TRUTH[0], FOUND[0], 0.5)
    other = verdict(TRUTH[1], FOUND[1], 0.5)
    first = picture(board(240, 240), "a<b.png", one, NAMES)
    second = picture(board(240, 240), "b.png", other, NAMES)
    assert "a&lt;b.png: 1 missed, 1 false alarm" in first
    assert ">划痕</text>" in first
    assert ">dent 0.70</text>" in first
    assert ">dent 0.80, is 划痕</text>" in second
    assert "b.png: 1 wrong name" in second
