"""What a file says of its licence is shown, judged, and stays in the new file."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from inference_worker.importing.card import licence_warning
from inference_worker.untrusted.licence import licence_entries
from tests.importing import foreign
from tests.importing.foreign import NAMES, network
from tests.importing.imports import imported

TOLD = {
    "license": "see below",
    "license_url": "https://www.gnu.org/licenses/agpl-3.0.html",
    "Copyright": "(c) 2025 Somebody",
    "origin": "trained by us, licensed to you",
    "许可": "MIT",
    "author": "Somebody",
    "names": "{0: 'license plate', 1: 'short', 2: 'spur'}",
    "date": "2025-01-01",
    "causeline_marks": "licensed",
}
GIVEN = ",".join(NAMES)


def made(metadata: dict[str, str], doc: str = "") -> bytes:
    model = onnx.load_from_string(network(foreign.yolov8(), metadata=metadata))
    model.doc_string = doc
    return bytes(model.SerializeToString())


def notes(folder: Path) -> dict[str, str]:
    model = onnx.load(folder / "model.onnx")
    return {one.key: one.value for one in model.metadata_props}


def test_all_that_speaks_of_a_licence_stays_in_the_new_file(tmp_path: Path) -> None:
    folder = imported(tmp_path, made(TOLD, "Licensed under the EUPL"))
    kept = notes(folder)
    for key in ("license", "license_url", "Copyright", "origin", "许可", "author"):
        assert kept[key] == TOLD[key]
    assert "date" not in kept
    assert kept["names"] == '["license plate", "short", "spur"]'
    assert "licensed" not in kept["causeline_marks"]
    assert onnx.load(folder / "model.onnx").doc_string == "Licensed under the EUPL"


def test_it_stays_through_the_converter_too(tmp_path: Path) -> None:
    old = network(foreign.yolov8(), metadata=TOLD, opset=13)
    model = onnx.load_from_string(old)
    model.doc_string = "All rights reserved"
    folder = imported(tmp_path, model.SerializeToString())
    assert notes(folder)["license_url"] == TOLD["license_url"]
    assert onnx.load(folder / "model.onnx").doc_string == "All rights reserved"


def test_it_stays_when_the_new_file_is_imported(tmp_path: Path) -> None:
    once = imported(tmp_path, made(TOLD))
    twice = imported(tmp_path, (once / "model.onnx").read_bytes(), name="twice")
    assert "agpl-3.0.html" in (twice / "card.md").read_text()


def test_the_card_shows_all_of_it(tmp_path: Path) -> None:
    text = (imported(tmp_path, made(TOLD, "MIT licence")) / "card.md").read_text()
    assert "| licence in the file | see below |" in text
    assert "| license_url in the file | https://www.gnu.org" in text
    assert "| doc_string in the file | MIT licence |" in text
    assert "date" not in text


@pytest.mark.parametrize(
    ("key", "value", "asks"),
    [
        ("license", "AGPL-3.0", "Its licence is the AGPL-3.0"),
        ("license_url", "https://a.b/agpl-3.0.txt", "Its licence is the AGPL-3.0"),
        ("note", "GNU Affero General Public License", "Its licence is the AGPL-3.0"),
        ("license", "GPL-3.0 or later", "Its licence is the GPL"),
        ("license", "CC BY-NC 4.0", "not commercial"),
        ("license", "LGPL-2.1", "Its licence is the LGPL"),
        ("license", "MAGPLANT Ltd", None),
        ("license", "Apache-2.0", None),
        ("maker", "Magpliers", "names no licence"),
        ("names", "{0: 'agpl', 1: 'license', 2: 'spur'}", "names no licence"),
    ],
)
def test_what_a_licence_asks_for_is_said(
    key: str, value: str, asks: str | None
) -> None:
    said = licence_warning(licence_entries({key: value}))
    assert said is None if asks is None else asks in str(said)


@pytest.mark.parametrize("value", ["GPL-3.0", "MAGPLANT Ltd"])
def test_it_is_said_in_bold_and_on_stderr(
    tmp_path: Path, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = imported(tmp_path, made({"license": value}), classes=GIVEN)
    asks = "Its licence is the GPL"
    found = value == "GPL-3.0"
    assert (f"**{asks}" in (folder / "card.md").read_text()) == found
    assert (asks in caplog.text) == found
