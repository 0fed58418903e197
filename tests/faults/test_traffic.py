"""What tests of faults send all the time."""

from __future__ import annotations

import threading

import pytest

from tests.faults.ladder_site import Traffic


class Refusing:
    """A site that takes nothing in."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    def upload(self) -> None:
        self.asked.set()
        raise AssertionError("503")


def test_an_upload_that_is_refused_fails_the_test_that_sends_it() -> None:
    site = Refusing()
    with pytest.raises(AssertionError, match="503"), Traffic(site):  # type: ignore[arg-type]
        assert site.asked.wait(20)
