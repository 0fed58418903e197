"""What strangers wrote cannot speak to the terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_worker.engine.errors import DatasetError, EngineError, ImageUnreadable
from inference_worker.engine.visible import (
    MOST_QUOTED,
    first_line,
    lines_of,
    quoted,
    visible,
)


@pytest.mark.parametrize("text", ["", "dent 2.png", "划痕", "café", "a\\b", "[]<|"])
def test_what_prints_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("a\nerror: forged", r"a\nerror: forged"),
        ("a\u202eb", r"a\u202eb"),
        ("a\udc80", r"a\udc80"),
        ("a\x9b1A", r"a\x9b1A"),
    ],
)
def test_what_does_not_print_is_written_as_its_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters()))
def test_it_is_one_line_of_printable_text_and_twice_is_once(text: str) -> None:
    once = visible(text)
    assert once.isprintable()
    assert visible(once) == once


@pytest.mark.parametrize("kind", [DatasetError, ImageUnreadable])
def test_no_error_can_forge_a_line(kind: type[EngineError]) -> None:
    error = kind("a\n\x1b[31m.png", "see b\n", ["  x\ny: broken"])
    assert str(error).splitlines() == [r"a\n\x1b[31m.png", r"  x\ny: broken"]
    assert error.hint == r"see b\n"


def test_a_quote_is_short() -> None:
    assert quoted("9" * 5000) == "'" + "9" * (MOST_QUOTED - 1) + "..."
    assert quoted("short") == "'short'"


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("one", "one", "one"),
        ("\n  one \n\n two\n", "one", "two"),
        ("", "ValueError", "ValueError"),
        (" \n ", "ValueError", "ValueError"),
    ],
)
def test_an_error_always_says_a_line(said: str, first: str, last: str) -> None:
    assert first_line(ValueError(said)) == first
    assert lines_of(ValueError(said))[-1] == last
