"""Optics of stations: send them, list them, retire them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from traceability.accounts.models import Scope
from traceability.api.permissions import key_of, sites_visible
from traceability.api.serializers import ErrorSerializer, OnceEach, WarningSerializer
from traceability.ingest.rows import Code
from traceability.inspection import optics
from traceability.inspection.calibration import MOST_BYTES
from traceability.inspection.cameras import Optics
from traceability.inspection.filters import YesNoFilter
from traceability.inspection.golden import station_named
from traceability.inspection.offers import Offer, read_region, read_size

Numbers = serializers.ListField(child=serializers.FloatField())


class OpticsForm(OnceEach):
    """The multipart form of a station's optics."""

    station = Code()
    calibration = serializers.FileField(required=False, allow_empty_file=True)
    keep_calibration = serializers.BooleanField(default=False)
    width = serializers.IntegerField(required=False)
    height = serializers.IntegerField(required=False)
    region = serializers.CharField(required=False, allow_blank=True, max_length=50)
    denoise = serializers.IntegerField(default=0)


class OpticsSerializer(serializers.ModelSerializer[Optics]):
    """Optics of a station; they are active while `retired_at` is null."""

    url = serializers.SerializerMethodField()
    station = serializers.CharField(source="station.code")
    camera = serializers.SerializerMethodField()
    distortion = serializers.SerializerMethodField()
    region = serializers.SerializerMethodField()

    class Meta:
        model = Optics
        fields = [
            "id",
            "url",
            "station",
            "width",
            "height",
            "camera",
            "distortion",
            "sha256",
            "region",
            "denoise",
            "created_at",
            "retired_at",
        ]

    def get_url(self, row: Optics) -> str:
        request = self.context.get("request")
        return reverse("api:optics", [row.pk], request=request)

    @extend_schema_field(Numbers)
    def get_camera(self, row: Optics) -> list[float]:
        """fx, fy, cx, cy in pixels; empty without a calibration."""
        found: list[float] = row.camera
        return found

    @extend_schema_field(Numbers)
    def get_distortion(self, row: Optics) -> list[float]:
        """k1, k2, p1, p2, k3 … as OpenCV has them."""
        found: list[float] = row.distortion
        return found

    @extend_schema_field(serializers.ListField(child=serializers.IntegerField()))
    def get_region(self, row: Optics) -> list[int]:
        """left, top, width, height; empty for all of the photo."""
        found: list[int] = row.region
        return found


class StoredOpticsSerializer(OpticsSerializer):
    """Optics as storing them answers."""

    warnings = WarningSerializer(many=True)

    class Meta(OpticsSerializer.Meta):
        fields = [*OpticsSerializer.Meta.fields, "warnings"]


class OpticsFilter(filters.FilterSet):  # type: ignore[misc]
    station = filters.CharFilter("station__code")
    active = YesNoFilter("retired_at", lookup_expr="isnull")


class AllOpticsView(generics.ListAPIView[Optics]):
    """Optics of stations, newest first, retired ones too unless `active=true`."""

    serializer_class = OpticsSerializer
    filterset_class = OpticsFilter
    parser_classes = [MultiPartParser]
    write_scope = Scope.UPLOAD

    queryset = Optics.objects.none()

    def get_queryset(self) -> QuerySet[Optics]:
        return optics.visible(sites_visible(self.request))

    @extend_schema(
        summary="Send the optics of a station",
        tags=["camera"],
        request={"multipart/form-data": OpticsForm},
        responses={
            200: StoredOpticsSerializer,
            201: StoredOpticsSerializer,
            "4XX": ErrorSerializer,
        },
    )
    def post(self, request: Request) -> Response:
        """201 when they are the active ones now, 200 when they had been that before."""
        key = key_of(request)
        form = OpticsForm(data=request.data)
        form.is_valid(raise_exception=True)
        fields: dict[str, Any] = form.validated_data
        station = station_named(key.site_id, fields["station"])
        stored = optics.store(station, _offer(fields), key)
        context = self.get_serializer_context()
        data = OpticsSerializer(stored.optics, context=context).data
        code = status.HTTP_201_CREATED if stored.created else status.HTTP_200_OK
        headers = {"Location": data["url"]}
        return Response({**data, "warnings": stored.warnings}, code, headers=headers)


class OpticsView(generics.RetrieveAPIView[Optics]):
    """The optics of one station, as they are or were."""

    serializer_class = OpticsSerializer
    write_scope = Scope.UPLOAD

    queryset = Optics.objects.none()

    def get_queryset(self) -> QuerySet[Optics]:
        return optics.visible(sites_visible(self.request))


class RetireOpticsView(APIView):
    """Use them no more; photos that were taken with them keep them."""

    write_scope = Scope.UPLOAD

    @extend_schema(
        summary="Retire the optics of a station",
        tags=["camera"],
        request=None,
        responses={200: OpticsSerializer, "4XX": ErrorSerializer},
    )
    def post(self, request: Request, pk: Any) -> Response:
        key_of(request)
        found = get_object_or_404(optics.visible(sites_visible(request)), pk=pk)
        context = {"request": request}
        return Response(OpticsSerializer(optics.retire(found), context=context).data)


def _offer(fields: dict[str, Any]) -> Offer:
    file = fields.get("calibration")
    return Offer(
        calibration=file.read(MOST_BYTES + 1) if file is not None else None,
        keep=fields["keep_calibration"],
        size=read_size(fields.get("width"), fields.get("height")),
        region=read_region(fields.get("region", "")),
        denoise=fields["denoise"],
    )
