"""What happened to every unit: genealogy and process history.

Rows come from the MES in bulk and are kept for years, so every table carries just the
indexes that a query in `selectors.py` or a natural key needs.
"""

from __future__ import annotations

from django.db import models

from traceability.catalog.models import (
    CodeField,
    Equipment,
    ExternallyNamed,
    Line,
    Material,
    Operation,
    Product,
    Site,
    Supplier,
)


class Batch(ExternallyNamed):
    """A production order or campaign of one product."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="batches")
    number = CodeField()
    product = models.ForeignKey(
        Product, models.PROTECT, null=True, blank=True, related_name="batches"
    )
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "batches"
        constraints = [
            models.UniqueConstraint(fields=["site", "number"], name="batch_natural_key")
        ]

    def __str__(self) -> str:
        return self.number


class Unit(ExternallyNamed):
    """One product with a serial number.

    `registered` is false for a placeholder: a camera saw it before the MES told of it.
    """

    site = models.ForeignKey(Site, models.CASCADE, related_name="units")
    serial = CodeField()
    product = models.ForeignKey(
        Product, models.PROTECT, null=True, blank=True, related_name="units"
    )
    batch = models.ForeignKey(
        Batch, models.PROTECT, null=True, blank=True, related_name="units"
    )
    line = models.ForeignKey(
        Line, models.PROTECT, null=True, blank=True, related_name="units"
    )
    completed_at = models.DateTimeField(null=True, blank=True)
    registered = models.BooleanField(default=True)
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "serial"], name="unit_natural_key")
        ]
        indexes = [
            models.Index(fields=["line", "completed_at"], name="unit_line_completed")
        ]

    def __str__(self) -> str:
        return self.serial


class OperationRun(ExternallyNamed):
    """One pass of a unit through an operation; rework is the next `run_no`.

    `readings` is touched only through `production/readings.py`.
    """

    unit = models.ForeignKey(Unit, models.CASCADE, related_name="operation_runs")
    operation = models.ForeignKey(Operation, models.PROTECT, related_name="runs")
    run_no = models.PositiveSmallIntegerField(default=1)
    equipment = models.ForeignKey(
        Equipment, models.PROTECT, null=True, blank=True, related_name="runs"
    )
    operator = models.CharField(max_length=100, blank=True)
    shift = models.CharField(max_length=50, blank=True)
    tool = models.CharField(max_length=100, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    readings = models.JSONField(default=dict, blank=True)
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "operation", "run_no"], name="run_natural_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.unit} {self.operation} #{self.run_no}"


class MaterialLot(ExternallyNamed):
    site = models.ForeignKey(Site, models.CASCADE, related_name="material_lots")
    material = models.ForeignKey(Material, models.PROTECT, related_name="lots")
    number = CodeField()
    supplier = models.ForeignKey(
        Supplier, models.PROTECT, null=True, blank=True, related_name="lots"
    )
    produced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "material", "number"], name="lot_natural_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.material} {self.number}"


class Consumption(ExternallyNamed):
    """An edge of the genealogy: a unit took material of a lot at an operation."""

    unit = models.ForeignKey(Unit, models.CASCADE, related_name="consumptions")
    operation = models.ForeignKey(
        Operation, models.PROTECT, related_name="consumptions"
    )
    lot = models.ForeignKey(MaterialLot, models.PROTECT, related_name="consumptions")
    quantity = models.FloatField(null=True, blank=True)
    consumed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "operation", "lot"], name="consumption_natural_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.lot} → {self.unit}"


class EquipmentEvent(ExternallyNamed):
    """Maintenance, calibration, a tool change: what resets or changes a machine."""

    equipment = models.ForeignKey(Equipment, models.CASCADE, related_name="events")
    at = models.DateTimeField()
    kind = CodeField(max_length=50)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["equipment", "at", "kind"], name="equipment_event_natural_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.equipment} {self.kind} {self.at:%Y-%m-%d}"
