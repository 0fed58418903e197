from __future__ import annotations

from pathlib import Path

import pytest

from inference_worker.importing.errors import ImportRefused
from inference_worker.importing.labels import read_labels

GOOD = "{0: 'open', 1: 'short'}"


def test_names_come_from_the_metadata_in_the_order_of_their_numbers() -> None:
    told = {"names": "{1: 'short', 0: 'open'}"}
    assert read_labels(None, told, 2).names == ("open", "short")


def test_the_users_names_win() -> None:
    assert read_labels("a, b", {"names": GOOD}, 2).names == ("a", "b")


def test_names_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_text("\ufeff开路\nshort\n\n", encoding="utf-8")
    assert read_labels(str(file), {}, 2).names == ("开路", "short")


def test_a_dash_is_no_class() -> None:
    labels = read_labels("-,open,-,short", {}, 4)
    assert (labels.classes, labels.kept) == (("open", "short"), [1, 3])


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('touch /tmp/pwned')",
        "{0: __import__('os').getcwd()}",
        "{0: 'open', 1: open('/etc/passwd').read()}",
        "{0: 'open'" + "}" * 3,
        "[" * 50_000,
        "(" * 100_000,
        "-" * 100_000 + "1",
        "{0: 'a' * 10**9}",
        "{0: 'open', 2: 'short'}",
        "{'0': 'open', '1': 'short'}",
        "{0: 'open', 1: 7}",
        "{0.5: 'open'}",
        "{0: 'open', 1: ['short']}",
        '["open", 3]',
        '{"names": 1}',
        "",
        "null",
        "x" * 200_001,
        "{" + ", ".join(f"{i}: 'c{i}'" for i in range(15_000)) + "}",
    ],
)
def test_names_that_are_no_plain_list_are_refused(text: str) -> None:
    with pytest.raises(ImportRefused) as caught:
        read_labels(None, {"names": text}, None)
    assert len(str(caught.value)) < 200
    assert "--classes" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        (" open", "space"),
        ("x" * 101, "101 characters"),
        ("o\x1b[31m", "cannot be seen"),
        ("open\u202e", "cannot be seen"),
        ("short", "twice"),
    ],
)
def test_names_that_no_class_may_have_are_refused(name: str, why: str) -> None:
    with pytest.raises(ImportRefused, match=why):
        read_labels(None, {"names": repr({0: "short", 1: name})}, 2)


@pytest.mark.parametrize("given", ["a", "a,b,c"])
def test_a_wrong_number_of_names_is_refused(given: str) -> None:
    with pytest.raises(ImportRefused, match="gives 2 scores, --classes names") as error:
        read_labels(given, {}, 2)
    assert "Write -" in error.value.hint


def test_without_names_they_are_asked_for() -> None:
    with pytest.raises(ImportRefused, match="does not name its 2 classes"):
        read_labels(None, {}, 2)


def test_something_must_be_a_class() -> None:
    with pytest.raises(ImportRefused, match="names no class"):
        read_labels("-,-", {}, 2)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "names.bin"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ImportRefused, match="no text"):
        read_labels(str(file), {}, 2)
