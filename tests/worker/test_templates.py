"""Photos beside their golden template: a real network that sees the difference."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from inference_worker.adoption import adopt
from inference_worker.desk import Desk
from inference_worker.engine.errors import TemplateError, TemplateMissing
from inference_worker.golden import GoldenShelf
from tests.engine.toy import board, traced
from tests.engine.toy_pair import jpeg, printed, write_pair
from tests.worker.conftest import opened
from tests.worker.test_desk import inspection_of, states, survivor
from traceability.catalog.models import Product
from traceability.inspection.models import Image
from traceability.jobs.models import Job
from traceability.production.models import Unit

RED, GREEN = (0, 64, 96), (1, 320, 320)
TWO = jpeg(RED, GREEN)
Photo = Callable[[bytes], Job]


@pytest.fixture(scope="module")
def pair_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pair")
    write_pair(folder / "released")
    adopt(folder / "released", folder / "data", shipped=True)
    return folder / "data"


@pytest.fixture
def comparing(
    transactional_db: None, redis_server: str, pair_data: Path, media
) -> Iterator[Desk]:
    """A desk whose model compares."""
    with opened("toy-pair", pair_data, media) as ready:
        yield ready


@pytest.fixture
def beside(photo: Photo, media: Path) -> Callable[[bytes, bytes], Job]:
    """Store a photo with its template."""

    def store(data: bytes, template: bytes) -> Job:
        job = photo(data)
        name = uuid.uuid4().hex
        (media / name).write_bytes(template)
        image = inspection_of(job).image
        Image.objects.filter(pk=image.pk).update(template=name)
        return job

    return store


def found(job: Job) -> list[str]:
    classes = inspection_of(job).defects.values_list("defect_class__code", flat=True)
    return sorted(classes)


def test_only_what_the_template_does_not_show_is_a_defect(comparing, beside) -> None:
    for template, classes in [
        (jpeg(), ["green", "red"]),
        (jpeg(RED), ["green"]),
        (jpeg(GREEN), ["red"]),
        (TWO, []),
    ]:
        job = beside(TWO, template)
        comparing.inspect(job.id)
        assert states(job) == ("succeeded", "done", "")
        assert found(job) == classes
    assert inspection_of(job).model_version.wants_template


def test_the_template_is_not_taken_for_the_photo(comparing, beside) -> None:
    job = beside(jpeg(RED), jpeg(RED, GREEN))
    comparing.inspect(job.id)
    assert found(job) == []


def test_many_at_once_each_have_their_own_template(comparing, beside) -> None:
    templates = [jpeg(RED), jpeg(GREEN), TWO, jpeg()]
    expected = [["green"], ["red"], [], ["green", "red"]]
    jobs = [beside(TWO, templates[n % 4]) for n in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda job: comparing.inspect(job.id), jobs))
    assert [found(job) for job in jobs] == expected * 4


def test_a_photo_without_template_fails_at_once_and_says_what_to_send(
    comparing, photo
) -> None:
    job = photo(TWO)
    product = Product.objects.create(site=inspection_of(job).image.site, code="P1")
    Unit.objects.update(product=product)
    comparing.inspect(job.id)
    assert states(job) == ("failed", "failed", "template_missing")
    assert "product P1 at station C" in job.message
    assert "/api/v1/templates/" in job.message
    assert "docs/api.md" in job.message


def test_a_unit_without_product_is_told_so(comparing, photo) -> None:
    job = photo(TWO)
    comparing.inspect(job.id)
    assert states(job) == ("failed", "failed", "template_missing")
    assert "had no product" in job.message
    assert inspection_of(job).error_message == job.message


def test_a_photo_without_template_harms_no_other(comparing, photo, beside) -> None:
    good = [beside(TWO, jpeg(RED)) for _ in range(6)]
    bad = [photo(TWO), beside(TWO, jpeg(size=320)[:900]), beside(TWO, wide())]
    with ThreadPoolExecutor(9) as pool:
        jobs = [*good[:3], *bad, *good[3:]]
        list(pool.map(lambda job: comparing.inspect(job.id), jobs))
    assert {states(job)[2] for job in good} == {""}
    assert {tuple(found(job)) for job in good} == {("green",)}
    codes = [states(job)[2] for job in bad]
    assert codes == ["template_missing", "template_mismatch", "template_mismatch"]


def other_board() -> bytes:
    return cv2.imencode(".png", traced()[::-1].swapaxes(0, 1))[1].tobytes()


@pytest.mark.parametrize("deaths", [0, 2])
def test_the_template_of_another_board_ends_the_inspection(
    comparing, beside, deaths
) -> None:
    blank = cv2.imencode(".png", board())[1].tobytes()
    for wrong in (other_board(), blank, jpeg(size=64)):
        job = survivor(beside(TWO, wrong), deaths)
        comparing.inspect(job.id)
        assert states(job) == ("failed", "failed", "template_mismatch")
    assert "640 x 640: too small" in job.message


def wide() -> bytes:
    return cv2.imencode(".png", np.zeros((320, 640, 3), np.uint8))[1].tobytes()


def test_a_template_that_cannot_be_read_is_not_called_a_bad_photo(
    comparing, beside
) -> None:
    for job in (beside(TWO, b"no image"), survivor(beside(TWO, b"no image"), 2)):
        comparing.inspect(job.id)
        assert states(job) == ("failed", "failed", "template_mismatch")
        assert "template" in job.message


def test_a_process_apart_compares_too(comparing, beside, monkeypatch) -> None:
    job = survivor(beside(TWO, jpeg(RED)), deaths=2)
    monkeypatch.setattr(comparing.batcher, "submit", None)
    comparing.inspect(job.id)
    assert states(job) == ("succeeded", "done", "")
    assert found(job) == ["green"]


def test_a_missing_template_file_waits_for_another_try(comparing, beside) -> None:
    for job in (beside(TWO, TWO), survivor(beside(TWO, TWO), 1)):
        (comparing.media / inspection_of(job).image.template).unlink()
        comparing.inspect(job.id)
        assert states(job)[:2] == ("pending", "pending")
        assert job.error_code == "image_missing"


def test_a_model_that_does_not_compare_never_opens_the_template(desk, beside) -> None:
    for job in (beside(TWO, b"no image"), survivor(beside(TWO, b"no image"), 2)):
        desk.inspect(job.id)
        assert states(job) == ("succeeded", "done", "")
        assert found(job) == ["green", "red"]
        assert not inspection_of(job).model_version.wants_template


# The batcher by itself


def test_a_look_without_template_never_joins_a_batch(comparing: Desk) -> None:
    with pytest.raises(TemplateMissing):
        comparing.batcher.submit(board())


def test_a_template_of_another_shape_harms_only_its_own_look(comparing: Desk) -> None:
    image, batcher = printed(RED), comparing.batcher
    templates = [traced(), board(320, 640), image]
    futures = [batcher.submit(image, template) for template in templates]
    assert len(futures[0].result(10).detections) == 1
    with pytest.raises(TemplateError, match="another shape"):
        futures[1].result(10)
    assert len(futures[2].result(10).detections) == 0


# The shelf


def stored(folder: Path, name: str, size: int = 320) -> Path:
    (folder / name).write_bytes(jpeg(RED, size=size))
    return folder / name


def test_a_template_is_decoded_once_for_many_photos(tmp_path: Path) -> None:
    shelf, path = GoldenShelf(), stored(tmp_path, "a")
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: shelf.template(path, board(320, 320)), range(9)))
    assert all(one is seen[0] for one in seen)


def test_photos_of_each_size_get_it_in_theirs(tmp_path: Path) -> None:
    shelf, path = GoldenShelf(), stored(tmp_path, "a")
    shapes = [shelf.template(path, board(side, side)).shape for side in (320, 400, 160)]
    assert shapes == [(320, 320, 3), (400, 400, 3), (160, 160, 3)]


def test_the_shelf_has_an_end_and_drops_what_was_not_used_for_longest(
    tmp_path: Path,
) -> None:
    shelf = GoldenShelf(most_bytes=2 * board(320, 320).nbytes)
    one, two, three = (stored(tmp_path, name) for name in "abc")
    photo = board(320, 320)
    first, second = shelf.template(one, photo), shelf.template(two, photo)
    assert shelf.template(one, photo) is first
    shelf.template(three, photo)
    assert shelf.template(one, photo) is first
    assert shelf.template(two, photo) is not second
    huge = GoldenShelf(most_bytes=1)
    assert huge.template(one, photo) is not huge.template(one, photo)


def test_a_photo_does_not_change_what_is_kept(comparing, beside) -> None:
    """Several photos of one stored template, one after the other."""
    job = beside(TWO, jpeg(RED))
    name = inspection_of(job).image.template
    comparing.inspect(job.id)
    kept = comparing.shelf.template(comparing.media / name, board())
    before = kept.copy()
    again = beside(TWO, b"")
    Image.objects.filter(pk=inspection_of(again).image_id).update(template=name)
    comparing.inspect(again.id)
    assert found(again) == ["green"]
    assert np.array_equal(kept, before)
    assert comparing.shelf.template(comparing.media / name, board()) is kept
