"""The sweep of stored files that no row names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice

from django.db.models import Q

from traceability.inspection import media
from traceability.inspection.models import GoldenTemplate, Image

CHUNK = 400


def sweep_orphans(older_than: timedelta = timedelta(hours=1)) -> int:
    """Delete stored files that no row names; returns how many.

    They are left by a process that died between file and row. Only recent days are
    looked at: what has been swept once does not become an orphan later.
    """
    swept = 0
    for names in _chunks(media.recent_files(older_than)):
        for name in set(names) - named(names):
            media.remove(name)
            swept += 1
    return swept


def named(names: Sequence[str]) -> set[str]:
    """Those of the files that a photo, or a golden template, retired or not, names.

    Many photos may name one template: whoever deletes a photo asks here before its
    template goes.
    """
    photos = Image.objects.filter(Q(file__in=names) | Q(template__in=names))
    kept = {name for pair in photos.values_list("file", "template") for name in pair}
    golden = GoldenTemplate.objects.filter(file__in=names)
    return kept | set(golden.values_list("file", flat=True))


def _chunks(names: Iterator[str]) -> Iterator[list[str]]:
    while chunk := list(islice(names, CHUNK)):
        yield chunk
