"""What a site consists of: the master data, in the words of ISA-95.

Every row belongs to a site and is named by a natural key that the MES knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from traceability.lib.zones import nearest_zone, zone_or_utc

code_validator = RegexValidator(
    r"^[^\x00-\x1f\x7f]+\Z", _("A code must not contain control characters.")
)


MAX_CODE = 100


if TYPE_CHECKING:
    _CharField = models.CharField[str, str]
else:
    _CharField = models.CharField


class CodeField(_CharField):
    """A natural key: at most 100 characters, none of them invisible."""

    default_validators = [code_validator]

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("max_length", MAX_CODE)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]


def validate_time_zone(name: str) -> None:
    """Refuse what is no time zone, naming the one that was probably meant."""
    nearest = nearest_zone(name)
    if nearest != name:
        text = _("There is no time zone “%(name)s”. Did you mean %(nearest)s?")
        raise ValidationError(text, params={"name": name, "nearest": nearest})


class ExternallyNamed(models.Model):
    """Something an MES names: `external_id` is its id there, kept for tracing."""

    external_id = models.CharField(max_length=200, blank=True)

    class Meta:
        abstract = True


class Site(models.Model):
    """A factory: the root of everything, and the border of what a user may see."""

    code = CodeField(unique=True)
    name = models.CharField(max_length=200)
    time_zone = models.CharField(
        max_length=50, default="UTC", validators=[validate_time_zone]
    )

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        """The factory's clock; UTC where a name was stored that is none."""
        return zone_or_utc(self.time_zone)


class Line(ExternallyNamed):
    site = models.ForeignKey(Site, models.CASCADE, related_name="lines")
    code = CodeField()
    name = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="line_natural_key")
        ]

    def __str__(self) -> str:
        return self.name or self.code


class Operation(ExternallyNamed):
    """A step of the route; `sequence` is its place in it."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="operations")
    code = CodeField()
    name = models.CharField(max_length=200, blank=True)
    sequence = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["sequence", "code"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "code"], name="operation_natural_key"
            )
        ]

    def __str__(self) -> str:
        return self.name or self.code


class Station(ExternallyNamed):
    """A place on a line where a camera looks at units."""

    line = models.ForeignKey(Line, models.CASCADE, related_name="stations")
    code = CodeField()
    name = models.CharField(max_length=200, blank=True)
    operation = models.ForeignKey(
        Operation, models.SET_NULL, null=True, blank=True, related_name="stations"
    )
    # Repeated from the line, so that the database itself keeps codes unique in a site.
    site = models.ForeignKey(Site, models.CASCADE, related_name="stations")

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="station_natural_key")
        ]

    def __str__(self) -> str:
        return self.name or self.code


class Product(ExternallyNamed):
    site = models.ForeignKey(Site, models.CASCADE, related_name="products")
    code = CodeField()
    name = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="product_natural_key")
        ]

    def __str__(self) -> str:
        return self.name or self.code


class Equipment(ExternallyNamed):
    """A machine. Its age counts from `commissioned_at`, its wear from its events."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="equipment")
    code = CodeField()
    name = models.CharField(max_length=200, blank=True)
    line = models.ForeignKey(
        Line, models.SET_NULL, null=True, blank=True, related_name="equipment"
    )
    operation = models.ForeignKey(
        Operation, models.SET_NULL, null=True, blank=True, related_name="equipment"
    )
    commissioned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["code"]
        verbose_name_plural = "equipment"
        constraints = [
            models.UniqueConstraint(
                fields=["site", "code"], name="equipment_natural_key"
            )
        ]

    def __str__(self) -> str:
        return self.name or self.code


class ProcessParameter(ExternallyNamed):
    """A reading that an operation takes, with its specification limits."""

    operation = models.ForeignKey(Operation, models.CASCADE, related_name="parameters")
    code = CodeField()
    name = models.CharField(max_length=200, blank=True)
    unit_of_measure = models.CharField(max_length=30, blank=True)
    lower_limit = models.FloatField(null=True, blank=True)
    upper_limit = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["operation", "code"]
        constraints = [
            models.UniqueConstraint(
                fields=["operation", "code"], name="parameter_natural_key"
            ),
            models.CheckConstraint(
                condition=models.Q(lower_limit__isnull=True)
                | models.Q(upper_limit__isnull=True)
                | models.Q(lower_limit__lte=models.F("upper_limit")),
                name="parameter_limits_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.code


class Supplier(ExternallyNamed):
    site = models.ForeignKey(Site, models.CASCADE, related_name="suppliers")
    code = CodeField()
    name = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "code"], name="supplier_natural_key"
            )
        ]

    def __str__(self) -> str:
        return self.name or self.code


class Material(ExternallyNamed):
    site = models.ForeignKey(Site, models.CASCADE, related_name="materials")
    code = CodeField()
    name = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "code"], name="material_natural_key"
            )
        ]

    def __str__(self) -> str:
        return self.name or self.code


class DefectClass(models.Model):
    """A kind of defect, known by the code that the detector gives it."""

    code = CodeField(unique=True)
    name_en = models.CharField(max_length=200, blank=True)
    name_zh = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["code"]
        verbose_name_plural = "defect classes"

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name in the language of the reader."""
        chinese = (get_language() or "").startswith("zh")
        return (self.name_zh if chinese else self.name_en) or self.code
