from __future__ import annotations

from pathlib import Path

import pytest

from traceability.lib.cards import seats, visible_cards
from traceability.lib.programs import configuration, programs

ONE, TWO = "GPU-11111111-2222-3333-4444-555555555555", "GPU-66666666-7777"


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    for bus, uuid in (("0000:01:00.0", ONE), ("0000:02:00.0", TWO)):
        (tmp_path / bus).mkdir()
        text = f"Model: \t NVIDIA H100\nIRQ:   16\nGPU UUID: \t {uuid}\nVideo BIOS: x\n"
        (tmp_path / bus / "information").write_text(text)
    return tmp_path


def test_the_driver_lists_them_in_the_order_of_the_bus(driver: Path) -> None:
    assert visible_cards({}, driver) == [ONE, TWO]


def test_without_a_driver_there_are_none(tmp_path: Path) -> None:
    assert visible_cards({}, tmp_path / "none") == []


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("1", ["1"]),
        ("0, 2,-1,3", ["0", "2"]),
        (TWO, [TWO]),
    ],
)
def test_the_environment_decides_as_in_cuda(
    driver: Path, chosen: str, expected: list[str]
) -> None:
    assert visible_cards({"CUDA_VISIBLE_DEVICES": chosen}, driver) == expected


def test_each_card_has_a_process_that_sees_no_other(tmp_path: Path) -> None:
    found = programs(tmp_path, "127.0.0.1", 8000, ["inspect", "clock"], [ONE, TWO])
    assert [(one.name, one.queue, one.card) for one in found] == [
        ("inspect", "inspect", ONE),
        ("inspect-2", "inspect", TWO),
        ("clock", "system", ""),
    ]
    text = configuration(tmp_path, found)
    assert text.count("CUDA_VISIBLE_DEVICES") == 2
    assert f'environment = CUDA_VISIBLE_DEVICES="{TWO}"' in text
    assert "programs = inspect,inspect-2,clock" in text
    threads = [one.command[one.command.index("-c") + 1] for one in found]
    assert threads[:2] == ["64", "64"]  # two batches of a card
    nodes = {one.command[one.command.index("-n") + 1] for one in found}
    assert len(nodes) == 3


@pytest.mark.parametrize("said", ["", "1", "3", "many"])
def test_a_card_has_one_process_unless_two_are_asked_for(said: str) -> None:
    chosen = {"CUDA_VISIBLE_DEVICES": f"{ONE},{TWO}"}
    assert seats(chosen) == [ONE, TWO]
    assert seats(chosen | {"CAUSELINE_CARD_PROCESSES": said}) == [ONE, TWO]


@pytest.mark.parametrize("said", ["2", " 2 "])
def test_two_processes_share_each_card_when_asked_for(
    tmp_path: Path, said: str
) -> None:
    """The first of each before the second of any: names stay with their cards."""
    chosen = {"CUDA_VISIBLE_DEVICES": f"{ONE},{TWO}", "CAUSELINE_CARD_PROCESSES": said}
    found = programs(tmp_path, "127.0.0.1", 8000, ["inspect"], seats(chosen))
    assert [(one.name, one.card) for one in found] == [
        ("inspect", ONE),
        ("inspect-2", TWO),
        ("inspect-3", ONE),
        ("inspect-4", TWO),
    ]
    without = {"CUDA_VISIBLE_DEVICES": "", "CAUSELINE_CARD_PROCESSES": "2"}
    (only,) = programs(tmp_path, "127.0.0.1", 8000, ["inspect"], seats(without))
    assert (only.name, only.card) == ("inspect", "")


def test_without_a_card_one_process_inspects(tmp_path: Path) -> None:
    (only,) = programs(tmp_path, "127.0.0.1", 8000, ["inspect"])
    assert (only.name, only.card) == ("inspect", "")
    assert "CUDA_VISIBLE_DEVICES" not in configuration(tmp_path, [only])
