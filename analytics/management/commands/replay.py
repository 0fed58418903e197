"""`manage.py replay`: run stored analyses again and compare what comes out."""

from __future__ import annotations

import sys
import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from traceability.attribution.models import AnalysisRun


class Command(BaseCommand):
    help = (
        "Runs stored analyses again on what they saw and compares the hashes. "
        "One line for each; exit code 1 when one of them is not reproduced."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("runs", nargs="*", type=uuid.UUID, metavar="RUN_ID")
        parser.add_argument("--last", type=int, metavar="N", help="the newest N runs")

    def handle(self, *args: Any, **options: Any) -> None:
        # The help needs neither pandas nor scipy.
        from analytics.replay import replay

        failed = 0
        for run in _chosen(options["runs"], options["last"]):
            said = replay(run)
            failed += not said.same
            self.stdout.write(f"{run.pk}  {said.text}")
            self.stdout.flush()
        if failed:
            sys.exit(1)


def _chosen(ids: list[uuid.UUID], last: int | None) -> list[AnalysisRun]:
    """The runs asked for, in the order asked for."""
    if bool(ids) == (last is not None):
        raise CommandError("Name runs, or give --last N.")
    if last is not None:
        if last < 1:
            raise CommandError("--last takes a number from 1 on.")
        return list(AnalysisRun.objects.order_by("-finished_at")[:last])
    known = AnalysisRun.objects.in_bulk(ids)
    for missing in [pk for pk in ids if pk not in known]:
        raise CommandError(f"There is no analysis {missing}.")
    return [known[pk] for pk in ids]
