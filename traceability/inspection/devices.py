"""Where photos are looked at, with what, and what of it does not work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from traceability.inspection.workers import Device
from traceability.outbox.services import emit_all

DEGRADED, MENDED = "inspection.degraded", "inspection.mended"
# A worker whose state is not well tells of it this often, and is believed for so long.
BEAT_SECONDS = 30.0
BELIEVED = timedelta(minutes=2)

Failure = Mapping[str, Any]
"""`rung, reason, stage, code, message` and `at`, an ISO moment: JSON."""


@dataclass(frozen=True)
class State:
    """How a worker's place stands; `rung` is empty while it can look at nothing.

    `failures` are of what would be better, the best first.
    """

    place: str
    rung: str
    model: str
    version: str
    backend: str
    precision: str
    failures: tuple[Failure, ...]


@transaction.atomic
def tell(state: State) -> None:
    """Write it down, with an event for each failure that is new or over.

    Telling the same again writes no event, so who is not sure tells again.
    """
    Device.objects.get_or_create(
        name=state.place, defaults={"since": timezone.now(), "seen_at": timezone.now()}
    )
    device = Device.objects.select_for_update().get(name=state.place)
    before = {failure["rung"]: failure for failure in device.failures}
    after = {failure["rung"]: dict(failure) for failure in state.failures}
    new = [one for rung, one in after.items() if before.get(rung) != one]
    _update(device, state, changed=before != after)
    emit_all(
        [
            *(_event(DEGRADED, state, failure) for failure in new),
            *(_event(MENDED, state, before[rung]) for rung in before.keys() - after),
        ]
    )


def seen(place: str) -> None:
    """The place still stands as it was told."""
    Device.objects.filter(name=place).update(seen_at=timezone.now())


def in_trouble() -> list[Device]:
    """Those that work worse than they could, or not at all; one query."""
    heard = timezone.now() - BELIEVED
    return list(Device.objects.filter(degraded=True, seen_at__gte=heard))


def _update(device: Device, state: State, *, changed: bool) -> None:
    device.rung, device.backend = state.rung, state.backend
    device.model, device.version = state.model, state.version
    device.precision = state.precision
    device.failures = [dict(failure) for failure in state.failures]
    device.degraded = bool(state.failures)
    device.seen_at = timezone.now()
    if changed:
        device.since = device.seen_at
    device.save()


def _event(
    kind: str, state: State, failure: Failure
) -> tuple[str, str, dict[str, Any]]:
    """In the order of the place: what is mended after it was broken."""
    about = {"place": state.place, "to": state.rung, **failure}
    return kind, f"device:{state.place}", about
