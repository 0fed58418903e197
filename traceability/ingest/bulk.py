"""Bulk upsert by natural key: every row is answered, the good ones are written.

Sending the same rows again changes nothing and says so. Within one request the rows
count in their order, so a later row for the same key wins. Requests that meet on a key
are merged (`store.py`).
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

from django.db import DatabaseError, DataError, IntegrityError, transaction
from rest_framework.serializers import ValidationError

from traceability.catalog.models import Site
from traceability.ingest import store
from traceability.ingest.outcome import CheckedRow, Outcome, sendable, texts
from traceability.ingest.resources import Key, Lookup, Resource
from traceability.lib.errors import (
    BadInput,
    CauselineError,
    Conflict,
    TooLarge,
    Unavailable,
)

MAX_ROWS = 20_000
NAME_LENGTH = 200
logger = logging.getLogger(__name__)


def upsert(resource: Resource, site: Site, items: object) -> dict[str, Any]:
    """Write `items` (a list of objects); returns `{"results": […], "counts": {…}}`.

    Raises `BadInput` when it is no list and `TooLarge` beyond `MAX_ROWS` rows; wrong
    rows are answered as rejected, each with its fields. When the database refuses,
    nothing is written: `BadInput`, `Conflict` or `Unavailable`.
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
    _write(resource, site, checked)
    counts = Counter(outcome.status for outcome in outcomes)
    statuses = ("created", "updated", "unchanged", "rejected")
    return {
        "results": [vars(outcome) for outcome in outcomes],
        "counts": {status: counts[status] for status in statuses},
    }


def _write(resource: Resource, site: Site, checked: list[CheckedRow]) -> None:
    try:
        with transaction.atomic():
            store.write(resource, site, _resolve(resource, site, checked))
    except DatabaseError as error:
        logger.exception("A push of %s was not written", resource.name)
        raise _told(error) from error


def _told(error: DatabaseError) -> CauselineError:
    """What the sender hears: not the database's words, which may name its insides."""
    if isinstance(error, DataError):
        return BadInput("The database does not take these values; nothing was written.")
    if isinstance(error, IntegrityError):
        text = "What these rows refer to changed meanwhile; nothing was written."
        return Conflict(text, hint="Send the rows again.")
    return Unavailable("The database could not write these rows; nothing was written.")


def _check(
    resource: Resource, items: list[Any]
) -> tuple[list[Outcome], list[CheckedRow]]:
    """Validate field by field; one serializer serves all rows."""
    serializer = resource.row()
    outcomes: list[Outcome] = []
    good: list[CheckedRow] = []
    for index, item in enumerate(items):
        outcome = Outcome(index, _name(resource, item))
        outcomes.append(outcome)
        try:
            good.append(CheckedRow(outcome, dict(serializer.run_validation(item))))
        except ValidationError as error:
            outcome.reject("invalid", texts(error.detail))
    return outcomes, good


def _name(resource: Resource, item: object) -> str:
    """What the sender calls this row: its `external_id`, else its key fields."""
    if not isinstance(item, dict):
        return ""
    if item.get("external_id"):
        return _shown(item["external_id"])
    names = [n for n in resource.row.names() if n in _key_fields(resource)]
    return "/".join(_shown(item[name]) for name in names if item.get(name) is not None)


def _shown(value: object) -> str:
    is_plain = isinstance(value, str | int | float)
    return sendable(value)[:NAME_LENGTH] if is_plain else ""


def _key_fields(resource: Resource) -> set[str]:
    fields: set[str] = set()
    for attribute in resource.key:
        lookup = resource.references.get(attribute)
        fields.update(lookup.fields if lookup else (attribute,))
    return fields


def _resolve(
    resource: Resource, site: Site, given: list[CheckedRow]
) -> list[CheckedRow]:
    """Replace natural keys by primary keys; rows that name nothing are rejected."""
    # What is made when missing comes last, and only for rows that will be written.
    ordered = sorted(resource.references.items(), key=lambda pair: pair[1].create)
    for attribute, lookup in ordered:
        if lookup.create:
            given = [row for row in given if row.outcome.status != "rejected"]
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


def _replace(
    row: CheckedRow, attribute: str, lookup: Lookup, found: dict[Key, int]
) -> None:
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
        wrong = {last: [f"There is no {kind} {name!r} at this site."]}
        row.outcome.reject("unknown_reference", {**row.outcome.fields, **wrong})
