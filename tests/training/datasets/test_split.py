"""Holding images back: nothing lost, nothing shared, groups whole, classes shared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_worker.engine.errors import DatasetError
from inference_worker.training.datasets import Labelled, Listing, split
from inference_worker.training.datasets.grouping import groups_of

DEEPPCB = {"20085": 291, "00041": 200, "13000": 198, "92000": 111, "77000": 100}


def sample(name: str, ids: Sequence[int] = (0,), digest: str = "") -> Labelled:
    boxes = np.tile(np.array([1, 1, 9, 9], np.float32), (len(ids), 1))
    labels = np.array(ids, np.int64)
    return Labelled(Path(name), None, 10, 10, boxes, labels, False, digest)


def listing(samples: Iterable[Labelled], classes: int = 3) -> Listing:
    return Listing(tuple("abcdef"[:classes]), tuple(samples))


def grouped(names: Iterable[str]) -> list[list[str]]:
    samples = [sample(f"{name}.png") for name in names]
    return [[samples[i].path.stem for i in group] for group in groups_of(samples)]


SAMPLES = st.lists(
    st.builds(
        sample,
        st.from_regex(r"\A(board|x)[0-9]{1,2}(_aug[0-9]|_crop[0-9]|)\.png\Z"),
        st.lists(st.integers(0, 2), max_size=4),
        st.sampled_from(["", "", "same", "other"]),
    ),
    min_size=2,
    max_size=60,
)


@settings(deadline=None)
@given(SAMPLES, st.floats(0.01, 0.9), st.integers(0, 5))
def test_a_split_loses_and_shares_nothing_and_keeps_groups_whole(
    samples: list[Labelled], share: float, seed: int
) -> None:
    whole = listing(samples)
    groups = groups_of(samples)
    assert sorted(i for group in groups for i in group) == list(range(len(samples)))
    boxed = [any(len(samples[i].boxes) for i in group) for group in groups]
    if sum(boxed) < 2:
        with pytest.raises(DatasetError, match="cannot be split"):
            split(whole, share, seed)
        return
    training, held = split(whole, share, seed)
    for side in (training, held):
        assert any(len(one.boxes) for one in side.samples)
    sides = {id(one): side for side in (training, held) for one in side.samples}
    assert len(training.samples) + len(held.samples) == len(samples) == len(sides)
    for group in groups:
        assert len({id(sides[id(samples[i])]) for i in group}) == 1
    again = split(whole, share, seed)
    assert [s.samples for s in again] == [training.samples, held.samples]


def test_another_seed_is_another_split() -> None:
    whole = listing([sample(f"{i:04}.png", [i % 3]) for i in range(100)])
    splits = {
        tuple(one.path for one in split(whole, 0.1, s)[1].samples) for s in (1, 2)
    }
    assert len(splits) == 2


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_each_class_and_the_normal_images_give_their_share(share: float) -> None:
    rng = np.random.default_rng(3)
    often = [0.7, 0.2, 0.1]
    whole = listing(
        sample(f"{i}.png", [] if i % 5 == 0 else rng.choice(3, 4, p=often).tolist())
        for i in range(1000)
    )
    _, held = split(whole, share, 1)
    for label in range(3):
        there, here = (
            sum((one.class_ids == label).sum() for one in part.samples)
            for part in (whole, held)
        )
        assert here / there == pytest.approx(share, rel=0.15)
    assert sum(len(s.boxes) == 0 for s in held.samples) == pytest.approx(
        200 * share, 0.1
    )
    assert len(held.samples) == pytest.approx(1000 * share, rel=0.1)


def test_a_class_with_one_box_stays_in_training_and_one_of_five_is_held() -> None:
    for seed in range(10):
        whole = listing(
            [sample(f"{i}.png", [0]) for i in range(40)]
            + [sample("lone.png", [0, 1])]
            + [sample(f"rare {i}.png", [2]) for i in range(5)]
        )
        training, held = split(whole, 0.05, seed)
        assert any(1 in one.class_ids for one in training.samples)
        assert any(2 in one.class_ids for one in held.samples)


def test_a_share_outside_zero_to_one_is_refused() -> None:
    with pytest.raises(ValueError, match="share is 1"):
        split(listing([sample("a.png"), sample("b.png")]), 1, 0)


def test_copies_stay_together() -> None:
    samples = [
        sample("a.png", digest="x"),
        sample("b.png"),
        sample("c.png", digest="x"),
    ]
    assert groups_of(samples) == [[0, 2], [1]]


def test_what_augmentation_cropping_and_copying_add_is_stripped() -> None:
    names = ["board12_aug3", "board12", "board12-crop_1_aug2", "board13_aug1"]
    names += [f"IMG_001_jpg.rf.{'0a' * 16}", f"IMG_001_jpg.rf.{'1b' * 16}", "IMG_001"]
    names += ["xyz_crop2", "xyz", "name", "name(1)", "name (2)"]
    assert grouped(names) == [names[:3], names[3:4], names[4:7], names[7:9], names[9:]]


def test_the_same_name_in_two_folders_is_two_things() -> None:
    assert len(groups_of([sample("x/a_aug1.png"), sample("y/a_aug2.png")])) == 2


def test_numbers_in_brackets_on_many_images_are_a_counter() -> None:
    assert len(grouped(f"scratch ({i})" for i in range(1, 31))) == 30


def test_a_name_that_most_images_share_tells_nothing() -> None:
    assert len(grouped(f"photo_crop{i}" for i in range(50))) == 50


def test_classes_with_a_counter_are_no_groups() -> None:
    classes = ("crazing", "inclusion", "patches", "pitted_surface", "rolled-in_scale")
    names = [f"{name}_{i}" for name in classes for i in range(1, 301)]
    assert len(grouped(names)) == 1500


def test_numbered_classes_are_no_groups_either() -> None:
    samples = [sample(f"class{c}_{i}.png", [c]) for c in range(30) for i in range(10)]
    assert len(groups_of(samples)) == 300


def test_many_boards_with_crop_numbers_are_groups() -> None:
    boards = [20085 + 371 * i for i in range(25)]
    samples = [
        sample(f"{board}{crop:03}.png", [crop % 3])
        for board in boards
        for crop in range(8)
    ]
    assert [len(group) for group in groups_of(samples)] == [8] * 25
    named = [sample(f"board{b}_{i:03}.png", [i % 3]) for b in boards for i in range(8)]
    assert [len(group) for group in groups_of(named)] == [8] * 25


def test_few_boards_or_one_large_board_are_no_groups() -> None:
    few = [f"{20085 + 500 * b}{i:03}" for b in range(19) for i in range(4)]
    assert len(grouped(few)) == len(few)
    large = [f"{20085 + 500 * b}{i:03}" for b in range(30) for i in range(2)]
    large += [f"99999{i:03}" for i in range(40)]
    assert len(grouped(large)) == len(large)


def test_a_number_that_runs_on_is_no_group() -> None:
    assert len(grouped(f"{i:06}" for i in range(1, 25_000, 2))) == 12_500


def test_deeppcb_has_too_few_boards_to_group_by() -> None:
    names = [f"{board}{i:03}" for board, n in DEEPPCB.items() for i in range(n)]
    assert len(grouped(names)) == 900


def test_one_image_cannot_be_split_and_is_said_so() -> None:
    with pytest.raises(DatasetError, match=r"^1 image in 1 group cannot be split$"):
        split(listing([sample("a.png")]), 0.5, 0)


def test_copies_of_one_image_cannot_be_split() -> None:
    some = [sample("a.png"), sample("a_aug1.png")]
    with pytest.raises(DatasetError, match="2 images in 1 group .*alike by name"):
        split(listing(some), 0.5, 0)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_of_two_images_each_side_gets_one(share: float) -> None:
    training, held = split(listing([sample("a.png"), sample("b.png")]), share, 0)
    assert len(training.samples) == len(held.samples) == 1


@pytest.mark.parametrize("normal", [1, 50])
def test_boxes_in_one_group_only_cannot_be_split(normal: int) -> None:
    some = [sample("a.png"), sample("a_aug1.png")]
    some += [sample(f"normal {i}.png", []) for i in range(normal)]
    with pytest.raises(DatasetError, match="boxes in only one of them") as caught:
        split(listing(some), 0.2, 0)
    assert "labelled images of other units" in caught.value.hint


@pytest.mark.parametrize("share", [0.01, 0.1, 0.95])
@pytest.mark.parametrize("seed", range(5))
def test_both_sides_have_a_box_however_few_there_are(share: float, seed: int) -> None:
    some = [sample(f"normal {i}.png", []) for i in range(30)]
    some += [sample("one.png"), sample("two.png")]
    for side in split(listing(some, classes=1), share, seed):
        assert sum(len(one.boxes) for one in side.samples) == 1


def test_a_class_that_must_be_held_back_whole_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    some = [sample(f"normal {i}.png", []) for i in range(9)]
    some += [sample("one.png", [0]), sample("two.png", [1])]
    _, held = split(listing(some), 0.1, 0)
    (label,) = (i for one in held.samples for i in one.class_ids)
    assert f"{'ab'[label]} is only on images held back" in caplog.text


def test_nobody_is_warned_of_a_class_that_is_learnt(
    caplog: pytest.LogCaptureFixture,
) -> None:
    split(listing(sample(f"{i}.png", [i % 2]) for i in range(9)), 0.2, 0)
    assert caplog.text == ""


@pytest.mark.parametrize("seed", range(3))
def test_one_class_on_every_image_gives_its_share(seed: int) -> None:
    whole = listing([sample(f"{i}.png") for i in range(20)], classes=1)
    training, held = split(whole, 0.1, seed)
    assert (len(training.samples), len(held.samples)) == (18, 2)
