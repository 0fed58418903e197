"""The inspect worker's process: opens the desk before it consumes, closes it last.

`celery -A traceability.celery worker -P threads -Q inspect -I inference_worker.worker`
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from celery.signals import celeryd_after_setup, worker_shutdown
from django.conf import settings
from django.db import DatabaseError

from inference_worker.batcher import Batcher
from inference_worker.desk import Desk
from inference_worker.engine.errors import EngineError
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.preprocess import plan
from inference_worker.exporter import Exporter
from inference_worker.figures import WorkerFigures
from inference_worker.health import Watchdog, Watched
from inference_worker.isolation import Aside
from inference_worker.ladder.climber import Climber
from inference_worker.ladder.ladder import Ladder
from inference_worker.ladder.reasons import Stage
from inference_worker.ladder.record import Record
from inference_worker.ladder.rungs import rungs_of
from inference_worker.ladder.workshop import Recipe, Workshop
from inference_worker.leases import Leases
from inference_worker.ledger import claims, writer
from inference_worker.memory import room_on
from inference_worker.telling import Teller
from traceability.jobs.slots import Slot, take_slot
from traceability.lib.cards import visible_cards

logger = logging.getLogger(__name__)

# A call of the device, a backend that is brought up, a transaction, a whole inspection:
# beyond these it has hung.
DEVICE_SECONDS = 30.0
LOADING_SECONDS = 180.0
DATABASE_SECONDS = 120.0
INSPECTION_SECONDS = 300.0
# A worker that cannot start tries again after this pause, not as fast as it can.
RETRY_SECONDS = 5.0
CANNOT_START = 69  # EX_UNAVAILABLE

# Each would write a line or two for every photo, without its trace.
TALKATIVE = ("celery.worker.strategy", "celery.app.trace")

_opening = threading.Lock()
_desk: Desk | None = None
_exporter: Exporter | None = None


def desk() -> Desk:
    """The process's desk, opened on first use."""
    global _desk
    with _opening:
        if _desk is None:
            _desk = _open()
        return _desk


@celeryd_after_setup.connect
def open_desk(**_: Any) -> None:
    """Load and warm up before the first message is taken."""
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Until Celery listens itself: a process that was told to stop while a rung came up
    # would look like one that the rung has killed.
    signal.signal(signal.SIGTERM, _leave)
    try:
        desk()
    except (EngineError, DatabaseError) as error:
        logger.critical("%s %s", error, getattr(error, "hint", ""))
        time.sleep(RETRY_SECONDS)
        raise SystemExit(CANNOT_START) from error


def _leave(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
    raise SystemExit(0)


@worker_shutdown.connect
def close_desk(**_: Any) -> None:
    if _desk is not None:
        _desk.close()
    if _exporter is not None:
        _exporter.close()


def _open() -> Desk:
    slot = take_slot("inspect")  # first: others need not wait for us to load
    if slot.released:
        logger.warning("put back %s jobs of a worker that died", slot.released)
    teller = Teller(slot.place)
    ladder = _ladder(slot, teller)
    hanging = [
        Watched("the detector", _seconds(ladder, Stage.TRAFFIC), DEVICE_SECONDS),
        Watched("loading", _seconds(ladder, Stage.LOAD), LOADING_SECONDS),
    ]
    # From here on, as loading may hang too.
    watchdog = Watchdog(hanging, last_words=ladder.hung)
    try:
        ladder.start_soon()
        opened = _desk_of(ladder, slot, teller)
    except EngineError:
        teller.close()
        raise
    except SystemExit:  # told to stop: nothing that comes up now has killed it
        ladder.record.end_all()
        teller.close()
        raise
    watchdog.watch(_watched(opened))
    _expose(opened, ladder, slot)
    return opened


def _expose(opened: Desk, ladder: Ladder, slot: Slot) -> None:
    """Let Prometheus read; a port that is taken must not stop the line."""
    global _exporter
    if not settings.METRICS_PORT:
        return
    port = settings.METRICS_PORT + slot.number - 1
    figures = WorkerFigures(opened, ladder, visible_cards()[:1])
    try:
        _exporter = Exporter(settings.METRICS_HOST, port, figures)
    except OSError as error:
        logger.error("no figures on %s:%s: %s", settings.METRICS_HOST, port, error)


def _ladder(slot: Slot, teller: Teller) -> Ladder:
    asked, cards = settings.INSPECTION_BACKENDS, visible_cards()
    recipe = Recipe.of(
        settings.DATA_DIR,
        settings.INSPECTION_MODEL,
        settings.INSPECTION_PRECISION or None,
        settings.INSPECTION_THREADS or None,
    )
    rungs = rungs_of(asked, cards=len(cards))
    names = ", ".join(rung.name for rung in rungs)
    logger.info("loading %s %s: %s", recipe.model, recipe.version, names)
    room = room_on(cards[0]) if cards else None
    record = Record(settings.DATA_DIR / "run" / f"ladder-{slot.place}.json")
    return Ladder(rungs, Workshop(recipe, room), record, tell=teller.tell)


def _desk_of(ladder: Ladder, slot: Slot, teller: Teller) -> Desk:
    recipe = ladder.workshop.recipe
    batcher = Batcher(ladder, bucket=bucket(ladder.workshop.manifest))
    return Desk(
        model=recipe.model,
        apart=Aside(ladder.rungs[-1], recipe),
        media=settings.MEDIA_ROOT,
        leases=Leases(slot, settings.JOB_HEARTBEAT_SECONDS),
        batcher=batcher,
        climber=Climber(ladder, batcher.thread.between, _turn()),
        teller=teller,
        claims=claims(slot.worker),
        writer=writer(),
    )


def _turn() -> Path | None:
    """See `Climber`; of the card that this process sees."""
    for card in visible_cards():
        return Path(settings.DATA_DIR) / "run" / f"climb-{card}.lock"
    return None


def bucket(manifest: Manifest) -> Callable[[tuple[int, int]], tuple[int, int]]:
    """The canvas of a (height, width): images that the network sees at one may share a
    call.
    """
    spec, stride = manifest.input, manifest.stride

    def canvas(size: tuple[int, int]) -> tuple[int, int]:
        height, width = size
        return plan(height, width, spec.sizes, stride, spec.fit, spec.canvas).canvas

    return canvas


def _seconds(ladder: Ladder, stage: Stage) -> Callable[[], float]:
    return lambda: ladder.steps.seconds(stage)


def _watched(opened: Desk) -> list[Watched]:
    return [
        Watched("claiming", opened.claims.busy_seconds, DATABASE_SECONDS),
        Watched("writing", opened.writer.busy_seconds, DATABASE_SECONDS),
        Watched("an inspection", opened.leases.oldest_seconds, INSPECTION_SECONDS),
    ]
