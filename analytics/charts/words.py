"""Every visible word of a chart, by key, in English; pages pass their own."""

from __future__ import annotations

from collections.abc import Mapping

ENGLISH: Mapping[str, str] = {
    "time": "Time",
    "defect_rate": "Defective units",
    "defect_rate_exposed": "Defective, exposed",
    "interval": "95 % interval",
    "good": "No defect",
    "defective": "Defect",
    "exposed": "exposed",
    "others": "Others",
    "suspect": "Suspect",
    "threshold": "Threshold",
    "onset": "Onset",
    "ewma": "EWMA",
    "lower_limit": "Lower limit",
    "upper_limit": "Upper limit",
    "hours": "Hours",
    "age_commissioning": "Hours since commissioning",
    "age_maintenance": "Hours since maintenance",
    "age_calibration": "Hours since calibration",
    "age_tool_change": "Hours since tool change",
    "this_group": "This group",
    "elsewhere": "Others of the class",
    "across": "Across the image",
    "down": "Down the image",
    "units": "Units",
    "defects": "Defects",
    "cumulative": "Cumulative share",
    "yield": "First-pass yield",
    "kind_lot": "Lot",
    "kind_equipment": "Equipment",
    "kind_operator": "Operator",
    "kind_shift": "Shift",
    "kind_tool": "Tool",
    "kind_supplier": "Supplier",
}


class Words:
    """Looks a key up in the page's words, then in English, then shows the key."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = words

    def __call__(self, key: str) -> str:
        return self._words.get(key) or ENGLISH.get(key, key)
