"""The plan of a card's memory, in figures."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from inference_worker.engine.backends.base import Backend
from inference_worker.memory import (
    Card,
    NoRoom,
    Room,
    Unmeasured,
    check_fits,
    check_left,
    pays_more,
    read_card,
    room_on,
)

GB = 2**30
MB = 2**20


def card(free: float, others: int = 0) -> Card:
    return Card("T4", 16 * GB, int(free * GB), others)


def test_three_models_and_no_more() -> None:
    check_fits(card(15), models=2)
    with pytest.raises(NoRoom, match="T4 has 3 models or other programs on it"):
        check_fits(card(15), models=3)


def test_other_programs_count() -> None:
    with pytest.raises(NoRoom, match="has 3"):
        check_fits(card(15, others=2), models=1)


def test_a_fifth_stays_free_and_the_refusal_says_how_much_there_is() -> None:
    check_fits(card(4), models=0, wanted=int(0.8 * GB))
    with pytest.raises(NoRoom, match="would have 3072 of 16384 MiB free, and 3276 MiB"):
        check_fits(card(4), models=0, wanted=1 * GB)


def test_what_is_left_after_loading_is_measured() -> None:
    check_left(card(3.3))
    with pytest.raises(NoRoom):
        check_left(card(3.1))


@pytest.mark.parametrize(
    ("engine_mb", "free", "each_mb", "cores", "models", "expected"),
    [
        (15, 15, 500, 16, 1, True),
        (15, 15, 500, 16, 2, False),  # the last place is for a better rung
        (15, 15, 500, 2, 1, False),  # no core left to feed a second
        (15, 15, 500, 3, 1, True),
        (15, 4.3, 1000, 16, 1, False),  # no room beside what stays free
        (15, 4.9, 1000, 16, 1, False),  # nor for a better rung after it
        (15, 5.5, 1000, 16, 1, True),
        (96, 15, 500, 16, 1, False),  # 100 MB and more
    ],
)
def test_one_more_where_it_pays(
    engine_mb: int, free: float, each_mb: int, cores: int, models: int, expected: bool
) -> None:
    sizes = (engine_mb * MB, each_mb * MB)
    assert pays_more(card(free), models, *sizes, cores) is expected
    assert not pays_more(card(free, others=1), models, *sizes, cores)


class Model(Backend):
    name = "model"

    def __init__(self) -> None:
        pass

    def forward(self, pixels):
        return pixels


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Nothing is collected but what somebody asks for."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
def test_models_that_failed_leave_the_room_though_their_tracebacks_hold_them() -> None:
    def fail() -> None:
        model, kept = Model(), []
        room.check_before_loading()
        room.check_loaded(model)
        try:
            raise ValueError
        except ValueError as error:
            kept.append(error)

    room = Room(lambda: card(10))
    for _ in range(4):
        fail()


def test_models_leave_the_room_when_they_are_gone() -> None:
    room = Room(lambda: card(10))
    models = [Model() for _ in range(3)]
    for model in models:
        room.check_before_loading()
        room.check_loaded(model)
    with pytest.raises(NoRoom):
        room.check_before_loading()
    del models[0], model
    room.check_before_loading()


def test_without_nvml_nothing_is_watched(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Unmeasured):
        read_card("GPU-0000")
    assert room_on("GPU-0000") is None
    assert "is not watched" in caplog.text
