"""The fingerprint of a bundle: of what it says, not of how it was written."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analytics.bundle import read_bundle
from analytics.core.fingerprint import bundle_sha256
from analytics.core.frames import Bundle
from tests.analytics.scene import tiny_frames


def scene():
    frames = tiny_frames()
    units = frames["units"]["unit"]
    looks = {"unit": units, "inspected_at": frames["units"]["completed_at"]}
    frames["inspections"] = pd.DataFrame({**looks, "inspection": "I" + units})
    frames["readings"] = pd.DataFrame(
        {"unit": units, "operation": "OP10", "parameter": "t", "value": np.arange(60.0)}
    )
    frames["lots"] = pd.DataFrame(
        {"unit": units, "operation": "OP10", "material": "M", "lot": ["A", "B"] * 30}
    )
    return frames


VALUES = np.linspace(0, 1, 60, dtype=np.float32)


def sha(frames, values=VALUES):
    return bundle_sha256(Bundle.of(frames, {("OP10", "p"): values}))


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_rows_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    frames = scene()
    orders = {file: rng.permutation(len(frame)) for file, frame in frames.items()}
    mixed = {file: frame.iloc[orders[file]] for file, frame in frames.items()}
    assert sha(mixed, VALUES[orders["units"]]) == sha(frames)


@pytest.mark.parametrize(
    ("file", "column", "value"),
    [
        ("units", "unit", "U000x"),
        ("units", "product", "Q"),
        ("units", "completed_at", pd.Timestamp("2026-02-01T00:00:00Z")),
        ("steps", "equipment", "M3"),
        ("steps", "unit", "U001"),
        ("lots", "lot", "B"),
        ("readings", "value", 0.5),
        ("inspections", "inspection", "J"),
        ("defects", "unit", "U003"),
        ("defects", "defect_class", "crack"),
    ],
)
def test_any_other_value_gives_another(file, column, value):
    frames = scene()
    changed = frames[file].copy()
    if (file, column) == ("steps", "unit"):
        changed["started_at"] += pd.to_timedelta(np.arange(60), unit="s")
    changed.loc[0, column] = value
    if (file, column) == ("units", "unit"):
        names = {"U000": value}
        frames = {f: frame.replace({"unit": names}) for f, frame in frames.items()}
    else:
        frames[file] = changed
    assert sha(frames) != sha(scene())


def test_swapped_values_of_two_rows_give_another():
    frames = scene()
    lots = frames["lots"].copy()
    lots.loc[[0, 1], "lot"] = ["B", "A"]
    assert sha({**frames, "lots": lots}) != sha(frames)
    assert sha(frames, VALUES[::-1].copy()) != sha(frames)


def test_a_row_told_twice_gives_another():
    frames = scene()
    twice = pd.concat([frames["defects"], frames["defects"].iloc[:1]])
    assert sha({**frames, "defects": twice}) != sha(frames)


def test_csv_and_parquet_of_the_same_rows_have_one_fingerprint(tmp_path):
    for form in ("csv", "parquet"):
        (tmp_path / form).mkdir()
    for file, frame in scene().items():
        frame.to_csv(tmp_path / "csv" / f"{file}.csv", index=False)
        frame.to_parquet(tmp_path / "parquet" / f"{file}.parquet")
    one, other = (
        bundle_sha256(read_bundle(tmp_path / form)) for form in ("csv", "parquet")
    )
    assert one == other == bundle_sha256(Bundle.of(scene()))
