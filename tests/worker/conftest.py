from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.utils import timezone

from inference_worker import ledger
from inference_worker.adoption import adopt
from inference_worker.batcher import Batcher
from inference_worker.desk import Desk
from inference_worker.isolation import Aside
from inference_worker.ladder.climber import Climber
from inference_worker.ladder.ladder import Ladder
from inference_worker.ladder.record import Record
from inference_worker.ladder.rungs import Rung
from inference_worker.ladder.workshop import Recipe, Workshop
from inference_worker.leases import Leases
from inference_worker.telling import Teller
from inference_worker.worker import bucket
from tests.engine.toy import write_toy
from traceability.catalog.models import Line, Site, Station
from traceability.inspection.models import Image, Inspection
from traceability.jobs.models import Job
from traceability.jobs.services import enqueue
from traceability.jobs.slots import take_slot
from traceability.production.models import Unit


@pytest.fixture(scope="session")
def toy_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that adopted the toy model."""
    folder = tmp_path_factory.mktemp("toy")
    write_toy(folder / "released")
    adopt(folder / "released", folder / "data", shipped=True)
    return folder / "data"


@pytest.fixture
def media(tmp_path: Path) -> Path:
    return tmp_path


@contextmanager
def opened(
    model: str,
    data: Path,
    media: Path,
    rungs: Sequence[Rung] = (Rung("openvino", required=True),),
) -> Iterator[Desk]:
    """A desk in a slot of its own, closed at the end."""
    slot = take_slot("inspect")
    workshop = Workshop(Recipe.of(data, model, "f32", threads=1))
    teller = Teller(slot.place)
    record = Record(media / "ladder.json")
    ladder = Ladder(rungs, workshop, record, tell=teller.tell)
    ladder.start()
    batcher = Batcher(ladder, bucket=bucket(workshop.manifest))
    desk = Desk(
        model=model,
        apart=Aside(rungs[-1], workshop.recipe),
        media=media,
        leases=Leases(slot, seconds=0.1),
        batcher=batcher,
        climber=Climber(ladder, batcher.thread.between),
        teller=teller,
        claims=ledger.claims(slot.worker),
        writer=ledger.writer(),
    )
    yield desk
    desk.close()
    slot.file.close()


@pytest.fixture
def desk(
    transactional_db: None,
    redis_server: str,
    toy_data: Path,
    media: Path,
) -> Iterator[Desk]:
    with opened("toy", toy_data, media) as ready:
        yield ready


@pytest.fixture
def station(transactional_db: None) -> Station:
    site = Site.objects.create(code="S", name="S")
    line = Line.objects.create(site=site, code="L")
    return Station.objects.create(site=site, line=line, code="C")


@pytest.fixture
def photo(station: Station, media: Path) -> Callable[[bytes], Job]:
    """Store a photo as an upload would, and return its job."""

    def store(data: bytes) -> Job:
        now = timezone.now()
        name = uuid.uuid4().hex
        (media / name).write_bytes(data)
        unit = Unit.objects.create(site=station.site, serial=name, received_at=now)
        image = Image.objects.create(
            site=station.site,
            unit=unit,
            station=station,
            captured_at=now,
            received_at=now,
            file=name,
            sha256="",
            width=640,
            height=640,
            size=len(data),
        )
        inspection = Inspection.objects.create(image=image, created_at=now)
        arguments = {"inspection": str(inspection.pk)}
        return enqueue("inference_worker.inspect", arguments, queue="inspect")

    return store
