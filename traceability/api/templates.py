"""Golden templates: send one, list them, retire one."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from traceability.accounts.models import Scope
from traceability.api.inspections import read_file
from traceability.api.permissions import key_of, sites_visible
from traceability.api.serializers import (
    ErrorSerializer,
    TemplateForm,
    TemplateSerializer,
)
from traceability.inspection import golden
from traceability.inspection.filters import YesNoFilter
from traceability.inspection.models import GoldenTemplate


class TemplateFilter(filters.FilterSet):  # type: ignore[misc]
    product = filters.CharFilter("product__code")
    station = filters.CharFilter("station__code")
    active = YesNoFilter("retired_at", lookup_expr="isnull")


class TemplatesView(generics.ListAPIView[GoldenTemplate]):
    """Golden templates, newest first, retired ones too unless `active=true`."""

    serializer_class = TemplateSerializer
    filterset_class = TemplateFilter
    parser_classes = [MultiPartParser]
    write_scope = Scope.UPLOAD

    queryset = GoldenTemplate.objects.none()

    def get_queryset(self) -> QuerySet[GoldenTemplate]:
        return golden.visible(sites_visible(self.request))

    @extend_schema(
        summary="Send the golden template of a product at a station",
        tags=["camera"],
        request={"multipart/form-data": TemplateForm},
        responses={
            200: TemplateSerializer,
            201: TemplateSerializer,
            "4XX": ErrorSerializer,
            507: ErrorSerializer,
        },
    )
    def post(self, request: Request) -> Response:
        """201 when it is the active one now, 200 when it had been that before."""
        key = key_of(request)
        stored = golden.store(key, _read_form(request))
        data = TemplateSerializer(
            stored.template, context=self.get_serializer_context()
        ).data
        code = status.HTTP_201_CREATED if stored.created else status.HTTP_200_OK
        return Response(data, status=code, headers={"Location": data["url"]})


class TemplateView(generics.RetrieveAPIView[GoldenTemplate]):
    """One golden template."""

    serializer_class = TemplateSerializer
    write_scope = Scope.UPLOAD

    queryset = GoldenTemplate.objects.none()

    def get_queryset(self) -> QuerySet[GoldenTemplate]:
        return golden.visible(sites_visible(self.request))


class RetireView(APIView):
    """Use a template no more; photos that were seen with it keep it."""

    write_scope = Scope.UPLOAD

    @extend_schema(
        summary="Retire a golden template",
        tags=["camera"],
        request=None,
        responses={200: TemplateSerializer, "4XX": ErrorSerializer},
    )
    def post(self, request: Request, pk: Any) -> Response:
        key_of(request)
        found = get_object_or_404(golden.visible(sites_visible(request)), pk=pk)
        context = {"request": request}
        return Response(TemplateSerializer(golden.retire(found), context=context).data)


def _read_form(request: Request) -> golden.Offer:
    form = TemplateForm(data=request.data)
    form.is_valid(raise_exception=True)
    fields: dict[str, Any] = form.validated_data
    return golden.Offer(
        product=fields["product"],
        station=fields["station"],
        image=read_file(fields["image"], "image"),
    )
