"""What an analysis would have stored: causes of every kind with their exhibits."""

from __future__ import annotations

import datetime as dt
import math

from django.utils import timezone

from tests.dashboards.factories import daily_columns, levels_frame

CREDIBLE_SETS = [
    {
        "id": 1,
        "coverage": 0.95,
        "members": [1, 2],
        "separate_by": {
            "code": "run_lot_elsewhere",
            "params": {"factor": "RESIST", "level": "DF-005", "units": 180},
        },
    },
    {"id": 2, "coverage": 0.95, "members": [3], "separate_by": None},
]

CHRONIC = {
    "rank": 1,
    "kind": "operator",
    "statement": {"code": "operator", "params": {"operator": "B", "operation": "LAM"}},
    "confidence": 0.31,
    "credible_set": None,
    "relative_risk": 1.4,
    "relative_risk_low": 1.1,
    "relative_risk_high": 1.8,
}


def overview(onset=True):
    at = (timezone.now() - dt.timedelta(days=9)).isoformat()
    return {
        "schema": 1,
        "chart": "daily",
        "daily": daily_columns(onset=21 if onset else 99),
        "marks": {"onset": at if onset else None},
        "notes": [],
    }


def causes():
    """Fields and exhibit of each cause of one problem, in order."""
    began = timezone.now() - dt.timedelta(days=9)
    yield (
        {
            "statement": {
                "code": "equipment_from_onset",
                "params": {
                    "operation": "ETCH",
                    "equipment": "ETCH-2",
                    "onset": began.isoformat(),
                },
            },
            "confidence": 0.57,
            "onset": began,
            "onset_low": began - dt.timedelta(hours=7),
            "onset_high": began + dt.timedelta(hours=5),
        },
        levels_frame(),
    )
    yield (
        {
            "kind": "lot",
            "factor": "RESIST",
            "level": "DF-005",
            "statement": {
                "code": "lot",
                "params": {"operation": "LAM", "material": "RESIST", "lot": "DF-005"},
            },
            "confidence": 0.38,
            "relative_risk": 3.9,
            "relative_risk_low": 2.4,
            "relative_risk_high": 6.1,
        },
        levels_frame(),
    )
    yield (
        {
            "kind": "parameter",
            "factor": "temperature",
            "level": "> 50.6",
            "statement": {
                "code": "parameter_above_on_equipment",
                "params": {
                    "operation": "ETCH",
                    "parameter": "temperature",
                    "threshold": 50.6,
                    "unit_of_measure": "°C",
                    "equipment": "ETCH-1",
                },
            },
            "confidence": 0.91,
            "credible_set": 2,
            "relative_risk": 2.7,
            "relative_risk_low": 1.9,
            "relative_risk_high": 3.8,
        },
        readings_frame(began),
    )
    yield (
        {
            "kind": "age",
            "factor": "EXP-3",
            "level": "hours since maintenance > 83",
            "statement": {
                "code": "age_above_on_equipment",
                "params": {
                    "operation": "EXP",
                    "since": "maintenance",
                    "hours": 83.0,
                    "equipment": "EXP-3",
                },
            },
            "confidence": 0.12,
            "credible_set": None,
            "relative_risk": 1.6,
            "relative_risk_low": 0.9,
            "relative_risk_high": 2.7,
        },
        ages_frame(),
    )


def readings_frame(began):
    start = timezone.now() - dt.timedelta(days=30)
    at = [start + dt.timedelta(hours=2.4 * n) for n in range(300)]
    value = [
        49
        + 0.6 * math.sin(n / 5)
        + 0.9 * math.sin(n * 1.7)
        + (n > 210) * (n - 210) / 55
        for n in range(300)
    ]
    bad = [int(v > 50.6 and n % 3 == 0 or n % 41 == 0) for n, v in enumerate(value)]
    smooth = [49 + (n > 210) * (n - 210) / 55 for n in range(300)]
    return {
        "schema": 1,
        "chart": "readings",
        "columns": {
            "at": [moment.isoformat() for moment in at],
            "value": value,
            "defective": bad,
            "exposed": [int(v > 50.6) for v in value],
            "equipment": ["ETCH-1"] * 300,
        },
        "marks": {
            "operation": "ETCH",
            "parameter": "temperature",
            "unit_of_measure": "°C",
            "direction": "above",
            "threshold": 50.6,
            "equipment": "ETCH-1",
            "onset": began.isoformat(),
            "lower_limit": 46,
            "upper_limit": 52,
        },
        "daily": daily_columns(),
        "series": {
            "at": [moment.isoformat() for moment in at],
            "ewma": smooth,
            "low": [48.2] * 300,
            "high": [49.8] * 300,
        },
    }


def ages_frame():
    edges = [0, 20, 40, 60, 83, 110, 140]
    rate = [0.03, 0.035, 0.04, 0.05, 0.09, 0.12]
    return {
        "schema": 1,
        "chart": "ages",
        "columns": {
            "age_from": edges[:-1],
            "age_to": edges[1:],
            "n": [120] * 6,
            "defective": [round(120 * value) for value in rate],
            "rate": rate,
            "low": [0.6 * value for value in rate],
            "high": [1.6 * value for value in rate],
            "highlighted": [0, 0, 0, 0, 1, 1],
        },
        "marks": {"equipment": "EXP-3", "since": "maintenance", "threshold": 83},
        "daily": daily_columns(),
        "series": {},
    }
