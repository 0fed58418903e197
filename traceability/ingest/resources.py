"""Which table each bulk address writes, by which natural key, with which references."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model

from traceability.catalog.models import (
    Equipment,
    Line,
    Material,
    Operation,
    ProcessParameter,
    Product,
    Site,
    Station,
    Supplier,
)
from traceability.ingest import rows
from traceability.production.models import (
    Batch,
    Consumption,
    EquipmentEvent,
    MaterialLot,
    OperationRun,
    Unit,
)

# SQLite takes at most 32,766 variables in a query; a chunk stays far below.
CHUNK = 5000
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Lookup:
    """How a reference is resolved: row fields → primary key of `model` in the site.

    `paths[i]` is the model path that the value of row field `fields[i]` must match.
    `create` makes what is missing (only where a bare name says everything).
    """

    model: type[Model]
    fields: tuple[str, ...]
    paths: tuple[str, ...]
    create: bool = False

    def find(self, site: Site, wanted: Iterable[Key]) -> dict[Key, int]:
        """Primary keys of the `wanted` natural keys that exist."""
        keys = sorted(set(wanted))
        found = self._find(site, keys)
        missing = [key for key in keys if key not in found]
        if self.create and missing:
            new = [dict(zip(self.paths, key, strict=True)) for key in missing]
            self.model._default_manager.bulk_create(
                [self.model(site=site, **values) for values in new],
                ignore_conflicts=True,  # somebody else may make the same just now
            )
            found.update(self._find(site, missing))
        return found

    def _find(self, site: Site, keys: list[Key]) -> dict[Key, int]:
        found: dict[Key, int] = {}
        for start in range(0, len(keys), CHUNK):
            last = [key[-1] for key in keys[start : start + CHUNK]]
            matches = self.model._default_manager.filter(
                site=site, **{f"{self.paths[-1]}__in": last}
            ).values_list("pk", *self.paths)
            found.update({tuple(match[1:]): match[0] for match in matches})
        return found


def _by_code(model: type[Model], name: str, *, create: bool = False) -> Lookup:
    return Lookup(model, (name,), ("code",), create)


UNIT = Lookup(Unit, ("unit",), ("serial",))
LINE = _by_code(Line, "line")
OPERATION = _by_code(Operation, "operation")
PRODUCT = _by_code(Product, "product")
MATERIAL = _by_code(Material, "material")
EQUIPMENT = _by_code(Equipment, "equipment")
BATCH = Lookup(Batch, ("batch",), ("number",))
LOT = Lookup(MaterialLot, ("material", "lot"), ("material__code", "number"))


@dataclass(frozen=True)
class Resource:
    """One bulk address. `key` holds the model attributes of the natural key.

    `references` maps a model attribute (`unit_id`) to its lookup. The first key
    attribute is what existing rows are searched by. `check` looks at the whole row as
    it would be stored and says what is wrong, by field.
    """

    name: str
    model: type[Model]
    row: type[rows.Row]
    key: tuple[str, ...]
    references: dict[str, Lookup] = field(default_factory=dict)
    in_site: bool = True
    check: Callable[[Any], dict[str, list[str]]] = lambda item: {}

    @property
    def plain(self) -> list[str]:
        """Row fields that are written as they are."""
        used = {name for lookup in self.references.values() for name in lookup.fields}
        return [name for name in self.row.names() if name not in used]


def _limits_in_order(parameter: ProcessParameter) -> dict[str, list[str]]:
    low, high = parameter.lower_limit, parameter.upper_limit
    if low is None or high is None or low <= high:
        return {}
    return {"lower_limit": [f"{low} is above the upper limit {high}."]}


def _times_in_order(item: Batch | OperationRun) -> dict[str, list[str]]:
    start, end = item.started_at, item.ended_at
    if start is None or end is None or start <= end:
        return {}
    return {"ended_at": [f"{end.isoformat()} is before started_at."]}


RESOURCES = {
    resource.name: resource
    for resource in (
        Resource("lines", Line, rows.LineRow, ("code",)),
        Resource("products", Product, rows.ProductRow, ("code",)),
        Resource("operations", Operation, rows.OperationRow, ("code",)),
        Resource("materials", Material, rows.MaterialRow, ("code",)),
        Resource(
            "stations",
            Station,
            rows.StationRow,
            ("code",),
            {"line_id": LINE, "operation_id": OPERATION},
        ),
        Resource(
            "equipment",
            Equipment,
            rows.EquipmentRow,
            ("code",),
            {"line_id": LINE, "operation_id": OPERATION},
        ),
        Resource(
            "parameters",
            ProcessParameter,
            rows.ParameterRow,
            ("operation_id", "code"),
            {"operation_id": OPERATION},
            in_site=False,
            check=_limits_in_order,
        ),
        Resource(
            "material-lots",
            MaterialLot,
            rows.MaterialLotRow,
            ("number", "material_id"),
            {
                "material_id": MATERIAL,
                "supplier_id": _by_code(Supplier, "supplier", create=True),
            },
        ),
        Resource(
            "batches",
            Batch,
            rows.BatchRow,
            ("number",),
            {"product_id": PRODUCT},
            check=_times_in_order,
        ),
        Resource(
            "units",
            Unit,
            rows.UnitRow,
            ("serial",),
            {"product_id": PRODUCT, "batch_id": BATCH, "line_id": LINE},
        ),
        Resource(
            "operation-runs",
            OperationRun,
            rows.OperationRunRow,
            ("unit_id", "operation_id", "run_no"),
            {
                "unit_id": UNIT,
                "operation_id": OPERATION,
                "equipment_id": EQUIPMENT,
            },
            in_site=False,
            check=_times_in_order,
        ),
        Resource(
            "consumptions",
            Consumption,
            rows.ConsumptionRow,
            ("unit_id", "operation_id", "lot_id"),
            {"unit_id": UNIT, "operation_id": OPERATION, "lot_id": LOT},
            in_site=False,
        ),
        Resource(
            "equipment-events",
            EquipmentEvent,
            rows.EquipmentEventRow,
            ("equipment_id", "at", "kind"),
            {"equipment_id": EQUIPMENT},
            in_site=False,
        ),
    )
}
