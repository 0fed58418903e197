"""What classes and files are called cannot speak for the page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from inference_worker.commands.main import main
from inference_worker.engine.curves import Curve
from inference_worker.report.figures import (
    confusion_figure,
    f_figure,
    precision_recall_figure,
)
from tests.report.test_pages import Reader, coco, command

__all__ = ["coco", "command"]


def test_a_class_called_like_our_own_row_keeps_its_own() -> None:
    classes = ["not found", "(not found)", "nothing there"]
    figure = confusion_figure(np.eye(4, dtype=np.int64), classes)["data"][0]
    assert figure["x"] == [*classes, "((not found))"]
    assert figure["y"] == [*classes, "(nothing there)"]


def test_no_name_is_markup_to_plotly() -> None:
    name = '<a href="https://x.example">&lt;b</a>\x1b'
    curve = Curve(*[np.ones(1)] * 3)
    drawings = (
        confusion_figure(np.zeros((2, 2), np.int64), [name]),
        precision_recall_figure({name: curve}),
        f_figure(np.ones(99), {name: np.ones(99)}, 0.5),
    )
    for drawing in drawings:
        text = json.dumps(drawing, ensure_ascii=False)
        assert "<a" not in text
        assert "&lt;a href=" in text
        assert "&amp;lt;b" in text


def test_a_file_name_that_is_not_text_is_shown(
    command: list[str], coco: Path, tmp_path: Path
) -> None:
    images = coco / "images"
    (images / "1.png").rename(images / "1\udc80\x1b.png")
    content = json.loads((coco / "annotations.json").read_text())
    content["images"][1]["file_name"] = "1\udc80\x1b.png"
    (coco / "annotations.json").write_text(json.dumps(content))
    path = tmp_path / "r.html"
    assert main([*command, "--report", str(path)]) == 0
    words = Reader(path.read_text(encoding="utf-8")).words
    assert r"1\udc80\x1b.png: 1 missed" in words
