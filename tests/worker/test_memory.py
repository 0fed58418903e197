"""The plan of a card's memory, in figures."""

from __future__ import annotations

import pytest

from inference_worker.engine.backends.base import Backend
from inference_worker.memory import (
    Card,
    NoRoom,
    Room,
    Unmeasured,
    check_fits,
    check_left,
    read_card,
    replicas,
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
    ("engine_mb", "free", "each_mb", "cores", "expected"),
    [
        (15, 15, 500, 16, 3),  # small: as many as may be
        (15, 15, 500, 3, 2),  # no core left to feed a third
        (15, 15, 500, 1, 1),
        (15, 4.3, 1000, 16, 1),  # room for one beside what stays free
        (15, 5.5, 1000, 16, 2),
        (96, 15, 500, 16, 1),  # 100 MB and more
        (15, 3.0, 500, 16, 1),  # never none: that is for check_fits
    ],
)
def test_more_replicas_where_they_pay(
    engine_mb: int, free: float, each_mb: int, cores: int, expected: int
) -> None:
    assert replicas(card(free), engine_mb * MB, each_mb * MB, cores) == expected


def test_models_leave_the_room_when_they_are_gone() -> None:
    class Model(Backend):
        name = "model"

        def __init__(self) -> None:
            pass

        def forward(self, pixels):
            return pixels

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
