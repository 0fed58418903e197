"""What makes no sense behind an option is told in words, before any work."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module

import pytest

from inference_worker.commands.arguments import amount, share, whole
from inference_worker.commands.main import COMMANDS, main
from tests.services import training_packages


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("detect --threads none a.png", "'none': give a whole number from 1 to 1024"),
        ("detect --threads 99999 a.png", "'99999': give a whole number from 1 to 1024"),
        ("evaluate --threads 1.5 --coco c", "'1.5': give a whole number from 1 to"),
        ("quantise --out o --drawn many", "'many': give a whole number from 8 to 2000"),
        ("quantise --out o --drawn 3", "'3': give a whole number from 8 to 2000"),
        ("quantise --out o --coco c --images 0", "'0': give a whole number from 8"),
        ("quantise --out o --coco c --seed -1", "'-1': give a whole number from 0 on"),
    ],
)
def test_a_number_that_makes_no_sense(
    words: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command, *rest = words.split()
    with pytest.raises(SystemExit) as caught:
        main([command, "--model", "toy", *rest])
    assert caught.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    ["keys rotate --window-days 3000000", "build --model toy --expires-days 9999999"],
)
def test_more_days_than_dates_can_tell(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words.split())
    assert caught.value.code == 2
    assert "to 36500" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0", "1", "-0.5", "nan", "inf", "half", "", "0,5"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="between 0 and 1"):
        share(text)


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (share, "0.25", 0.25),
        (whole(0), "0", 0),
        (whole(8, 9), "9", 9),
        (amount(1, 3600), "1.5", 1.5),
    ],
)
def test_what_makes_sense(
    read: Callable[[str], float], text: str, value: float
) -> None:
    assert read(text) == value


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "0.9", "1e999"])
def test_what_is_no_number_from_one_on(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="a number from 1 on"):
        amount(1)(text)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_option_speaks_of_its_own_python(command: str) -> None:
    """argparse names the function of an option whose function says nothing itself."""
    if command == "train":
        training_packages()
    parser = argparse.ArgumentParser()
    name = f"{command}_" if command == "import" else command
    import_module(f"inference_worker.commands.{name}").add_arguments(parser)
    for action in parser._actions:
        kind = action.type
        if callable(kind) and not isinstance(kind, type):
            with pytest.raises(argparse.ArgumentTypeError):
                kind("no/such/thing/\x00")
        assert kind is not int
        assert kind is not float
