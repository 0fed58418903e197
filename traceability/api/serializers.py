"""What the API shows of inspections, jobs, analyses and problems."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from traceability.api import shown
from traceability.attribution.models import Cause, Problem
from traceability.ingest.rows import Code, Moment
from traceability.inspection.models import Defect, GoldenTemplate, Inspection
from traceability.jobs.models import Job


class OnceEach(serializers.Serializer[Any]):
    """A form of which no field may come twice: which one counts would be luck."""

    def to_internal_value(self, data: Any) -> Any:
        twice = [name for name in map(str, self.fields) if len(data.getlist(name)) > 1]
        if twice:
            text = "This field was sent more than once."
            raise serializers.ValidationError({name: [text] for name in twice})
        return super().to_internal_value(data)


class UploadForm(OnceEach):
    """The multipart form of an upload."""

    image = serializers.FileField()
    serial = Code()
    station = Code()
    captured_at = Moment()
    external_id = serializers.CharField(max_length=200, required=False)
    image_of_template = serializers.FileField(required=False)


class TemplateForm(OnceEach):
    """The multipart form of a golden template."""

    product = Code()
    station = Code()
    image = serializers.FileField()


class TemplateSerializer(serializers.ModelSerializer[GoldenTemplate]):
    """A golden template; it is active while `retired_at` is null."""

    url = serializers.SerializerMethodField()
    product = serializers.CharField(source="product.code")
    station = serializers.CharField(source="station.code")

    class Meta:
        model = GoldenTemplate
        fields = [
            "id",
            "url",
            "product",
            "station",
            "sha256",
            "width",
            "height",
            "size",
            "created_at",
            "retired_at",
        ]

    def get_url(self, template: GoldenTemplate) -> str:
        request = self.context.get("request")
        return reverse("api:template", [template.pk], request=request)


class DefectSerializer(serializers.ModelSerializer[Defect]):
    """A defect: `bbox` is [x, y, width, height] in pixels of the original image."""

    category = serializers.CharField(source="defect_class.code")
    bbox = serializers.SerializerMethodField()
    bbox_relative = serializers.SerializerMethodField()

    class Meta:
        model = Defect
        fields = ["category", "score", "bbox", "bbox_relative"]

    @extend_schema_field(serializers.ListField(child=serializers.FloatField()))
    def get_bbox(self, defect: Defect) -> list[float]:
        return [defect.x, defect.y, defect.width, defect.height]

    @extend_schema_field(serializers.ListField(child=serializers.FloatField()))
    def get_bbox_relative(self, defect: Defect) -> list[float]:
        return [
            defect.relative_x,
            defect.relative_y,
            defect.relative_width,
            defect.relative_height,
        ]


class InspectionSerializer(serializers.ModelSerializer[Inspection]):
    """Documents an inspection's fields; `shown` says what is in them."""

    serial = serializers.CharField(source="image.unit.serial")
    unit_registered = serializers.BooleanField(source="image.unit.registered")
    line = serializers.CharField(source="image.station.line.code")
    station = serializers.CharField(source="image.station.code")
    external_id = serializers.CharField(source="image.external_id", allow_null=True)
    captured_at = serializers.DateTimeField(source="image.captured_at")
    received_at = serializers.DateTimeField(source="image.received_at")
    clock_ahead = serializers.BooleanField(source="image.clock_ahead")
    width = serializers.IntegerField(source="image.width")
    height = serializers.IntegerField(source="image.height")
    has_template = serializers.BooleanField(source="image.template")
    optics = serializers.UUIDField(source="image.optics_id", allow_null=True)
    model = serializers.CharField(
        source="model_version.model", allow_null=True, default=None
    )
    version = serializers.CharField(
        source="model_version.version", allow_null=True, default=None
    )
    defects = DefectSerializer(many=True)
    url = serializers.SerializerMethodField()

    class Meta:
        model = Inspection
        fields = [
            "id",
            "url",
            "state",
            "role",
            "serial",
            "unit_registered",
            "line",
            "station",
            "external_id",
            "captured_at",
            "received_at",
            "clock_ahead",
            "width",
            "height",
            "has_template",
            "optics",
            "defective",
            "defects",
            "model",
            "version",
            "backend",
            "precision",
            "attempt",
            "timings_ms",
            "error_code",
            "error_message",
            "trace_id",
            "created_at",
            "finished_at",
        ]

    def to_representation(self, instance: Inspection) -> dict[str, Any]:
        return shown.inspection(instance, self.get_url(instance))

    def get_url(self, inspection: Inspection) -> str:
        return reverse("api:inspection", [inspection.pk], request=self._request())

    def _request(self) -> Any:
        return self.context.get("request")


class WarningSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class AcceptedSerializer(InspectionSerializer):
    """An inspection as an upload answers it."""

    warnings = WarningSerializer(many=True)

    class Meta(InspectionSerializer.Meta):
        fields = [*InspectionSerializer.Meta.fields, "warnings"]


class JobSerializer(serializers.ModelSerializer[Job]):
    url = serializers.SerializerMethodField()

    class Meta:
        model = Job
        fields = [
            "id",
            "url",
            "task",
            "state",
            "progress",
            "message",
            "error_code",
            "attempts",
            "not_before",
            "created_at",
            "started_at",
            "finished_at",
        ]

    def get_url(self, job: Job) -> str:
        return reverse("api:job", [job.pk], request=self.context.get("request"))


class CauseSerializer(serializers.ModelSerializer[Cause]):
    class Meta:
        model = Cause
        exclude = ["id", "problem"]


class ProblemSerializer(serializers.ModelSerializer[Problem]):
    """A problem with its ranked causes; those with `chronic` are the second list."""

    line = serializers.CharField(source="run.line.code")
    run = serializers.UUIDField(source="run_id")
    analysed_at = serializers.DateTimeField(source="run.finished_at")
    units = serializers.IntegerField(source="run.units")
    hypotheses = serializers.IntegerField(source="run.hypotheses")
    defect_class = serializers.CharField(source="defect_class.code")
    causes = CauseSerializer(many=True)

    class Meta:
        model = Problem
        exclude = ["overview"]


class ErrorSerializer(serializers.Serializer[Any]):
    """Every error has this shape."""

    code = serializers.CharField()
    message = serializers.CharField()
    hint = serializers.CharField(allow_blank=True)
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField())
    )
    request_id = serializers.CharField()
