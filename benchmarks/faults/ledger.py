"""What became of every photo: asked of the database, set against the cameras' notes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.faults.cameras import Shot
from benchmarks.faults.photos import expected
from tests.factory import Factory

ASK = "from benchmarks.faults.ledger import tell; tell()"
FINISHED, FAILED = "inspection.finished", "inspection.failed"


@dataclass
class Record:
    """All that the database has under one photo's key. `finished_at` is infinite for
    an inspection without a result.
    """

    inspections: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    finished_at: float = float("inf")
    defects: list[tuple[str, int, int]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    jobs: list[tuple[str, int]] = field(default_factory=list)


def tell() -> None:
    """Print every photo's record as JSON. Run in the site's environment."""
    import django

    django.setup()
    print(json.dumps({key: vars(one) for key, one in _read().items()}))


def ask(factory: Factory) -> dict[str, Record]:
    """The records of a site by their photos' keys."""
    return {key: Record(**one) for key, one in json.loads(factory.run(ASK)).items()}


def _read() -> dict[str, Record]:
    from traceability.inspection.models import Defect, Inspection
    from traceability.jobs.models import Job
    from traceability.outbox.models import Event

    records: dict[str, Record] = {}
    of: dict[str, Record] = {}
    for one in Inspection.objects.select_related("image"):
        record = records.setdefault(str(one.image.idempotency_key), Record())
        of[str(one.pk)] = record
        record.inspections.append(str(one.pk))
        record.states.append(one.state)
        record.codes.append(one.error_code)
        if one.finished_at:
            record.finished_at = one.finished_at.timestamp()
    places = Defect.objects.values_list("inspection", "defect_class__code", "x", "y")
    for pk, name, x, y in places:
        of[str(pk)].defects.append((name, round(x), round(y)))
    for kind, told in Event.objects.values_list("kind", "payload"):
        if kind in (FINISHED, FAILED):
            of[told["inspection"]].events.append(kind)
    jobs = Job.objects.filter(queue="inspect")
    for about, state, attempts in jobs.values_list("arguments", "state", "attempts"):
        of[about["inspection"]].jobs.append((state, attempts))
    return records


def check(shots: Iterable[Shot], records: dict[str, Record]) -> dict[str, Any]:
    """Photos by what became of them; `lost`, `double`, `wrong` name keys."""
    shots = list(shots)
    good = [shot for shot in shots if not shot.poison]
    poison = [shot for shot in shots if shot.poison]
    nothing = Record()
    found = {shot.key: records.get(shot.key, nothing) for shot in shots}
    attempts = Counter(tries for s in good for _, tries in found[s.key].jobs)
    return {
        "photos": len(good),
        "lost": [s.key for s in good if "done" not in found[s.key].states],
        "double": [s.key for s in shots if is_double(found[s.key])],
        "wrong": [s.key for s in good if _is_wrong(s, found[s.key])],
        "unknown": sorted(set(records) - set(found)),
        "by_attempts": {str(n): count for n, count in sorted(attempts.items())},
        "poison": len(poison),
        "poison_not_quarantined": [
            s.key for s in poison if not _is_quarantined(found[s.key])
        ],
    }


def is_double(record: Record) -> bool:
    """Whether anything is there twice, or told twice."""
    rows = (record.inspections, record.defects, record.events, record.jobs)
    return any(len(some) > 1 for some in rows)


def _is_wrong(shot: Shot, record: Record) -> bool:
    """A result that is another photo's, that was not told, or not what was answered."""
    place = [tuple(one) for one in record.defects]
    return (
        place != [expected(shot.number)]
        or record.inspections != [shot.inspection]
        or record.events != [FINISHED]
    )


def _is_quarantined(record: Record) -> bool:
    return (
        [tuple(job) for job in record.jobs] == [("quarantined", 3)]
        and record.codes == ["worker_lost"]
        and record.events == [FAILED]
    )
