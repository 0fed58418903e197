from __future__ import annotations

import numpy as np
import pytest

from traceability.demo.boards import Box, Camera, photograph
from traceability.demo.boards.camera import moved_boxes, real_camera
from traceability.demo.boards.moments import another_moment, with_bright_copper

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def spot() -> np.ndarray:
    mask = np.zeros((96, 128), bool)
    mask[40:60, 50:80] = True
    return mask


def test_a_scanner_shows_copper_black_on_white() -> None:
    photo = photograph(spot(), np.random.default_rng(0), Camera("binary", BLACK, WHITE))
    assert photo.shape == (96, 128, 3)
    assert photo.dtype == np.uint8
    assert np.array_equal(photo[..., 0] == 0, spot())


@pytest.mark.parametrize("look", ["grey", "colour"])
def test_copper_stands_out_in_every_real_camera(look: str) -> None:
    for seed in range(12):
        rng = np.random.default_rng(seed)
        camera = real_camera(rng, look)
        photo = photograph(spot(), rng, camera).astype(float)
        inside, outside = photo[46:54, 56:74].mean((0, 1)), photo[5:30].mean((0, 1))
        assert np.abs(inside - outside).max() > 25


def test_bare_pads_have_their_own_colour() -> None:
    camera = Camera("colour", (60, 140, 60), (20, 60, 30), pads=(220, 180, 100))
    photo = photograph(spot(), np.random.default_rng(0), camera, bare=spot())
    assert tuple(photo[50, 60]) == (220, 180, 100)
    assert tuple(photo[5, 5]) == (20, 60, 30)


def test_boxes_move_with_what_they_surround() -> None:
    camera = Camera("grey", BLACK, WHITE, rotation_deg=2.0, shift_x=5.0, shift_y=-3.0)
    photo = photograph(spot(), np.random.default_rng(0), camera)
    (box,) = moved_boxes([Box("copper", 45, 35, 40, 30)], camera, spot().shape)
    rows, columns = np.nonzero(photo[..., 0] < 128)
    assert box.x < columns.min() < columns.max() < box.x + box.width
    assert box.y < rows.min() < rows.max() < box.y + box.height


def test_compression_changes_little() -> None:
    camera = Camera("grey", (30, 30, 30), (200, 200, 200), jpeg=80)
    photo = photograph(spot(), np.random.default_rng(0), camera)
    assert abs(int(photo[50, 60, 0]) - 30) < 12


def test_bright_grey_copper_is_brighter_than_laminate_and_darker_than_pads() -> None:
    for seed in range(12):
        rng = np.random.default_rng(seed)
        camera = with_bright_copper(real_camera(rng, "grey"), rng)
        assert camera.laminate[0] < camera.copper[0]
        assert camera.pads is None or camera.pads[0] > camera.copper[0]


def test_another_moment_moves_and_relights_the_board_a_little() -> None:
    rng = np.random.default_rng(0)
    camera = real_camera(rng, "colour")
    moments = [another_moment(rng, camera) for _ in range(60)]
    slips = [abs(moment.shift_x - camera.shift_x) for moment in moments]
    assert 2.0 < max(slips) <= 4.0
    assert len({moment.copper for moment in moments}) > 5
    assert all(moment.rotation_deg == camera.rotation_deg for moment in moments)
