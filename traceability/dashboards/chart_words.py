"""The words of `analytics.charts` in the reader's language, by its keys."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

WORDS = {
    "time": gettext_lazy("Time"),
    "defect_rate": gettext_lazy("Defect rate"),
    "defect_rate_exposed": gettext_lazy("Defect rate, exposed"),
    "interval": gettext_lazy("Interval (95 %)"),
    "good": gettext_lazy("Without the defect"),
    "defective": gettext_lazy("With the defect"),
    "exposed": gettext_lazy("exposed"),
    "others": gettext_lazy("Others"),
    "suspect": gettext_lazy("Suspected"),
    "threshold": gettext_lazy("Threshold"),
    "onset": gettext_lazy("Onset"),
    "ewma": gettext_lazy("Moving average (EWMA)"),
    "lower_limit": gettext_lazy("Lower limit"),
    "upper_limit": gettext_lazy("Upper limit"),
    "hours": gettext_lazy("Hours"),
    "age_commissioning": gettext_lazy("Hours since commissioning"),
    "age_maintenance": gettext_lazy("Hours since maintenance"),
    "age_calibration": gettext_lazy("Hours since calibration"),
    "age_tool_change": gettext_lazy("Hours since tool change"),
    "this_group": gettext_lazy("This group"),
    "elsewhere": gettext_lazy("Others of the class"),
    "across": gettext_lazy("Across the image"),
    "down": gettext_lazy("Down the image"),
    "units": gettext_lazy("Units"),
    "defects": gettext_lazy("Defects"),
    "cumulative": gettext_lazy("Cumulative share"),
    "yield": gettext_lazy("First-pass yield"),
    "kind_lot": gettext_lazy("Lot"),
    "kind_equipment": gettext_lazy("Machine"),
    "kind_operator": gettext_lazy("Operator"),
    "kind_shift": gettext_lazy("Shift"),
    "kind_tool": gettext_lazy("Tool"),
    "kind_supplier": gettext_lazy("Supplier"),
}


def chart_words() -> dict[str, str]:
    return {key: str(word) for key, word in WORDS.items()}
