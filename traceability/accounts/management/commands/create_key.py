"""Make an API key for a machine."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from traceability.accounts.models import Scope
from traceability.accounts.services import create_api_key
from traceability.catalog.models import Site


class Command(BaseCommand):
    help = "Make an API key and print it; it is never shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("site", help="code of the site")
        parser.add_argument("name", help="whose key it is, e.g. 'camera AOI-1'")
        parser.add_argument(
            "--scope",
            action="append",
            choices=Scope.values,
            required=True,
            help="ingest (MES), upload (camera), read; may be repeated",
        )
        parser.add_argument(
            "--days",
            type=int,
            choices=range(1, 3651),
            metavar="1…3650",
            help="expires after so many days",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        site = Site.objects.filter(code=options["site"]).first()
        if site is None:
            known = ", ".join(Site.objects.values_list("code", flat=True)) or "none"
            raise CommandError(f"No site {options['site']!r}; there are: {known}.")
        days = options["days"]
        expires = timezone.now() + timedelta(days=days) if days else None
        scopes = [Scope(scope) for scope in options["scope"]]
        _, text = create_api_key(site, options["name"], scopes, expires)
        self.stdout.write(text)
