"""The table of docs/metrics.md."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.metrics import MetricWrapperBase

from traceability.lib.programs import REPOSITORY

_ROW = re.compile(r"^\| `(causeline_\w+)` \| (\w+) \| ([^|]*)\| (\w+) \|", re.MULTILINE)
_LABEL = re.compile(r"`(\w+)`")


class Row(NamedTuple):
    name: str
    kind: str
    labels: tuple[str, ...]


def documented(*places: str) -> set[Row]:
    text = (REPOSITORY / "docs" / "metrics.md").read_text(encoding="utf-8")
    return {
        Row(name, kind, tuple(_LABEL.findall(labels)))
        for name, kind, labels, place in _ROW.findall(text)
        if place in places
    }


def told(families: Iterable[MetricWrapperBase | Metric]) -> set[Row]:
    return {
        _row(
            getattr(one, "_name", "") or one.name,
            getattr(one, "_type", "") or one.type,
            getattr(one, "_labelnames", ()),
        )
        for one in families
    }


def _row(name: str, kind: str, labels: Iterable[str]) -> Row:
    return Row(name + "_total" * (kind == "counter"), kind, tuple(labels))


def counted_by(module: object) -> list[MetricWrapperBase]:
    return [one for one in vars(module).values() if isinstance(one, MetricWrapperBase)]
