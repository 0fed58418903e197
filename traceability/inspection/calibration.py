"""A camera's calibration, as OpenCV's programs and scripts store it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from traceability.lib.errors import BadInput, TooLarge
from traceability.lib.filestorage import NotStorage, Tree, read_storage

FIELD = "calibration"
MOST_BYTES = 512 * 1024
MOST_SIDE = 65_535

# As OpenCV's samples, its interactive calibration, and most scripts name them; case and
# underscores do not count.
CAMERA = ("camera_matrix", "intrinsic_matrix", "K", "mtx")
LENS = ("distortion_coefficients", "dist_coeffs", "dist_coeff", "D", "dist")
WIDTH, HEIGHT = ("image_width",), ("image_height",)
SIZE = ("image_size", "camera_resolution")
FISHEYE = ("fisheye_model",)
# In files of ROS, whose other models are OpenCV's: the numbers of these fit by chance.
MODEL = ("distortion_model",)
FISHEYES = {"fisheye", "equidistant", "kannalabrandt", "kannalabrandt4"}

COEFFICIENTS = (0, 4, 5, 8, 12, 14)
"""How many numbers OpenCV's models of a lens have."""


@dataclass(frozen=True)
class Calibration:
    """`camera` is fx, fy, cx, cy in pixels, `distortion` k1, k2, p1, p2, k3 … as OpenCV
    has them; `size` is (width, height), None where the file does not say.
    """

    camera: tuple[float, float, float, float]
    distortion: tuple[float, ...]
    size: tuple[int, int] | None


def read_calibration(data: bytes) -> Calibration:
    """Raises TooLarge and BadInput, which name what is wrong in the file."""
    if len(data) > MOST_BYTES:
        text = _("The file has more than {most} kB.").format(most=MOST_BYTES // 1024)
        hint = _("Send the file without images and points: a few kB.")
        code = "calibration_too_large"
        raise TooLarge(text, code=code, hint=hint, fields={FIELD: [text]})
    try:
        tree = read_storage(data)
    except NotStorage as error:
        text = _("This is no XML, YAML or JSON of OpenCV's FileStorage: {why}.")
        raise wrong(text.format(why=error)) from error
    _check_model(tree)
    lens = tuple(_numbers(tree, LENS))
    if len(lens) not in COEFFICIENTS:
        text = _("{name} has {n} numbers; a lens has 4, 5, 8, 12 or 14.")
        raise wrong(text.format(name=_named(tree, LENS), n=len(lens)))
    return Calibration(_camera(tree), lens if any(lens) else (), _size(tree))


def wrong(text: str) -> BadInput:
    hint = _(
        "Send the file as cv2.FileStorage wrote it, with camera_matrix, "
        "distortion_coefficients, image_width and image_height."
    )
    return BadInput(text, code="calibration_invalid", hint=hint, fields={FIELD: [text]})


def _check_model(tree: Tree) -> None:
    flag, model = _find(tree, FISHEYE), _find(tree, MODEL)
    flagged = flag and str(tree[flag]).strip().casefold() not in ("0", "", "false")
    named = model and _plain(str(tree[model]).strip()) in FISHEYES
    if flagged or named:
        text = _("{name} is set: calibrations of fisheye lenses cannot be used.")
        raise wrong(text.format(name=flag if flagged else model))


def _camera(tree: Tree) -> tuple[float, float, float, float]:
    name, values = _named(tree, CAMERA), _numbers(tree, CAMERA)
    if len(values) != 9:
        text = _("{name} has {n} numbers; it is a 3 × 3 matrix.")
        raise wrong(text.format(name=name, n=len(values)))
    fx, skew, cx, zero, fy, cy, *last = values
    if (skew, zero, *last) != (0, 0, 0, 0, 1):
        text = _("{name} is not of the form fx 0 cx / 0 fy cy / 0 0 1.")
        raise wrong(text.format(name=name))
    if min(fx, fy) <= 0:
        text = _("{name} has a focal length that is not above 0.")
        raise wrong(text.format(name=name))
    return fx, fy, cx, cy


def _size(tree: Tree) -> tuple[int, int] | None:
    if _find(tree, SIZE):
        found, name = _numbers(tree, SIZE), _named(tree, SIZE)
    elif _find(tree, WIDTH) or _find(tree, HEIGHT):
        found, name = _numbers(tree, WIDTH) + _numbers(tree, HEIGHT), WIDTH[0]
    else:
        return None
    whole = len(found) == 2 and all(
        value == int(value) and 0 < value <= MOST_SIDE for value in found
    )
    if not whole:
        raise wrong(_("{name} is no size in pixels.").format(name=name))
    return int(found[0]), int(found[1])


def _numbers(tree: Tree, names: tuple[str, ...]) -> list[float]:
    name = _named(tree, names)
    value = tree[name]
    data = value.get("data", []) if isinstance(value, dict) else value
    try:
        found = [float(part) for part in _parts(data)]
    except (ValueError, TypeError, OverflowError, RecursionError):
        found = [math.nan]
    if not all(math.isfinite(number) for number in found):
        raise wrong(_("{name} holds what is no number.").format(name=name))
    return found


def _parts(data: Any) -> Iterator[Any]:
    """Of a text, a number, or lists of them in rows."""
    if isinstance(data, str):
        yield from data.split()
    elif isinstance(data, list):
        for part in data:
            yield from _parts(part)
    else:
        yield data


def _named(tree: Tree, names: tuple[str, ...]) -> str:
    name = _find(tree, names)
    if name is None:
        raise wrong(_("{name} is missing.").format(name=names[0]))
    return name


def _find(tree: Tree, names: tuple[str, ...]) -> str | None:
    plain = {_plain(name) for name in names}
    return next((name for name in tree if _plain(name) in plain), None)


def _plain(name: str) -> str:
    return name.replace("_", "").casefold()
