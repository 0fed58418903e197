"""`POST /api/v1/<resource>/bulk`: what an MES pushes."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from traceability.accounts.models import Scope
from traceability.api.permissions import key_of
from traceability.api.serializers import ErrorSerializer
from traceability.ingest.bulk import upsert
from traceability.ingest.resources import RESOURCES, Resource
from traceability.ingest.rows import BulkAnswer


class BulkView(APIView):
    """Insert or update rows by natural key; each row is answered on its own."""

    resource: Resource
    write_scope = Scope.INGEST

    def post(self, request: Request) -> Response:
        return Response(upsert(self.resource, key_of(request).site, request.data))


def bulk_view(resource: Resource) -> Any:
    """The view of one resource, documented with its own row."""
    documented = extend_schema(
        operation_id=f"{resource.name.replace('-', '_')}_bulk",
        summary=f"Upsert {resource.name}",
        tags=["mes"],
        request=resource.row(many=True),
        responses={200: BulkAnswer, "4XX": ErrorSerializer},
    )
    name = f"{resource.model.__name__}BulkView"
    view = type(name, (BulkView,), {"resource": resource})
    return extend_schema_view(post=documented)(view).as_view()  # type: ignore


VIEWS = {name: bulk_view(resource) for name, resource in RESOURCES.items()}
