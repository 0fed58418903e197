from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_worker.engine.errors import ManifestError
from inference_worker.engine.manifest import Manifest, canonical, check_class_name
from tests.engine.toy import toy_manifest

FILES = {"model.onnx": b"anything"}


def parse(**changes: Any) -> Manifest:
    return Manifest.parse(json.dumps(toy_manifest(FILES, **changes)).encode())


def test_ratios_come_out_as_fractions() -> None:
    manifest = parse(threshold_ppm=412_000)
    assert (manifest.threshold, manifest.nms_iou) == (0.412, 0.5)


def test_reading_what_was_written_gives_the_same() -> None:
    manifest = parse()
    assert Manifest.parse(manifest.canonical()) == manifest


def test_signing_names_the_key_and_changes_nothing_else() -> None:
    signed = parse().signed_by("0a1b2c3d")
    assert signed.kid == "0a1b2c3d"
    assert {**signed.raw, "kid": None} == parse().raw


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": 2}, "schema: 2 is unknown"),
        ({"schema": True}, "schema: cannot be a bool"),
        ({"threshold_ppm": 0.4}, "floats are not allowed"),
        ({"metrics": {"map33": 0.97}}, "floats are not allowed"),
        ({"threshold_ppm": 1_000_000}, "threshold_ppm"),
        ({"model": "../etc"}, "model"),
        ({"model": "Toy"}, "model"),
        ({"version": ""}, "version"),
        ({"version": "1/.."}, "version"),
        ({"classes": []}, "classes"),
        ({"classes": ["open", "open"]}, "names one twice"),
        ({"classes": ["open", 3]}, "list of names"),
        ({"classes": ["a" * 101]}, "has 101 characters; at most 100"),
        ({"classes": ["open\0"]}, "cannot be seen"),
        ({"release_seq": 0}, "release_seq"),
        ({"precision": "fast"}, "precision: must be one of f32"),
        ({"precision": None}, "precision: cannot be"),
        ({"created": "yesterday"}, "created"),
        ({"files": {}}, "files: is empty"),
        ({"files": {"../x": {"sha256": "0" * 64, "size": 1}}}, "plain file name"),
        ({"files": {"manifest.sig": {"sha256": "0" * 64, "size": 1}}}, "by itself"),
        ({"files": {"x": {"sha256": "0" * 63, "size": 1}}}, "64 hex"),
        ({"files": {"x": {"sha256": "0" * 64}}}, "files.x.size: is missing"),
        ({"files": {"x": "0" * 64}}, "must be an object"),
        ({"surprise": 1}, "surprise: is unknown in schema 1"),
        ({"stride": "8"}, "stride: cannot be a str"),
        ({"input": {"layout": "NCHW"}}, "input.channels: is missing"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        parse(**changes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"layout": "NHWC"}, "NCHW"),
        ({"channels": 4}, "3 or 6"),
        ({"range": [0, 255]}, "range"),
        ({"sizes": [640, 512]}, "must rise"),
        ({"sizes": [600]}, "multiples of the stride"),
        ({"sizes": []}, "list of pixels"),
        ({"sizes": [True]}, "list of pixels"),
    ],
)
def test_an_input_we_cannot_make_is_refused(change: dict[str, Any], words: str) -> None:
    spec = toy_manifest(FILES)["input"] | change
    with pytest.raises(ManifestError, match=words):
        parse(input=spec)


def test_a_field_named_twice_is_refused() -> None:
    text = parse().canonical().replace(b'"stride":32', b'"stride":32,"stride":32')
    with pytest.raises(ManifestError, match="the same field twice"):
        Manifest.parse(text)


def test_infinity_is_refused_like_any_float() -> None:
    text = parse().canonical().replace(b'"stride":32', b'"stride":Infinity')
    with pytest.raises(ManifestError, match="floats are not allowed"):
        Manifest.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'{"schema": NaN}',
        b'{"schema": 1e0}',
        b'{"schema": 1, "schema": 1}',
        b'{"model": "\\ud800"}',
        b"[" * 200_000,
        b'{"schema": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_not_a_manifest_at_all_is_refused(text: bytes) -> None:
    with pytest.raises(ManifestError):
        Manifest.parse(text)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
exact = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(texts, exact, max_size=5))
def test_canonical_json_does_not_depend_on_the_order_of_fields(
    value: dict[str, Any],
) -> None:
    backwards = dict(reversed(value.items()))
    assert canonical(value) == canonical(backwards)
    assert json.loads(canonical(value)) == value
    assert canonical(json.loads(canonical(value))) == canonical(value)


@given(st.floats())
def test_no_float_is_ever_canonical(number: float) -> None:
    with pytest.raises(ManifestError, match=r"deep\.list\[0\]"):
        canonical({"deep": {"list": [number]}})


@pytest.mark.parametrize("name", ["a", "mouse bite", "短路", "é" * 100, "open (2)"])
def test_what_people_call_their_classes_is_fine(name: str) -> None:
    assert check_class_name(name) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "is empty"),
        (" ", "is empty"),
        (" open", "begins or ends with a space"),
        ("open\n", "begins or ends with a space"),
        ("a\0b", "cannot be seen"),
        ("a\tb", "cannot be seen"),
        ("a\x7fb", "cannot be seen"),
        ("a\u200bb", "cannot be seen"),
        ("a\u202eb", "cannot be seen"),
        ("a\ud800b", "cannot be seen"),
        ("a" * 101, "has 101 characters"),
    ],
)
def test_a_class_name_that_no_page_could_show_is_refused(name: str, why: str) -> None:
    assert why in (check_class_name(name) or "")
