"""What is read of a camera's calibration, and what is refused of it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.api.calibrations import CAMERA, KINDS, LENS, written
from traceability.inspection.calibration import MOST_BYTES, read_calibration
from traceability.lib.errors import BadInput, TooLarge

FOCAL = (60.5, 59.75, 32.25, 23.5)


def refused(data):
    with pytest.raises(BadInput) as caught:
        read_calibration(data)
    assert caught.value.code == "calibration_invalid"
    (text,) = caught.value.fields["calibration"]
    return text


@pytest.mark.parametrize("kind", KINDS)
def test_what_opencv_writes_is_read(kind):
    found = read_calibration(written(kind))
    assert found.camera == FOCAL
    assert found.distortion == tuple(LENS[0])
    assert found.size == (64, 48)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [4, 5, 8, 12, 14])
def test_every_model_of_a_lens_is_taken_as_a_row_or_a_column(kind, count):
    lens = np.linspace(-0.1, 0.1, count)
    for shape in ((1, count), (count, 1)):
        data = written(kind, distortion_coefficients=lens.reshape(shape))
        assert np.allclose(read_calibration(data).distortion, lens)


def test_other_programs_names_are_known():
    """Of OpenCV's interactive calibration, older samples, ROS and short scripts."""
    names = [
        ("cameraMatrix", "dist_coeffs", {"cameraResolution": np.array([64, 48])}),
        ("Camera_Matrix", "Distortion_Coefficients", {"image_Width": 64}),
        ("mtx", "dist", {}),
        ("K", "D", {}),
    ]
    plain = dict.fromkeys(
        ["camera_matrix", "distortion_coefficients", "image_width", "image_height"]
    )
    for camera, lens, size in names:
        if "image_Width" in size:
            size["image_Height"] = 48
        values = {camera: np.array(CAMERA), lens: np.array(LENS)} | size
        found = read_calibration(written(**{**plain, **values}))
        assert found.camera == FOCAL
        assert found.size == ((64, 48) if size else None)


def test_opencv_4_begins_its_yaml_otherwise_and_json_may_have_plain_rows():
    data = written().replace(b"%YAML 1.2", b"%YAML:1.0")
    assert read_calibration(data).camera == FOCAL
    plain = b'{"mtx": [[60.5, 0, 32.25], [0, 59.75, 23.5], [0, 0, 1]], "dist": [0]}'
    assert "1 numbers" in refused(plain)
    assert read_calibration(plain.replace(b"[0]}", b"[]}")).distortion == ()


@pytest.mark.parametrize("model", ["plumb_bob", "rational_polynomial", "radtan"])
def test_models_of_opencv_are_taken_by_whatever_name(model):
    """As ROS calls them; of a fisheye there the four numbers mean something else."""
    found = read_calibration(written(distortion_model=model, fisheye_model=0))
    assert found.distortion == tuple(LENS[0])


def test_a_lens_of_zeros_needs_no_correction():
    data = written(distortion_coefficients=np.zeros((1, 5)))
    assert read_calibration(data).distortion == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"camera_matrix": None}, "camera_matrix is missing"),
        ({"distortion_coefficients": None}, "distortion_coefficients is missing"),
        ({"image_height": None}, "image_height is missing"),
        ({"image_width": 64.5}, "image_width is no size"),
        ({"image_width": 0}, "image_width is no size"),
        ({"image_width": 99999}, "image_width is no size"),
        ({"camera_matrix": np.eye(2)}, "camera_matrix has 4 numbers"),
        ({"camera_matrix": np.ones((3, 3))}, "not of the form"),
        ({"camera_matrix": np.diag([-1.0, 1, 1])}, "focal length"),
        ({"camera_matrix": "none"}, "camera_matrix holds what is no number"),
        ({"distortion_coefficients": np.zeros((1, 6))}, "has 6 numbers"),
        ({"fisheye_model": 1}, "fisheye"),
        ({"distortion_model": "equidistant"}, "distortion_model is set"),
        ({"distortion_model": "Kannala_Brandt"}, "distortion_model is set"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_wrong_is_named(kind, changes, said):
    assert said in refused(written(kind, **changes))


@pytest.mark.parametrize("name", ["camera_matrix", "distortion_coefficients"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_are_finite(name, value):
    """What OpenCV writes for them into JSON is no JSON."""
    for kind in ("xml", "yml"):
        text = refused(written(kind, **{name: np.full((3, 3), value)}))
        assert text == f"{name} holds what is no number."
    assert refused(written("json", **{name: np.full((3, 3), value)}))


BILLION = b"""<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<opencv_storage><camera_matrix>&b;</camera_matrix></opencv_storage>"""
OUTSIDE = b"""<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<opencv_storage><camera_matrix>&a;</camera_matrix></opencv_storage>"""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"hello",
        b"[1, 2]",
        b"{",
        b"<a>",
        b"<a></b>",
        b"<opencv_storage/>",
        b"a: [1, 2",
        b"a: &x [1]\ncamera_matrix: *x\n",
        b"a: !!python/object/apply:os.system ['true']\n",
        BILLION,
        OUTSIDE,
        BILLION.decode().encode("utf-16"),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"<a>" * 60_000 + b"</a>" * 60_000,
        b"- " * 100_000,
        b'{"camera_matrix": ' + b"[" * 900 + b"]" * 900 + b', "dist": []}',
        b'{"camera_matrix": [1e999], "dist": []}',
        b'{"camera_matrix": ' + b"9" * 5000 + b', "dist": []}',
        b'{"camera_matrix": [null, true, {}], "dist": []}',
        b"%YAML",
        b"? [a]\n: b\n",
    ],
    ids=range(24),
)
def test_hostile_files_are_refused(data):
    assert refused(data)


def test_nothing_is_read_of_a_large_file():
    with pytest.raises(TooLarge) as caught:
        read_calibration(b"<" * (MOST_BYTES + 1))
    assert caught.value.fields["calibration"]


def outcome(data):
    try:
        return read_calibration(data)
    except BadInput as error:
        return error


FILES = [written(kind) for kind in KINDS]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_is_told_or_harmless(data):
    """Bytes changed, cut and doubled: an error that names the field, or numbers."""
    raw = bytearray(data.draw(st.sampled_from(FILES)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        kind = data.draw(st.integers(0, 2))
        if kind == 0:
            raw[at] = data.draw(st.integers(0, 255))
        elif kind == 1:
            del raw[at : at + data.draw(st.integers(1, 40))]
        else:
            raw[at:at] = raw[at : at + data.draw(st.integers(1, 40))]
        if not raw:
            break
    found = outcome(bytes(raw))
    if isinstance(found, BadInput):
        assert found.fields["calibration"]
    else:
        assert min(found.camera[:2]) > 0
        assert np.isfinite([*found.camera, *found.distortion]).all()


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.tuples(*[st.floats(1e-3, 1e5)] * 2, *[st.floats(0, 64)] * 2),
    st.lists(st.floats(-5, 5), min_size=5, max_size=5).filter(any),
)
def test_every_number_comes_back_to_the_bit(kind, focal, lens):
    fx, fy, cx, cy = focal
    camera = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    data = written(kind, camera_matrix=camera, distortion_coefficients=np.array([lens]))
    found = read_calibration(data)
    storage = cv2.FileStorage(
        data.decode(), cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY
    )
    theirs = storage.getNode("distortion_coefficients").mat().ravel()
    assert found.camera == (fx, fy, cx, cy)
    assert found.distortion == tuple(theirs)
