"""`manage.py export_bundle`: a line's records as a folder for `python -m analytics`."""

from __future__ import annotations

import uuid
from argparse import ArgumentParser
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from traceability.attribution.models import AnalysisRun
from traceability.attribution.snapshots import folder_of
from traceability.catalog.models import Line

if TYPE_CHECKING:
    from analytics.core.frames import Bundle


class Command(BaseCommand):
    help = (
        "Writes what is recorded about the units inspected on a line as an analysis "
        "bundle. Without a time: as far back as an analysis looks."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--line", required=True, metavar="CODE")
        parser.add_argument(
            "--site", metavar="CODE", help="where several have the line"
        )
        parser.add_argument("--from", dest="start", type=_moment, metavar="TIME")
        parser.add_argument("--to", dest="end", type=_moment, metavar="TIME")
        parser.add_argument(
            "--run", type=uuid.UUID, metavar="RUN_ID", help="what that analysis saw"
        )
        parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
        parser.add_argument("--format", choices=("parquet", "csv"), default="parquet")

    def handle(self, *args: Any, **options: Any) -> None:
        from analytics.core.errors import BundleError
        from analytics.export import ExportError, export_bundle

        line = _line(options["line"], options["site"])
        try:
            bundle = _bundle(line, options)
            export_bundle(bundle, options["out"], options["format"])
        except (ExportError, BundleError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{options['out']}: {len(bundle.units)} units, "
            f"{len(bundle.defects)} defects, {len(bundle.columns)} parameters"
        )


def _moment(text: str) -> datetime:
    """A day or a time; without a zone it is the site's own (`CAUSELINE_TIME_ZONE`)."""
    day = parse_date(text)
    at = datetime(day.year, day.month, day.day) if day else parse_datetime(text)  # noqa: DTZ001
    if at is None:
        raise ValueError(text)
    return at if at.tzinfo else timezone.make_aware(at)


def _line(code: str, site: str | None) -> Line:
    lines = Line.objects.filter(code=code).select_related("site")
    found = list(lines.filter(site__code=site) if site else lines)
    if not found:
        known = ", ".join(Line.objects.values_list("code", flat=True)) or "none"
        raise CommandError(f"There is no line {code!r}. There are: {known}.")
    if len(found) > 1:
        sites = ", ".join(line.site.code for line in found)
        raise CommandError(
            f"Several sites have a line {code!r}: name --site ({sites})."
        )
    return found[0]


def _bundle(line: Line, options: dict[str, Any]) -> Bundle:
    from analytics.bundle import read_bundle
    from analytics.loaders import Window, load_line

    start, end = options["start"], options["end"]
    if options["run"] is None:
        return load_line(line, Window(*_window(start, end)))
    if start or end:
        raise CommandError("Give --run, or --from and --to, not both.")
    return read_bundle(_seen_by(line, options["run"]))


def _window(start: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
    end = end or timezone.now() + timedelta(hours=settings.CAPTURED_AHEAD_HOURS)
    start = start or min(end, timezone.now()) - timedelta(
        days=settings.ANALYSIS_WINDOW_DAYS
    )
    if start >= end:
        raise CommandError("--from must be before --to.")
    return start, end


def _seen_by(line: Line, pk: uuid.UUID) -> Path:
    run = AnalysisRun.objects.filter(pk=pk, line=line).first()
    if run is None:
        raise CommandError(f"There is no analysis {pk} of line {line.code}.")
    folder = folder_of(run)
    if folder is None:
        raise CommandError(f"What analysis {pk} saw is not kept any more.")
    return folder
