from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

from traceability.demo.boards.folder import (
    product_photos,
    training_samples,
    write_folder,
)


def test_drawn_boards_become_a_coco_folder(tmp_path: Path) -> None:
    assert write_folder(tmp_path, training_samples(2, seed=3)) == 2
    content = json.loads((tmp_path / "annotations.json").read_text())
    assert [image["file_name"] for image in content["images"]] == [
        "000001.png",
        "000002.png",
    ]
    ids = [annotation["id"] for annotation in content["annotations"]]
    assert ids == list(range(1, len(ids) + 1))
    for image in content["images"]:
        assert (tmp_path / "images" / image["file_name"]).stat().st_size > 1000
        assert (tmp_path / "templates" / image["file_name"]).stat().st_size > 1000


def test_product_photos_take_turns() -> None:
    photos = list(islice(product_photos(9, seed=0, products=2), 6))
    assert [len(photo.boxes) for photo in photos] == [0, 1, 2, 0, 1, 2]
    first, second, third = (photo.template_image.sum() for photo in photos[:3])
    assert first == third != second
