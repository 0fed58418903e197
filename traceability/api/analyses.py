"""Ask for an analysis, follow its job, read what it found."""

from __future__ import annotations

from django.db.models import F, OuterRef, Prefetch, QuerySet, Subquery
from django.shortcuts import get_object_or_404
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from traceability.accounts.models import Scope
from traceability.api.pagination import ReceivedOrder
from traceability.api.permissions import key_of, sites_visible
from traceability.api.serializers import (
    ErrorSerializer,
    JobSerializer,
    ProblemSerializer,
)
from traceability.attribution.models import AnalysisRun, Cause, Problem
from traceability.attribution.services import request_analysis
from traceability.catalog.models import Line
from traceability.inspection.filters import YesNoFilter
from traceability.jobs.models import Job


class AnalyseView(APIView):
    """Analyse a line now."""

    write_scope = Scope.INGEST

    @extend_schema(
        summary="Analyse a line now",
        tags=["causes"],
        request=None,
        responses={202: JobSerializer, "4XX": ErrorSerializer},
    )
    def post(self, request: Request, line: str) -> Response:
        found = get_object_or_404(Line, site=key_of(request).site_id, code=line)
        job = request_analysis(found, at_once=True)
        data = JobSerializer(job, context={"request": request}).data
        return Response(
            data, status.HTTP_202_ACCEPTED, headers={"Location": data["url"]}
        )


class JobView(generics.RetrieveAPIView[Job]):
    """The state of a job of one of the caller's sites."""

    serializer_class = JobSerializer
    write_scope = Scope.INGEST

    queryset = Job.objects.none()

    def get_queryset(self) -> QuerySet[Job]:
        sites = sites_visible(self.request).values("pk")
        return Job.objects.filter(tenant__in=sites)


class ProblemFilter(filters.FilterSet):  # type: ignore[misc]
    line = filters.CharFilter("run__line__code")
    run = filters.UUIDFilter("run")
    defect_class = filters.CharFilter("defect_class__code")
    question = filters.ChoiceFilter(choices=Problem.Question.choices)
    latest = YesNoFilter(
        method="only_latest", label="only the newest analysis of each line"
    )

    def only_latest(
        self, queryset: QuerySet[Problem], name: str, value: bool
    ) -> QuerySet[Problem]:
        runs = AnalysisRun.objects.filter(line=OuterRef("run__line"))
        newest = runs.order_by("-finished_at").values("pk")[:1]
        return queryset.filter(run=Subquery(newest)) if value else queryset


class NewestRun(ReceivedOrder):
    ordering = "-analysed_at"


def problems_of(request: Request) -> QuerySet[Problem]:
    """The problems this caller may see, with their causes."""
    return (
        Problem.objects.filter(run__line__site__in=sites_visible(request))
        .annotate(analysed_at=F("run__finished_at"))
        .select_related("run__line", "defect_class")
        .prefetch_related(Prefetch("causes", Cause.objects.order_by("chronic", "rank")))
    )


class ProblemsView(generics.ListAPIView[Problem]):
    """Problems and their ranked causes; `latest=true` for the newest analyses."""

    serializer_class = ProblemSerializer
    filterset_class = ProblemFilter
    pagination_class = NewestRun
    write_scope = Scope.INGEST

    queryset = Problem.objects.none()

    def get_queryset(self) -> QuerySet[Problem]:
        return problems_of(self.request)


class ProblemView(generics.RetrieveAPIView[Problem]):
    serializer_class = ProblemSerializer
    write_scope = Scope.INGEST

    queryset = Problem.objects.none()

    def get_queryset(self) -> QuerySet[Problem]:
        return problems_of(self.request)
