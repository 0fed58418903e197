"""From folders to pictures: one canvas, one list of classes, who looked for what."""

from __future__ import annotations

from tests.training import torch_here  # isort: skip # noqa: F401 - skips without torch

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from inference_worker.commands.models import SHIPPED
from inference_worker.engine.decode import decode_file
from inference_worker.engine.manifest import Manifest
from inference_worker.training.material import Material, gather
from inference_worker.training.settings import Settings
from inference_worker.training.start import Start
from inference_worker.training.store import batches, store_all
from tests.training import easy
from traceability.demo.boards import CLASSES

CPU = torch.device("cpu")


def live(**changes: object) -> Start:
    """A model of the easy classes that goes on; its weights are never read here."""
    shipped = SHIPPED / "pcb-defects" / "2" / "manifest.json"
    raw = json.loads(shipped.read_bytes())
    raw["classes"] = ["red", "blue"]
    raw["input"]["sizes"] = [64, 96]
    return Start(Manifest.parse(json.dumps(raw).encode()), b"", named=True)


def gathered(root: Path, start: Start | None = None, **told: object) -> Material:
    settings = Settings(out=root / "out", **told)  # type: ignore[arg-type]
    return gather(settings, start)


def test_every_picture_is_learnt_from_or_held_back(tmp_path: Path) -> None:
    data = easy.folder(tmp_path / "easy", 20)
    material = gathered(tmp_path, data=data, size=64, held_share=0.25)
    ((shown, share),) = material.sets
    assert (len(shown), len(material.held), share) == (15, 5, 1.0)
    assert shown.images.shape == (15, 3, 64, 64)
    assert material.classes == ("red", "blue")
    (source,) = material.sources
    assert (source.images, source.held) == (20, 5)


def test_boxes_lie_where_their_things_are_on_the_canvas(tmp_path: Path) -> None:
    data = easy.folder(tmp_path / "easy", 8, ("red",), size=(48, 64))
    pictures = gathered(tmp_path, data=data, size=128).sets[0][0]
    assert pictures.images.shape[2:] == (96, 128)
    for image, truth in zip(pictures.images, pictures.truth, strict=True):
        red = (image[0] > 180) & (image[2] < 90)
        inside = np.zeros_like(red)
        for left, top, right, bottom in truth.boxes.round().astype(int):
            inside[top:bottom, left:right] = True
        assert (red == inside).mean() > 0.97


def test_beside_a_photo_the_canvas_is_grey(tmp_path: Path) -> None:
    data = easy.folder(tmp_path / "easy", 8, size=(40, 64))
    images = gathered(tmp_path, data=data, size=64).sets[0][0].images
    assert images.shape[2:] == (64, 64)
    assert (images[:, :, 40:] == 114).all()


def test_old_and_new_photos_of_other_shapes_share_batches(tmp_path: Path) -> None:
    new = easy.folder(tmp_path / "new", 8, ("bright",), size=(64, 64))
    old = easy.folder(tmp_path / "old", 12, size=(48, 96), seed=1)
    material = gathered(tmp_path, live(), data=new, replay=old)
    assert material.classes == ("red", "blue", "bright")
    every = list(batches(store_all(material.sets, CPU), 4, CPU))
    assert len({batch.images.shape for batch in every}) == 1
    assert [share for _, share in material.sets] == [0.5, 0.5]


def test_nobody_looked_for_the_new_class_in_old_data_nor_the_other_way(
    tmp_path: Path,
) -> None:
    new = easy.folder(tmp_path / "new", 8, ("bright",))
    old = easy.folder(tmp_path / "old", 12, seed=1)
    (added, _), (again, _) = gathered(tmp_path, live(), data=new, replay=old).sets
    assert added.known == {"bright"}
    assert again.known == {"red", "blue"}


def test_without_a_golden_folder_a_part_of_the_old_data_guards(tmp_path: Path) -> None:
    new = easy.folder(tmp_path / "new", 8, ("bright",))
    old = easy.folder(tmp_path / "old", 20, seed=1)
    material = gathered(tmp_path, live(), data=new, replay=old)
    assert material.golden is not None
    assert len(material.sets[1][0]) + len(material.golden) == 20
    golden = easy.folder(tmp_path / "golden", 6, seed=2)
    material = gathered(tmp_path, live(), data=new, replay=old, golden=golden)
    assert material.golden is not None
    assert (len(material.sets[1][0]), len(material.golden)) == (20, 6)


def test_a_model_that_goes_on_looks_at_photos_as_it_always_did(tmp_path: Path) -> None:
    data = easy.folder(tmp_path / "easy", 8, size=(90, 90))
    assert gathered(tmp_path, live(), data=data).recipe.size == 96
    assert gathered(tmp_path, None, data=data).recipe.size == 320


def grey_folder(root: Path, count: int, seed: int = 0) -> Path:
    shades = {"red": (20, 20, 20), "blue": (235, 235, 235)}
    folder = easy.folder(root, count, seed=seed, shades=shades)
    for path in (folder / "images").iterdir():
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    return folder


def test_grey_photos_take_one_plane_only_where_all_are_grey(tmp_path: Path) -> None:
    grey = grey_folder(tmp_path / "grey", 8)
    colour = easy.folder(tmp_path / "colour", 8, seed=1)
    alone = gathered(tmp_path, live(), data=grey)
    assert alone.sets[0][0].images.shape[1] == 1
    mixed = gathered(tmp_path, live(), data=grey, replay=colour)
    assert {one.images.shape[1] for one, _ in mixed.sets} == {3}


def test_boards_beside_black_and_white_scans_are_scans_too(tmp_path: Path) -> None:
    """One plane is enough for them."""
    material = gathered(tmp_path, data=scans(tmp_path / "scans", 6), drawn=6)
    assert material.recipe.strength.crisp
    (shown, _), (boards, _) = material.sets
    assert shown.images.shape[1] == boards.images.shape[1] == 1
    between = (boards.images > 80) & (boards.images < 170)
    assert between.mean() < 0.01


def test_scans_beside_photos_or_grey_templates_are_not_kept_black_and_white(
    tmp_path: Path,
) -> None:
    data = scans(tmp_path / "scans", 6)
    (data / "templates").mkdir()
    for path in (data / "images").iterdir():
        cv2.imwrite(str(data / "templates" / path.name), cv2.imread(str(path)))
    assert gathered(tmp_path, data=data).recipe.strength.crisp
    grey = min((data / "templates").iterdir())
    cv2.imwrite(str(grey), np.full((320, 320), 120, np.uint8))
    recipe = gathered(tmp_path, data=data).recipe
    assert not recipe.strength.crisp
    assert not any("black and white" in why for why in recipe.reasons)


def scans(root: Path, count: int) -> Path:
    """Scanned boards with one box of each class."""
    folder = easy.folder(
        root, count, CLASSES, size=(320, 320), shades=dict.fromkeys(CLASSES, (0, 0, 0))
    )
    for path in (folder / "images").iterdir():
        photo = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        cv2.imwrite(str(path), np.where(photo > 60, 255, 0).astype(np.uint8))
    return folder


def with_templates(root: Path, count: int, bare: int) -> Path:
    """The templates are plain grey; the last `bare` images have none."""
    folder = easy.folder(root, count)
    (folder / "templates").mkdir()
    paths = sorted((folder / "images").iterdir())
    for path in paths[: count - bare]:
        shutil.copy(path, folder / "templates")
        flat = np.full((64, 64, 3), 120, np.uint8)
        flat[::8, ::8] = 90
        cv2.imwrite(str(folder / "templates" / path.name), flat)
    return folder


def test_templates_are_kept_where_every_image_has_one(tmp_path: Path) -> None:
    whole = gathered(tmp_path, data=with_templates(tmp_path / "a", 8, 0), size=64)
    assert whole.sets[0][0].templates is not None
    some = gathered(tmp_path, data=with_templates(tmp_path / "b", 8, 2), size=64)
    assert some.sets[0][0].templates is None


def test_an_image_without_a_template_stands_in_for_it(tmp_path: Path) -> None:
    data = with_templates(tmp_path / "b", 10, 4)
    material = gathered(tmp_path, data=data, size=64, template=True)
    golden, images = [], []
    for pictures in (material.sets[0][0], material.held):
        assert pictures.templates is not None
        golden.extend(pictures.templates)
        images.extend(pictures.images)
    own = [np.array_equal(a, b) for a, b in zip(golden, images, strict=True)]
    assert sum(own) >= 4


def test_pixels_are_those_of_the_file(tmp_path: Path) -> None:
    data = easy.folder(tmp_path / "easy", 6)
    pictures = gathered(tmp_path, data=data, size=64).sets[0][0]
    files = [decode_file(path) for path in sorted((data / "images").iterdir())]
    for image in pictures.images:
        assert any(np.array_equal(image.transpose(1, 2, 0), file) for file in files)


@pytest.mark.parametrize(("drawn", "share"), [(4, 1 / 3), (12, 0.5)])
def test_boards_drawn_beside_a_folder_never_outweigh_it(
    tmp_path: Path, drawn: int, share: float
) -> None:
    from traceability.demo.boards import CLASSES

    data = easy.folder(
        tmp_path / "easy", 10, CLASSES, shades=dict.fromkeys(CLASSES, (9, 9, 9))
    )
    material = gathered(tmp_path, data=data, drawn=drawn, size=256, held_share=0.2)
    shares = [one for _, one in material.sets]
    assert sum(shares) == pytest.approx(1.0)
    assert shares[1] == pytest.approx(share)
