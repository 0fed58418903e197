"""One row of each bulk address, field by field: what the API documents and checks.

References are natural keys: `unit` is a serial, `lot` a number (with its `material`).
Only the fields that a row holds are changed; the key fields must be there.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from traceability.catalog.models import code_validator
from traceability.lib.moments import check_plausible
from traceability.production import readings


def check_decoded(text: str) -> None:
    """Refuse what was not UTF-8: two garbled serials could become one unit."""
    if "\N{REPLACEMENT CHARACTER}" in text:
        raise serializers.ValidationError("The text is not UTF-8; send it as UTF-8.")


class Code(serializers.CharField):
    """A natural key of 1 to 100 visible characters."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 100)
        super().__init__(**kwargs)
        self.validators += [code_validator, check_decoded]


class Text(serializers.CharField):
    """An optional text, null for none; DRF refuses NUL and over-long ones."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, allow_blank=True, allow_null=True, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return super().run_validation("" if data is None else data)


class Reference(Code):
    """An optional natural key of something else; null takes the reference away."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, allow_null=True, **kwargs)


class Moment(serializers.DateTimeField):
    """ISO 8601 with a zone: a time without one would be read differently tomorrow.

    Years far away are typing errors, and no analysis could take them.
    """

    def enforce_timezone(self, value: Any) -> Any:
        if value.tzinfo is None:
            raise serializers.ValidationError(
                "The time has no zone; write 2026-03-11T08:00:00+08:00 or …Z."
            )
        check_plausible(value)
        return super().enforce_timezone(value)


class OptionalMoment(Moment):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, allow_null=True, **kwargs)


class Row(serializers.Serializer[Any]):
    """A row that refuses what it does not know: a misspelt field must not be lost."""

    external_id = Text(max_length=200)
    objects: frozenset[str] = frozenset()  # the fields that hold more than one value

    @classmethod
    def names(cls) -> list[str]:
        """The names of the fields, in their order."""
        return list(cls._declared_fields)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            return super().to_internal_value(data)  # says so
        unknown = set(data) - set(self.fields)
        if unknown:
            known = ", ".join(self.fields)
            raise serializers.ValidationError(
                {name: [f"Unknown field; known are {known}."] for name in unknown}
            )
        nested = [name for name in data if isinstance(data[name], dict | list)]
        wrong = [name for name in nested if name not in self.objects]
        if wrong:
            raise serializers.ValidationError(
                {name: ["Must be a single value."] for name in wrong}
            )
        return super().to_internal_value(data)


class NamedRow(Row):
    code = Code()
    name = Text(max_length=200)


class LineRow(NamedRow):
    pass


class ProductRow(NamedRow):
    pass


class MaterialRow(NamedRow):
    pass


class OperationRow(NamedRow):
    sequence = serializers.IntegerField(min_value=0, max_value=10**6, required=False)


class StationRow(NamedRow):
    line = Code()
    operation = Reference()


class EquipmentRow(NamedRow):
    line = Reference()
    operation = Reference()
    commissioned_at = OptionalMoment()


class Limit(serializers.FloatField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, allow_null=True, **kwargs)


class ParameterRow(NamedRow):
    operation = Code()
    unit_of_measure = Text(max_length=30)
    lower_limit = Limit()
    upper_limit = Limit()


class MaterialLotRow(Row):
    material = Code()
    number = Code()
    supplier = Reference()
    produced_at = OptionalMoment()


class BatchRow(Row):
    number = Code()
    product = Reference()
    started_at = OptionalMoment()
    ended_at = OptionalMoment()


class UnitRow(Row):
    serial = Code()
    product = Reference()
    batch = Reference()
    line = Reference()
    completed_at = OptionalMoment()


class Reading(serializers.FloatField):
    """A number or null; `readings.problems` checks all of a run at once."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return data


class OperationRunRow(Row):
    unit = Code()
    operation = Code()
    run_no = serializers.IntegerField(min_value=1, max_value=9999, default=1)
    equipment = Reference()
    operator = Text(max_length=100)
    shift = Text(max_length=50)
    tool = Text(max_length=100)
    started_at = OptionalMoment()
    ended_at = OptionalMoment()
    readings = serializers.DictField(child=Reading(allow_null=True), required=False)
    objects = frozenset({"readings"})

    def validate_readings(self, value: dict[str, Any]) -> dict[str, Any]:
        wrong = readings.problems(value)
        if wrong:
            raise serializers.ValidationError(wrong)
        return value


class ConsumptionRow(Row):
    unit = Code()
    operation = Code()
    material = Code()
    lot = Code()
    quantity = Limit()
    consumed_at = OptionalMoment()


class EquipmentEventRow(Row):
    equipment = Code()
    at = Moment()
    kind = Code(max_length=50)
    note = Text(max_length=500)


class ResultRow(serializers.Serializer[Any]):
    """What became of one row."""

    index = serializers.IntegerField()
    external_id = serializers.CharField()
    status = serializers.ChoiceField(["created", "updated", "unchanged", "rejected"])
    code = serializers.CharField()
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField())
    )
    hint = serializers.CharField()


class BulkAnswer(serializers.Serializer[Any]):
    results = ResultRow(many=True)
    counts = serializers.DictField(child=serializers.IntegerField())
