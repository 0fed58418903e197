"""A parameter that leaves its limits is told, an outlier is not."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from analytics.core.frames import Bundle
from analytics.core.leaving import departures, out_since
from tests.analytics.scene import tiny_frames


def bundle(values, n=400, lower=np.nan, upper=60.0, parameter="temp"):
    frames = tiny_frames(n)
    units = frames["units"]["unit"]
    frames["readings"] = pd.DataFrame(
        {"unit": units, "operation": "OP10", "parameter": "temp", "value": values}
    )
    frames["parameters"] = pd.DataFrame(
        {
            "operation": ["OP10"],
            "parameter": [parameter],
            "unit_of_measure": ["°C"],
            "lower_limit": [lower],
            "upper_limit": [upper],
        }
    )
    return Bundle.of(frames)


def calm(n=400):
    return 50.0 + np.random.default_rng(0).standard_normal(n)


def test_one_machine_that_leaves_its_limits_is_named_with_its_onset():
    values = calm()
    late_on_m1 = (np.arange(400) >= 300) & (np.arange(400) % 2 == 1)
    values[late_on_m1] += 11.0
    (found,) = departures(bundle(values))
    assert (found.parameter, found.equipment, found.side) == ("temp", "M1", "above")
    told = json.loads(json.dumps(found.to_json()))
    assert told["since"].startswith("2026-03-13T11:00")
    assert told["upper_limit"] == 60.0
    assert told["lower_limit"] is None
    assert 0.6 * found.readings < found.outside <= found.readings == 50


def test_below_the_lower_limit_is_said_to_be_below():
    values = calm()
    values[300:] -= 20.0
    found = departures(bundle(values, lower=40.0))
    assert {(each.equipment, each.side) for each in found} == {
        ("M1", "below"),
        ("M2", "below"),
    }


def test_outliers_and_what_came_back_are_silent():
    values = calm()
    values[[50, 200, 399]] = 80.0
    assert departures(bundle(values)) == []
    values = calm()
    values[50:100] += 20.0
    assert departures(bundle(values)) == []


def test_without_limits_or_readings_there_is_nothing_to_leave():
    values = calm() + 100.0
    assert departures(bundle(values, upper=np.nan)) == []
    assert departures(bundle(values, parameter="pressure")) == []
    assert departures(Bundle.of(tiny_frames())) == []


def test_readings_in_columns_are_the_same():
    values = calm()
    values[350:] += 20.0
    rows = bundle(values)
    columns = {("OP10", "temp"): values.astype(np.float32)}
    frames = {name: getattr(rows, name) for name in ("units", "steps", "defects")}
    narrow = Bundle.of({**frames, "parameters": rows.parameters}, columns)
    assert departures(narrow) == departures(rows)
    assert len(departures(rows)) == 2


def test_a_few_readings_outside_are_let_pass():
    flags = np.random.default_rng(1).random(20_000) < 0.01
    assert out_since(flags) is None
    flags[-12:] = True
    assert out_since(flags) is not None
