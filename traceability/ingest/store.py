"""Writing checked rows: insert what is new, merge onto what is there.

Must run in a transaction. Rows that are there are locked before they are merged onto,
in the order of their ids; new ones are inserted in the order of their keys. What
somebody else inserted meanwhile is merged onto, too, so only the fields that a row
holds ever change. (On SQLite the transaction itself is the lock.)
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, QuerySet
from django.utils import timezone

from traceability.catalog.models import Site
from traceability.ingest.outcome import CheckedRow
from traceability.ingest.resources import CHUNK, Key, Resource
from traceability.lib.errors import Unavailable
from traceability.production import readings
from traceability.production.models import OperationRun, Unit

Items = dict[Key, Model]


@dataclass
class _Plan:
    new: Items = field(default_factory=dict)
    changed: Items = field(default_factory=dict)


def write(resource: Resource, site: Site, given: list[CheckedRow]) -> None:
    """Write `given` in its order and answer each row in its outcome."""
    known = stored(resource, site, {_key(resource, row) for row in given})
    plan = _merge(resource, site, given, known)
    taken = _insert(resource, site, plan.new)
    if taken:
        again = [row for row in given if _key(resource, row) in taken]
        plan.changed |= _merge(resource, site, again, taken).changed
    if plan.changed:
        resource.model._default_manager.bulk_update(
            sorted(plan.changed.values(), key=lambda item: item.pk),
            writable(resource),
            batch_size=500,
        )


def writable(resource: Resource) -> list[str]:
    """The model attributes that a row may change."""
    fields = [*resource.references, *resource.plain]
    if resource.model is Unit:
        fields.append("registered")
    return [name for name in fields if name not in resource.key]


def stored(resource: Resource, site: Site, keys: set[Key], lock: bool = True) -> Items:
    """The rows of `keys` that exist, locked for our update unless `lock` is false."""
    found: Items = {}
    for part in _chunks(sorted(_ids(resource, site, keys))):
        items: QuerySet[Model] = resource.model._default_manager.filter(pk__in=part)
        items = items.order_by("pk")
        # Without the key, so that rows that refer to these can be inserted meanwhile.
        for item in items.select_for_update(no_key=True) if lock else items:
            found[_key_of(resource, item)] = item
    return found


def _ids(resource: Resource, site: Site, keys: set[Key]) -> Iterator[int]:
    search = resource.key[0]
    scope = {"site": site} if resource.in_site else {}
    for part in _chunks(sorted({key[0] for key in keys})):
        matches = resource.model._default_manager.filter(
            **scope, **{f"{search}__in": part}
        ).values_list("pk", *resource.key)
        yield from (match[0] for match in matches if tuple(match[1:]) in keys)


def _chunks(values: list[Any]) -> Iterator[list[Any]]:
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))


def _key(resource: Resource, row: CheckedRow) -> Key:
    return tuple(row.values[name] for name in resource.key)


def _key_of(resource: Resource, item: Model) -> Key:
    return tuple(getattr(item, name) for name in resource.key)


def _merge(
    resource: Resource, site: Site, given: list[CheckedRow], known: Items
) -> _Plan:
    """Apply the rows in their order, each to what it finds; nothing is written yet."""
    plan = _Plan()
    for row in given:
        key = _key(resource, row)
        current = plan.changed.get(key) or plan.new.get(key) or known.get(key)
        item = copy(current) if current else _make(resource, site)
        differs = _apply(item, row.values)
        wrong = resource.check(item)
        if wrong:
            row.outcome.reject("invalid", wrong)
        elif current is None:
            row.outcome.accept("created")
            plan.new[key] = item
        elif differs:
            row.outcome.accept("updated")
            (plan.changed if key in known else plan.new)[key] = item
        else:
            row.outcome.accept("unchanged")
    return plan


def _make(resource: Resource, site: Site) -> Model:
    item = resource.model(**({"site": site} if resource.in_site else {}))
    if isinstance(item, Unit | OperationRun):
        item.received_at = timezone.now()
    return item


def _apply(item: Model, values: dict[str, Any]) -> bool:
    """Set the given values; returns whether anything changed."""
    changed = False
    for name, value in values.items():
        if isinstance(item, OperationRun) and name == "readings":
            changed |= readings.write(item, value)
        elif getattr(item, name) != value:
            setattr(item, name, value)
            changed = True
    if isinstance(item, Unit) and not item.registered:
        item.registered = changed = True
    return changed


def _insert(resource: Resource, site: Site, new: Items) -> Items:
    """Insert `new`; returns, locked, the rows that somebody else inserted instead.

    A row of somebody else that holds all that ours does counts as ours, written first.
    """
    if not new:
        return {}
    resource.model._default_manager.bulk_create(
        [new[key] for key in sorted(new)], batch_size=1000, ignore_conflicts=True
    )
    there = stored(resource, site, set(new), lock=False)
    names = writable(resource)
    taken = {
        key
        for key, item in new.items()
        if key not in there or not _holds(there[key], item, names)
    }
    found = stored(resource, site, taken) if taken else {}
    if len(found) < len(taken):
        raise Unavailable("Rows of this request were removed while it was written.")
    return found


def _holds(there: Model, item: Model, names: list[str]) -> bool:
    return not _apply(copy(there), {name: getattr(item, name) for name in names})
