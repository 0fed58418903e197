"""Coded statements in English, for the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PHRASES: Mapping[str, str] = {
    "lot": "lot {lot} of {material}",
    "supplier": "{material} from supplier {supplier}",
    "equipment": "equipment {equipment} at {operation}",
    "operator": "operator {operator} at {operation}",
    "shift": "shift {shift} at {operation}",
    "tool": "tool {tool} at {operation}",
    "parameter_above": "{parameter} above {threshold:g} {unit_of_measure} "
    "at {operation}",
    "parameter_below": "{parameter} below {threshold:g} {unit_of_measure} "
    "at {operation}",
    "age_above": "more than {hours:g} hours since {since} at {operation}",
    "lot_on_equipment": "lot {lot} of {material} on {equipment}",
    "too_little_data": "too little data: {defective_units} defective units of "
    "{inspected_units} inspected; at least {needed_defective_units} of "
    "{needed_inspected_units} are needed",
    "nothing_to_analyse": "nothing to analyse: {units} units, {defects} defects",
    "set_back_parameter": "set {factor} back for {units} units",
    "do_maintenance": "do the maintenance at {operation}, then run {units} units",
    "swap_shift": "run {units} units in another shift than {level}",
    "swap_operator": "run {units} units with another operator than {level}",
    "swap_tool": "run {units} units with another tool than {level}",
    "run_lot_elsewhere": "run {units} units with another lot than {level}",
    "run_supplier_elsewhere": "run {units} units without supplier {level}",
    "run_elsewhere": "run {units} units on another machine than {level}",
}


def phrase(statement: Mapping[str, Any]) -> str:
    """The statement as words; a code without words is shown with its parameters."""
    code, params = str(statement["code"]), statement["params"]
    if code == "together":
        return " together with ".join(phrase(part) for part in params["parts"])
    plain = code.removesuffix("_from_onset").removesuffix("_on_equipment")
    text = PHRASES.get(code) or PHRASES.get(plain)
    if text is None:
        return " ".join([code, *(f"{key}={value}" for key, value in params.items())])
    said = " ".join(text.format_map(params).split())
    if code.endswith("_from_onset"):
        said += f", since {params['onset']}"
    if code != "lot_on_equipment" and code.endswith("_on_equipment"):
        said += f" on {params['equipment']}"
    return said
