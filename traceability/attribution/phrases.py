"""The phrases for every code that an analysis can say, by code.

Names in braces are the statement's parameters.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

KINDS = {
    "lot": _("material lot"),
    "equipment": _("machine"),
    "operator": _("operator"),
    "shift": _("shift"),
    "tool": _("tool"),
    "supplier": _("supplier"),
    "parameter": _("process parameter"),
    "age": _("age or service interval"),
    "interaction": _("combination"),
}

# What is suspected: the heading of a card.
HEADINGS = {
    "lot": _("Lot {lot} of {material}"),
    "supplier": _("Supplier {supplier} of {material}"),
    "equipment": _("Machine {equipment} at {operation}"),
    "operator": _("Operator {operator} at {operation}"),
    "shift": _("Shift {shift} at {operation}"),
    "tool": _("Tool {tool} at {operation}"),
    "parameter_above": _(
        "{parameter} above {threshold} {unit_of_measure} at {operation}"
    ),
    "parameter_below": _(
        "{parameter} below {threshold} {unit_of_measure} at {operation}"
    ),
    "parameter_above_on_equipment": _(
        "{parameter} above {threshold} {unit_of_measure} on machine {equipment}"
    ),
    "parameter_below_on_equipment": _(
        "{parameter} below {threshold} {unit_of_measure} on machine {equipment}"
    ),
    "age_above": _("More than {hours} h since {since} at {operation}"),
    "age_above_on_equipment": _(
        "Machine {equipment}: more than {hours} h since {since}"
    ),
    "lot_on_equipment": _("Lot {lot} of {material} on machine {equipment}"),
}

# Which units are exposed to it: the end of a sentence.
EXPOSED = {
    "lot": _("units made with lot {lot} of {material}"),
    "supplier": _("units made with {material} from supplier {supplier}"),
    "equipment": _("units that ran on machine {equipment} at {operation}"),
    "operator": _("units handled by operator {operator} at {operation}"),
    "shift": _("units made by shift {shift} at {operation}"),
    "tool": _("units made with tool {tool} at {operation}"),
    "parameter_above": _(
        "units whose {parameter} at {operation} was above {threshold} {unit_of_measure}"
    ),
    "parameter_below": _(
        "units whose {parameter} at {operation} was below {threshold} {unit_of_measure}"
    ),
    "parameter_above_on_equipment": _(
        "units whose {parameter} on machine {equipment} ({operation}) was above "
        "{threshold} {unit_of_measure}"
    ),
    "parameter_below_on_equipment": _(
        "units whose {parameter} on machine {equipment} ({operation}) was below "
        "{threshold} {unit_of_measure}"
    ),
    "age_above": _("units made at {operation} more than {hours} hours after {since}"),
    "age_above_on_equipment": _(
        "units made on machine {equipment} ({operation}) more than {hours} hours "
        "after {since}"
    ),
    "lot_on_equipment": _(
        "units made with lot {lot} of {material} on machine {equipment}"
    ),
}

SINCE = {
    "maintenance": _("its last maintenance"),
    "calibration": _("its last calibration"),
    "tool_change": _("its last tool change"),
    "commissioning": _("its commissioning"),
}

# Lower limits of each word, highest first.
CONFIDENCE = (
    (0.95, pgettext_lazy("confidence", "almost certain")),
    (0.8, pgettext_lazy("confidence", "very likely")),
    (0.5, pgettext_lazy("confidence", "likely")),
    (0.2, pgettext_lazy("confidence", "possible")),
    (0.0, pgettext_lazy("confidence", "weak")),
)

# Lower limits of the share that stays unexplained, highest first.
UNEXPLAINED_OF = {
    "excursion": (
        (0.9, _("of the rise: hardly any of it is explained")),
        (0.6, _("of the rise: most of it is not explained")),
        (0.4, _("of the rise: about half of it is explained")),
        (0.1, _("of the rise: most of it is explained")),
        (0.0, _("of the rise: nearly all of it is explained")),
    ),
    "chronic": (
        (0.9, _("of the defects: they come everywhere alike")),
        (0.0, _("of the defects: no cause below goes with them")),
    ),
}

NOT_RECORDED = {
    "readings": _("no readings"),
    "lots": _("no material lots"),
    "equipment": _("no machine"),
    "equipment_events": _("no maintenance or calibration"),
    "operator": _("no operator"),
    "shift": _("no shift"),
    "tool": _("no tool"),
    "steps": _("no operation runs"),
}

# What to change for a while, with all else kept, to tell two candidates apart.
COMPARISONS = {
    "set_back_parameter": _(
        "To tell them apart, set {factor} at {operation} back for about {units} units "
        "and change nothing else."
    ),
    "do_maintenance": _(
        "To tell them apart, do the maintenance at {operation}, then watch about "
        "{units} units and change nothing else."
    ),
    "swap_shift": _(
        "To tell them apart, let another shift than {level} make about {units} units "
        "at {operation} and change nothing else."
    ),
    "swap_operator": _(
        "To tell them apart, let another operator than {level} make about {units} "
        "units at {operation} and change nothing else."
    ),
    "swap_tool": _(
        "To tell them apart, use another tool than {level} at {operation} for about "
        "{units} units and change nothing else."
    ),
    "run_lot_elsewhere": _(
        "To tell them apart, make about {units} units with another lot than {level} "
        "and change nothing else."
    ),
    "run_supplier_elsewhere": _(
        "To tell them apart, make about {units} units with {factor} of another "
        "supplier than {level} and change nothing else."
    ),
    "run_elsewhere": _(
        "To tell them apart, run about {units} units on another machine than {level} "
        "and change nothing else."
    ),
}

NOTES = {
    "too_little_data": _(
        "Too little data for a statement yet: {defective_units} defective of "
        "{inspected_units} inspected units, at least {needed_defective_units} of "
        "{needed_inspected_units} are needed."
    ),
}
