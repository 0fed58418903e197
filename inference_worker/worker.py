"""The inspect worker's process: opens the desk before it consumes, closes it last.

`celery -A traceability.celery worker -P threads -Q inspect -I inference_worker.worker`
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from celery.signals import celeryd_after_setup, worker_shutdown
from django.conf import settings
from django.db import DatabaseError

from inference_worker.batcher import Batcher
from inference_worker.desk import Desk
from inference_worker.engine.api import Detector, load_detector
from inference_worker.engine.errors import EngineError
from inference_worker.engine.types import Image
from inference_worker.health import Watchdog, Watched
from inference_worker.leases import Leases
from inference_worker.ledger import claims, writer
from traceability.inspection.results import Detector as About
from traceability.jobs.slots import take_slot

logger = logging.getLogger(__name__)

# A call of the device, a transaction, a whole inspection: beyond these it has hung.
DEVICE_SECONDS = 30.0
DATABASE_SECONDS = 120.0
INSPECTION_SECONDS = 300.0
# A worker that cannot start tries again after this pause, not as fast as it can.
RETRY_SECONDS = 5.0
CANNOT_START = 69  # EX_UNAVAILABLE

_opening = threading.Lock()
_desk: Desk | None = None


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
    try:
        desk()
    except (EngineError, DatabaseError) as error:
        logger.critical("%s %s", error, getattr(error, "hint", ""))
        time.sleep(RETRY_SECONDS)
        raise SystemExit(CANNOT_START) from error


@worker_shutdown.connect
def close_desk(**_: Any) -> None:
    if _desk is not None:
        _desk.close()


def _open() -> Desk:
    slot = take_slot("inspect")  # first: others need not wait for us to load
    if slot.released:
        logger.warning("put back %s jobs of a worker that died", slot.released)
    logger.info("loading %s, this may take a while", settings.INSPECTION_MODEL)
    detector = load_detector(
        settings.INSPECTION_MODEL,
        data=settings.DATA_DIR,
        backend=settings.INSPECTION_BACKEND,
        precision=settings.INSPECTION_PRECISION or None,
        threads=settings.INSPECTION_THREADS or None,
    )
    opened = Desk(
        detector=about(detector),
        data=settings.DATA_DIR,
        media=settings.MEDIA_ROOT,
        leases=Leases(slot, settings.JOB_HEARTBEAT_SECONDS),
        batcher=Batcher(detector, bucket=bucket(detector)),
        claims=claims(slot.worker),
        writer=writer(),
    )
    Watchdog(_watched(opened))
    return opened


def about(detector: Detector) -> About:
    """What is recorded of the detector with every inspection."""
    return About(
        model=detector.model,
        version=detector.version,
        backend=detector.backend,
        precision=detector.precision,
        classes=detector.classes,
        wants_template=detector.wants_templates,
    )


def bucket(detector: Detector) -> Callable[[Image], tuple[int, int]]:
    """The canvas of an image: those that the network sees at one may share a call."""
    return lambda image: detector.runner.geometry(image).canvas


def _watched(opened: Desk) -> list[Watched]:
    return [
        Watched("the detector", opened.batcher.thread.busy_seconds, DEVICE_SECONDS),
        Watched("claiming", opened.claims.busy_seconds, DATABASE_SECONDS),
        Watched("writing", opened.writer.busy_seconds, DATABASE_SECONDS),
        Watched("an inspection", opened.leases.oldest_seconds, INSPECTION_SECONDS),
    ]
