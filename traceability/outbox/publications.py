"""Number messages by stream and keep them until the broker has them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from traceability.outbox.models import Publication, Retain, Retained, Stream

# What structures a topic, and what stands for "no station".
STRUCTURE = re.compile(r"[/+#%\x00-\x1f\x7f]|^-$")


def topic_of(*levels: str | None) -> str:
    """A topic below that of the site's settings; codes are escaped as in a URL.

    None is written `-`: nothing in particular at this level.
    """
    prefix = settings.MQTT.topic if settings.MQTT else "causeline"
    return "/".join([prefix, *map(_level, levels)])


def _level(code: str | None) -> str:
    return "-" if code is None else STRUCTURE.sub(_escape, code)


def _escape(found: re.Match[str]) -> str:
    return quote(found[0], safe="") if found[0] != "-" else "%2D"


@transaction.atomic
def publish(
    stream: str,
    topic: str,
    payload: Mapping[str, Any],
    retain: Retain = Retain.NOTHING,
) -> int:
    """Queue the stream's next message in the caller's transaction; returns its number.

    The number is the payload's `sequence`. The message is written out now: it says the
    same however often it is sent.
    """
    taken = _next_of(stream)
    numbered = {"schema": 1, "sequence": taken.sequence, **payload}
    Publication.objects.create(
        stream=taken,
        sequence=taken.sequence,
        topic=topic,
        payload=json.dumps(numbered, ensure_ascii=False, separators=(",", ":")),
        retain=retain,
        created_at=timezone.now(),
    )
    return taken.sequence


def _next_of(name: str) -> Stream:
    """The stream with its next number taken; its row is ours until we commit."""
    stream, _ = Stream.objects.select_for_update().get_or_create(name=name)
    stream.sequence += 1
    stream.save(update_fields=["sequence"])
    return stream


def waiting(
    limit: int, *, without: Collection[int] = (), skipping: Collection[int] = ()
) -> list[Publication]:
    """The oldest that wait, but not those, and none of the streams `skipping`."""
    found = Publication.objects.exclude(stream__in=skipping).exclude(pk__in=without)
    return list(found.order_by("id")[:limit])


@transaction.atomic
def settle(taken: Sequence[Publication]) -> None:
    """The broker has these: remember what it retains, forget the rest."""
    kept = [one for one in taken if one.retain == Retain.THIS]
    dropped = [one.topic for one in taken if one.retain == Retain.NO_MORE]
    Retained.objects.bulk_create(
        [Retained(topic=one.topic, payload=one.payload) for one in kept],
        update_conflicts=True,
        unique_fields=["topic"],
        update_fields=["payload"],
    )
    Retained.objects.filter(topic__in=dropped).delete()
    Publication.objects.filter(pk__in=[one.pk for one in taken]).delete()


def waiting_since() -> datetime | None:
    """How old the oldest message is that the broker does not have."""
    oldest = Publication.objects.order_by("id").first()
    return oldest.created_at if oldest else None
