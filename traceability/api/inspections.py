"""Upload photos, read inspections back."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from traceability.accounts.models import Scope
from traceability.api.permissions import key_of, sites_visible
from traceability.api.serializers import (
    AcceptedSerializer,
    ErrorSerializer,
    InspectionSerializer,
    UploadForm,
)
from traceability.api.waiting import place, wanted_seconds
from traceability.inspection.filters import InspectionFilter
from traceability.inspection.models import Inspection, InspectionState
from traceability.inspection.services import accept
from traceability.inspection.uploads import Accepted, Upload, with_result
from traceability.lib.errors import BadInput, TooLarge
from traceability.lib.measures import WAITS, Laps
from traceability.lib.trace import continue_trace, current_trace
from traceability.lib.wakeup import wait

WITH_RESULTS = (
    "image__unit",
    "image__station__line",
    "model_version",
)
MAX_KEY = 255
# Made once: validation keeps nothing in it, and DRF copies the fields of each new one.
FORM = UploadForm()


def inspections_of(request: Request) -> QuerySet[Inspection]:
    """The inspections this caller may see, with all that the serializer shows."""
    return (
        Inspection.objects.filter(image__site__in=sites_visible(request))
        .select_related(*WITH_RESULTS)
        .prefetch_related("defects__defect_class")
    )


class InspectionsView(generics.ListAPIView[Inspection]):
    """List inspections, newest first; take a photo in."""

    serializer_class = InspectionSerializer
    filterset_class = InspectionFilter
    parser_classes = [MultiPartParser]
    write_scope = Scope.UPLOAD

    queryset = Inspection.objects.none()

    def get_queryset(self) -> QuerySet[Inspection]:
        return inspections_of(self.request)

    @extend_schema(
        summary="Upload a photo for inspection",
        tags=["camera"],
        request={"multipart/form-data": UploadForm},
        parameters=[
            OpenApiParameter("Prefer", str, "header", description="wait=N seconds"),
            OpenApiParameter("Idempotency-Key", str, "header"),
            OpenApiParameter(
                "traceparent", str, "header", description="W3C Trace Context"
            ),
        ],
        responses={
            200: AcceptedSerializer,
            201: AcceptedSerializer,
            202: AcceptedSerializer,
            "4XX": ErrorSerializer,
            507: ErrorSerializer,
        },
    )
    def post(self, request: Request) -> Response:
        key = key_of(request)
        laps = Laps(current_trace().began)
        upload = _read_form(request, laps)
        seconds = wanted_seconds(request)
        with place(wanted=bool(seconds)) as waits:
            accepted = accept(key, upload)
            if waits and accepted.inspection.state == InspectionState.PENDING:
                _wait(accepted.inspection, seconds)
        laps.skip()
        answer = self._answer(accepted, waits=waits)
        laps.lap("answer")
        laps.observe()
        return answer

    def _answer(self, accepted: Accepted, *, waits: bool) -> Response:
        """200 for what was sent before, 201 with a result, 202 while it is coming."""
        inspection = accepted.inspection
        if waits or not accepted.created:
            inspection = with_result(inspection)
        if not accepted.created and inspection.trace_id:
            continue_trace(inspection.trace_id)
        body = InspectionSerializer(inspection, context=self.get_serializer_context())
        data = {**body.data, "warnings": accepted.warnings}
        headers = {"Location": data["url"]}
        done = inspection.state != InspectionState.PENDING
        created = status.HTTP_201_CREATED if done else status.HTTP_202_ACCEPTED
        code = created if accepted.created else status.HTTP_200_OK
        if waits:
            headers["Preference-Applied"] = "wait"
        return Response(data, status=code, headers=headers)


class InspectionView(generics.RetrieveAPIView[Inspection]):
    """One inspection with its defects."""

    serializer_class = InspectionSerializer
    write_scope = Scope.UPLOAD

    queryset = Inspection.objects.none()

    def get_queryset(self) -> QuerySet[Inspection]:
        return inspections_of(self.request)


def _wait(inspection: Inspection, seconds: int) -> None:
    woken = wait(inspection.pk, seconds)
    WAITS.labels("woken" if woken else "late").inc()


def _read_form(request: Request, laps: Laps) -> Upload:
    fields: dict[str, Any] = FORM.run_validation(request.data)
    template = fields.get("image_of_template")
    upload = Upload(
        image=read_file(fields["image"], "image"),
        serial=fields["serial"],
        station=fields["station"],
        captured_at=fields["captured_at"],
        external_id=fields.get("external_id"),
        idempotency_key=_idempotency_key(request),
        image_of_template=template and read_file(template, "image_of_template"),
        trace_id=current_trace().id,
        laps=laps,
    )
    laps.lap("receive")
    return upload


def read_file(file: UploadedFile, name: str) -> bytes:
    """Its bytes; TooLarge, naming the field, before they are read."""
    if (file.size or 0) > settings.MAX_IMAGE_BYTES:
        text = f"The file has {file.size} bytes."
        raise TooLarge(
            text,
            code="image_too_large",
            hint=f"Send at most {settings.MAX_IMAGE_BYTES // 2**20} MB.",
            fields={name: [text]},
        )
    data: bytes = file.read()
    return data


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 0 < len(key) <= MAX_KEY:
        text = f"An Idempotency-Key has 1 to {MAX_KEY} characters."
        raise BadInput(text, fields={"Idempotency-Key": [text]})
    return key
