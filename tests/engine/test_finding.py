"""The kernels that choose boxes, compiled for the host, against `postprocess.find`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference_worker.engine import gpu
from inference_worker.engine.boxes import pairwise_iou
from inference_worker.engine.errors import InferenceFailed
from inference_worker.engine.finding import LISTED, Finder
from inference_worker.engine.optics import Optics, Region
from inference_worker.engine.postprocess import MAX_DETECTIONS
from tests.contract.host_gpu import COMPILER, HostDriver
from tests.engine.finder_bench import MOST, SIDE, Bench, expected, output, same, seen

pytestmark = pytest.mark.skipif(
    COMPILER is None, reason="no C++ compiler to run kernels on the host with"
)


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 10**6),
    images=st.integers(1, MOST),
    anchors=st.integers(1, 500),
    classes=st.integers(1, 6),
    share=st.sampled_from([0.0, 0.02, 0.3, 1.0]),
    steps=st.sampled_from([0, 0, 5, 10, 40]),
    threshold=st.sampled_from([0.3, 0.1, 0.001, 0.7, 0.2]),
    iou=st.floats(0.05, 1.0),
)
def test_it_finds_to_the_bit_what_the_host_finds(
    bench: Bench, threshold: float, iou: float, **drawn: Any
) -> None:
    bench.agrees(output(**drawn), threshold, iou)


@pytest.mark.parametrize("steps", [0, 20])
@pytest.mark.parametrize("anchors", [63, 64, 65, 999, 1000, 1001, 1024, 3000, LISTED])
def test_only_the_best_thousand_are_looked_at(
    bench: Bench, anchors: int, steps: int
) -> None:
    bench.agrees(output(7, 2, anchors, share=1.0, steps=steps), 0.0, 0.6)


@pytest.mark.parametrize(("anchors", "kept"), [(1000, 2), (1001, 1)])
def test_the_worst_is_seen_if_it_is_the_thousandth(
    bench: Bench, anchors: int, kept: int
) -> None:
    preds = np.tile(np.float32([10, 10, 90, 90, 0.9]), (1, anchors, 1))
    preds[0, 5] = 200, 200, 300, 300, 0.4
    assert len(bench.agrees(preds)[0]) == kept


def test_no_more_are_kept_than_the_host_keeps(bench: Bench) -> None:
    preds = output(3, 2, 900, share=1.0)
    preds[0, :, 2:4] = preds[0, :, :2] + 1
    (full, _) = bench.agrees(preds, 0.01, 0.9)
    assert len(full) > MAX_DETECTIONS - 60  # some of the 300 lie off the photo
    preds[0, :, :4] += 40
    (full, _) = bench.agrees(preds, 0.01, 0.9)
    assert len(full) == MAX_DETECTIONS


def test_a_chain_of_boxes_pushes_out_every_other(bench: Bench) -> None:
    at = 3.0 * np.arange(200)
    rows = [at, 0 * at, at + 10, 0 * at + 10, 1 - at / 1000]
    (found,) = bench.agrees(np.stack(rows, 1)[None].astype(np.float32), 0.3, 0.5)
    assert found.boxes[:, 0].tolist() == at[::2].tolist()


def test_of_equals_the_first_class_and_the_first_anchor_stay(bench: Bench) -> None:
    preds = np.tile(np.float32([0, 0, 9, 9, 0.1, 0.8, 0.8]), (1, 70, 1))
    preds[0, 40:, :4] += 50
    preds[0, :, 2] += np.arange(70, dtype=np.float32) / 1000
    (found,) = bench.agrees(preds, 0.3, 0.5)
    assert found.class_ids.tolist() == [1, 1]
    assert found.boxes[:, 2].tolist() == preds[0, [0, 40], 2].tolist()


def test_boxes_without_area_push_nothing_out_and_are_dropped(bench: Bench) -> None:
    flat = np.float32([[5, 5, 5, 9, 0.9], [5, 5, 5, 9, 0.8], [9, 9, 1, 1, 0.7]])
    (found,) = bench.agrees(np.stack([flat]), 0.3, 0.5)
    assert len(found) == 0


def test_an_overlap_of_just_the_limit_stays(bench: Bench) -> None:
    preds = np.float32([[[0, 0, 10, 10, 0.9], [0, 0, 10, 5, 0.8]]])
    assert len(bench.agrees(preds, 0.3, 0.5)[0]) == 2
    assert len(bench.agrees(preds, 0.3, 0.499)[0]) == 1


def test_overlaps_are_rounded_as_the_host_rounds_them(bench: Bench) -> None:
    draw = np.random.default_rng(5)
    stayed = 0
    for _ in range(60):
        preds = np.float32([[[50, 50, 150, 150, 0.9], [60, 60, 140, 170, 0.8]]])
        preds[0, :, :4] += draw.uniform(-9, 9, (2, 4)).astype(np.float32)
        limit = float(pairwise_iou(*preds[0, :, None, :4])[0, 0])
        stayed += len(bench.agrees(preds, 0.3, limit)[0]) == 2
    assert 10 < stayed < 60  # else rounding decided nothing


def test_a_score_of_just_the_threshold_is_taken_as_the_host_takes_it(
    bench: Bench,
) -> None:
    scores = np.float32([0.3, np.nextafter(np.float32(0.3), np.float32(0))])
    preds = np.float32([[0, 0, 9, 9, 0], [20, 20, 29, 29, 0]])[None]
    preds[0, :, 4] = scores
    assert len(bench.agrees(preds, 0.3, 0.5)[0]) == 1


def test_scores_below_nothing_are_ranked_too(bench: Bench) -> None:
    preds = output(2, 1, 200)
    preds[..., 4:] -= 0.5
    preds[0, :20, 4:] = np.float32([0.0, -0.0] * 10)[:, None]
    bench.agrees(preds, -1.0, 0.5)


def test_images_of_a_batch_keep_their_own(bench: Bench) -> None:
    preds = output(11, MOST, 400)
    preds[1, :, 4:] = 0
    preds[3, :, 4:] = 0
    preds[3, 7] = 100, 120, 300, 200, 0.2, 0.9, 0.1
    camera = Optics((480, 700), region=Region(30, 40, 300, 200))
    lens = Optics((480, 700), (600.0, 600.0, 350.0, 240.0), (-0.2, 0.05, 0, 0, 0))
    photos = [seen(480, 700, camera), seen(480, 700), seen(900, 300)]
    crowd, none, another, one = bench.agrees(
        preds, sources=[*photos, seen(480, 700, lens)]
    )
    assert min(len(crowd), len(another)) > 10
    assert (len(none), len(one)) == (0, 1)


def test_a_batch_of_fewer_leaves_nothing_of_the_one_before(bench: Bench) -> None:
    bench.agrees(output(1, MOST, 500, share=1.0), 0.01)
    bench.agrees(output(2, 2, 90, share=0.1))
    bench.agrees(output(3, 1, 40, share=0.0))


def test_what_was_found_stays_when_the_next_batch_comes(bench: Bench) -> None:
    preds = output(5, 1, 200)
    first = bench.agrees(preds)
    bench.agrees(output(6, 1, 200))
    same(first[0], expected(preds[0], seen(SIDE, SIDE), 0.3, 0.5))


def test_more_candidates_than_are_listed_are_the_hosts(bench: Bench) -> None:
    preds = output(9, 2, LISTED + 1, share=1.0)
    preds[0, :, 4:] = 0
    sources = [seen(SIDE, SIDE)] * 2
    assert bench.found(preds, sources, 0.0001, 0.5) is None
    preds[1, 17, 4:] = 0
    bench.agrees(preds, 0.0001)


@pytest.mark.parametrize("wrong", [np.nan, -np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 0, 0), (1, 299, 3), (1, 7, 4), (0, 150, 6)])
def test_an_output_that_is_no_number_is_told(
    bench: Bench, wrong: float, place: tuple[int, int, int]
) -> None:
    preds = output(4, 2, 300)
    preds[place] = wrong
    with pytest.raises(InferenceFailed, match="NaN or infinity"):
        bench.found(preds, [seen(SIDE, SIDE)] * 2, 0.3, 0.5)
    bench.agrees(output(4, 2, 300))


def test_it_gives_its_memory_back() -> None:
    driver = HostDriver()
    finder = Finder(gpu.open_gpu(0, driver.binding), MOST)
    assert finder.device_bytes == driver.taken_bytes > 0
    finder.close()
    assert driver.taken_bytes == 0
