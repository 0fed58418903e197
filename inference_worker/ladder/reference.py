"""What the CPU saw on a version's golden picture, kept in a file that the site sealed.

It can be made again from the version at any time, so one that is damaged or was not
sealed here is.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inference_worker.engine import files
from inference_worker.engine.api import Detector, open_detector
from inference_worker.engine.decode import decode
from inference_worker.engine.errors import EngineError, KeyUnknown, StoreError
from inference_worker.engine.keyring import KeyRing
from inference_worker.engine.sealing import seal, unseal
from inference_worker.engine.store import MODEL, Version
from inference_worker.engine.types import Detections, Image
from inference_worker.ladder import numbers
from inference_worker.ladder.pictures import Picture, candidates

log = logging.getLogger(__name__)

PURPOSE = b"golden-reference/v1"
SCHEMA = 1
FEW, MANY = 3, 100
"""Clear boxes that make a picture good to compare on, and too many to keep apart."""


@dataclass(frozen=True, eq=False, slots=True)
class Reference:
    """A picture and what is to be found on it; None where the version finds nothing
    on any picture that could be compared: then it must only run.
    """

    picture: Picture
    expected: Detections | None

    def check(self, detector: Detector) -> None:
        """Raises WrongNumbers, or whatever the detector raises."""
        found = _look(detector, self.picture)
        if self.expected is not None:
            numbers.check(self.expected, found, detector.precision)


def reference_of(found: Version, data: Path) -> Reference:
    """The version's, made by the CPU in f32 when it is not there: that takes seconds.

    Raises what loading and running the version on the CPU raises.
    """
    path = _path(found, data)
    ring = KeyRing.load(data)
    try:
        return _parse(unseal(path.read_bytes(), PURPOSE, ring), found)
    except FileNotFoundError:
        log.info("looking at golden pictures with %s, once", found.folder.name)
    except (StoreError, ValueError, KeyError) as error:
        log.warning("%s is made again: %s", path, error)
    made = _make(found)
    try:
        files.replace(path, seal(_content(made, found), PURPOSE, ring))
    except KeyUnknown as error:  # a worker that may verify, and sign nothing
        log.warning("%s is made at each start: %s", path.name, error)
    return made


def _path(found: Version, data: Path) -> Path:
    name = f"{found.manifest.model}@{found.manifest.version}.golden"
    return data / "references" / name


def _make(found: Version) -> Reference:
    """The first picture with something to compare, else the last one to run on."""
    with _on_cpu(found) as detector:
        for picture in candidates():
            seen = _look(detector, picture)
            clear = int((seen.scores >= numbers.CLEAR).sum())
            if clear >= FEW and len(seen) < MANY:
                return Reference(picture, seen)
    log.warning("%s finds nothing comparable: it must only run", found.folder)
    return Reference(picture, None)


@contextmanager
def _on_cpu(found: Version) -> Iterator[Detector]:
    detector = open_detector(found, precision="f32")
    try:
        yield detector
    finally:
        detector.close()


def _look(detector: Detector, picture: Picture) -> Detections:
    templates = [picture.template] if detector.wants_templates else None
    (seen,) = detector.infer([picture.image], templates, threshold=numbers.FLOOR)
    return seen


def _content(made: Reference, found: Version) -> dict[str, Any]:
    seen = made.expected
    return {
        "schema": SCHEMA,
        "onnx": found.manifest.files[MODEL].sha256,
        "picture": made.picture.name,
        "image": _png(made.picture.image),
        "template": _png(made.picture.template),
        "seen": None if seen is None else _numbers(seen),
    }


def _numbers(seen: Detections) -> dict[str, Any]:
    """Whole numbers: hundredths of pixels, millionths of scores."""
    return {
        "boxes_e2": np.rint(seen.boxes.astype(float) * 1e2).astype(int).tolist(),
        "scores_ppm": np.rint(seen.scores.astype(float) * 1e6).astype(int).tolist(),
        "class_ids": seen.class_ids.tolist(),
    }


def _detections(told: Mapping[str, Any]) -> Detections:
    boxes, scores = np.array(told["boxes_e2"]) / 1e2, np.array(told["scores_ppm"]) / 1e6
    return Detections.of(boxes, scores, told["class_ids"])


def _parse(content: Mapping[str, Any], found: Version) -> Reference:
    told = (content["schema"], content["onnx"])
    if told != (SCHEMA, found.manifest.files[MODEL].sha256):
        raise ValueError("it is of another network")
    try:
        image, template = _picture(content["image"]), _picture(content["template"])
    except EngineError as error:
        raise ValueError(str(error)) from error
    seen = content["seen"]
    expected = None if seen is None else _detections(seen)
    return Reference(Picture(content["picture"], image, template), expected)


def _png(image: Image) -> str:
    content = cv2.imencode(".png", image[..., ::-1])[1].tobytes()
    return base64.b64encode(content).decode()


def _picture(text: str) -> Image:
    return decode(base64.b64decode(text))
