"""Read figures as Prometheus does."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from typing import TypeAlias

from prometheus_client.parser import text_string_to_metric_families

Figures: TypeAlias = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def parse(text: str) -> Figures:
    """Every sample by its name and labels; ValueError for one that is there twice."""
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            if key in found:
                raise ValueError(f"{key} is there twice")
            found[key] = sample.value
    return found


def scrape(url: str, token: str) -> Figures:
    headers = {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return parse(answer.read().decode())


def value(figures: Figures, name: str, **labels: str) -> float:
    """0 for what has never been counted."""
    return figures.get((name, frozenset(labels.items())), 0.0)


def total(figures: Figures, name: str) -> float:
    return sum(n for (one, _), n in figures.items() if one == name)
