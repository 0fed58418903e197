"""The names that people know, beside the codes in what an analysis says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from traceability.catalog.models import Line, Material, Operation, ProcessParameter

SUFFIX = "_name"
Json = dict[str, Any]


@dataclass(frozen=True)
class Names:
    """Names by code, of one site; what has none of its own is not in it."""

    operations: Mapping[str, str]
    parameters: Mapping[tuple[str, str], str]
    materials: Mapping[str, str]

    @classmethod
    def of(cls, line: Line) -> Names:
        operations = Operation.objects.filter(site=line.site_id).exclude(name="")
        materials = Material.objects.filter(site=line.site_id).exclude(name="")
        parameters = ProcessParameter.objects.filter(
            operation__site=line.site_id
        ).exclude(name="")
        return cls(
            dict(operations.values_list("code", "name")),
            {
                (operation, code): name
                for operation, code, name in parameters.values_list(
                    "operation__code", "code", "name"
                )
            },
            dict(materials.values_list("code", "name")),
        )

    def of_params(self, params: Mapping[str, Any]) -> Json:
        """What of a statement's parameters has a name, under `<parameter>_name`."""
        place = str(params.get("operation", ""))
        factor = str(params.get("factor", ""))
        known = {
            "operation": self.operations.get(place),
            "parameter": self.parameters.get((place, str(params.get("parameter")))),
            "material": self.materials.get(str(params.get("material"))),
            "factor": self.parameters.get((place, factor))
            or self.materials.get(factor),
        }
        return {f"{key}{SUFFIX}": name for key, name in known.items() if name}


def with_names(line: Line, result: Json) -> Json:
    """Add names to all statements of an analysis, as they are now: its permalink keeps
    them. Changes `result` and returns it.
    """
    names = Names.of(line)
    for problem in result["problems"]:
        for statement in _statements(problem):
            params = statement.get("params", {})
            params.update(names.of_params(params))
    return result


def _statements(problem: Json) -> Iterator[Json]:
    for cause in (*problem["causes"], *problem["chronic"]):
        yield cause["statement"]
        yield from cause["statement"].get("params", {}).get("parts", ())
    for group in problem["credible_sets"]:
        if group["separate_by"]:
            yield group["separate_by"]
