"""Bulk upsert by natural key: every row is answered, the good ones are written.

Sending the same rows again changes nothing and says so. Within one request the rows
count in their order, so a later row for the same key wins. Two requests that meet on
a new key are settled by the database.
"""

from __future__ import annotations

from collections import Counter
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.utils import timezone
from rest_framework.serializers import ValidationError

from traceability.catalog.models import Site
from traceability.ingest.resources import CHUNK, Key, Lookup, Resource
from traceability.lib.errors import BadInput, TooLarge
from traceability.production import readings
from traceability.production.models import OperationRun, Unit

MAX_ROWS = 20_000
HINTS = {
    "invalid": "Correct the fields named and send this row again.",
    "unknown_reference": "Push what is referred to first, or correct the reference.",
}


@dataclass
class Outcome:
    """What became of one row, as the API answers it."""

    index: int
    external_id: str
    status: str = ""
    code: str = ""
    fields: dict[str, list[str]] = field(default_factory=dict)
    hint: str = ""

    def reject(self, code: str, fields: dict[str, list[str]]) -> None:
        self.status, self.code, self.fields = "rejected", code, fields
        self.hint = HINTS[code]


@dataclass
class _Row:
    outcome: Outcome
    values: dict[str, Any]


def upsert(resource: Resource, site: Site, items: object) -> dict[str, Any]:
    """Write `items` (a list of objects); returns `{"results": […], "counts": {…}}`.

    Raises `BadInput` when it is no list and `TooLarge` beyond `MAX_ROWS` rows; wrong
    rows are answered as rejected, each with its fields.
    """
    if not isinstance(items, list):
        text = "Send a JSON array of objects."
        raise BadInput(text, fields={"non_field_errors": [text]})
    if len(items) > MAX_ROWS:
        raise TooLarge(
            f"{len(items)} rows in one request.",
            hint=f"Send at most {MAX_ROWS} rows at once.",
        )
    outcomes, checked = _check(resource, items)
    with transaction.atomic():
        resolved = _resolve(resource, site, checked)
        _write(resource, site, resolved)
    counts = Counter(outcome.status for outcome in outcomes)
    statuses = ("created", "updated", "unchanged", "rejected")
    return {
        "results": [vars(outcome) for outcome in outcomes],
        "counts": {status: counts[status] for status in statuses},
    }


def _check(resource: Resource, items: list[Any]) -> tuple[list[Outcome], list[_Row]]:
    """Validate field by field; one serializer serves all rows."""
    serializer = resource.row()
    outcomes: list[Outcome] = []
    good: list[_Row] = []
    for index, item in enumerate(items):
        outcome = Outcome(index, _name(resource, item))
        outcomes.append(outcome)
        try:
            good.append(_Row(outcome, dict(serializer.run_validation(item))))
        except ValidationError as error:
            outcome.reject("invalid", _texts(error.detail))
    return outcomes, good


def _name(resource: Resource, item: object) -> str:
    """What the sender calls this row: its `external_id`, else its key fields."""
    if not isinstance(item, dict):
        return ""
    if item.get("external_id"):
        return str(item["external_id"])
    names = [n for n in resource.row.names() if n in _key_fields(resource)]
    return "/".join(str(item[name]) for name in names if item.get(name) is not None)


def _key_fields(resource: Resource) -> set[str]:
    fields: set[str] = set()
    for attribute in resource.key:
        lookup = resource.references.get(attribute)
        fields.update(lookup.fields if lookup else (attribute,))
    return fields


def _texts(detail: Any) -> dict[str, list[str]]:
    return {
        name: [str(text) for text in texts]
        if isinstance(texts, list)
        else [f"{inner}: {text}" for inner, text in texts.items()]
        for name, texts in detail.items()
    }


def _resolve(resource: Resource, site: Site, given: list[_Row]) -> list[_Row]:
    """Replace natural keys by primary keys; rows that name nothing are rejected."""
    for attribute, lookup in resource.references.items():
        wanted = {_natural_key(lookup, row.values) for row in given} - {None}
        found = lookup.find(site, wanted)  # type: ignore[arg-type]
        for row in given:
            _replace(row, attribute, lookup, found)
    for lookup in resource.references.values():
        for row in given:
            for name in lookup.fields:
                row.values.pop(name, None)
    return [row for row in given if row.outcome.status != "rejected"]


def _natural_key(lookup: Lookup, values: dict[str, Any]) -> Key | None:
    key = tuple(values.get(name) for name in lookup.fields)
    return None if None in key else key


def _replace(row: _Row, attribute: str, lookup: Lookup, found: dict[Key, int]) -> None:
    last = lookup.fields[-1]
    if last not in row.values:
        return
    key = _natural_key(lookup, row.values)
    if key is None:
        row.values[attribute] = None
    elif key in found:
        row.values[attribute] = found[key]
    else:
        kind = lookup.model._meta.verbose_name
        name = "/".join(map(str, key))
        texts = {last: [f"There is no {kind} {name!r} at this site."]}
        row.outcome.reject("unknown_reference", texts)


def _write(resource: Resource, site: Site, given: list[_Row]) -> None:
    known = _existing(resource, site, given)
    new: dict[Key, Model] = {}
    changed: dict[Key, Model] = {}
    for row in given:
        key = tuple(row.values[name] for name in resource.key)
        current = changed.get(key) or new.get(key) or known.get(key)
        item = copy(current) if current else _make(resource, site)
        differs = _apply(item, row.values)
        wrong = resource.check(item)
        if wrong:
            row.outcome.reject("invalid", wrong)
        elif current is None:
            row.outcome.status = "created"
            new[key] = item
        elif differs:
            row.outcome.status = "updated"
            (changed if key in known else new)[key] = item
        else:
            row.outcome.status = "unchanged"
    _save(resource, list(new.values()), list(changed.values()))


def _existing(resource: Resource, site: Site, given: list[_Row]) -> dict[Key, Model]:
    search = resource.key[0]
    values = sorted({row.values[search] for row in given})
    scope = {"site": site} if resource.in_site else {}
    found: dict[Key, Model] = {}
    for start in range(0, len(values), CHUNK):
        part = values[start : start + CHUNK]
        for item in resource.model._default_manager.filter(
            **scope, **{f"{search}__in": part}
        ):
            found[tuple(getattr(item, name) for name in resource.key)] = item
    return found


def _make(resource: Resource, site: Site) -> Model:
    item = resource.model(**({"site": site} if resource.in_site else {}))
    if isinstance(item, Unit | OperationRun):
        item.received_at = timezone.now()
    return item


def _apply(item: Model, values: dict[str, Any]) -> bool:
    """Set the given values; returns whether anything changed."""
    before = {name: getattr(item, name) for name in values}
    for name, value in values.items():
        if isinstance(item, OperationRun) and name == "readings":
            readings.write(item, value)
        else:
            setattr(item, name, value)
    changed = any(getattr(item, name) != old for name, old in before.items())
    if isinstance(item, Unit) and not item.registered:
        item.registered = changed = True
    return changed


def _save(resource: Resource, new: list[Model], changed: list[Model]) -> None:
    manager = resource.model._default_manager
    fields = [*resource.references, *resource.plain]
    if resource.model is Unit:
        fields.append("registered")
    writable = [name for name in fields if name not in resource.key]
    unique = [*resource.key, *(["site_id"] if resource.in_site else [])]
    manager.bulk_create(
        new,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=unique,
        update_fields=writable,
    )
    if changed:
        manager.bulk_update(changed, writable, batch_size=500)
