"""Reading columns of a bundle that the workers of a cluster keep and screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analytics.bundle_readings import READINGS, column_of, column_paths, key_of
from analytics.cluster import Cluster, Plan, connected
from analytics.core.arrays import AnyInts, Floats, Ints
from analytics.core.cells import Codes, Family, Far
from analytics.core.columns import Key, Values, in_order, there_twice
from analytics.core.factors import Visit
from analytics.core.far import FarReading, FarReadings
from analytics.partition import About, Asked, Weights

if TYPE_CHECKING:
    from distributed import Client

PARTS_A_THREAD = 2
"""Partitions for each thread of the cluster, so that all end at about the same time."""
RECENT = 32
"""Columns, and cells of families, that are remembered once they were fetched."""


@contextmanager
def cluster_columns(address: str, bundle: Path) -> Iterator[ClusterColumns]:
    """The folder of readings of a bundle, on the workers of a scheduler.

    :raises ClusterError: the cluster cannot be used.
    :raises BundleError: a file cannot be read or does not say what it holds.
    """
    folder = (bundle / READINGS).resolve()
    paths = _by_key(column_paths(folder))
    with connected(address, folder) as client:
        yield ClusterColumns(client, paths)


def _by_key(paths: Sequence[Path]) -> dict[Key, Path]:
    found: dict[Key, Path] = {}
    for path in paths:
        key = key_of(path)
        if key in found:
            raise there_twice(key)
        found[key] = path
    return found


class ClusterColumns(FarReadings):
    """Files of readings by operation and parameter, and where they are kept."""

    def __init__(
        self,
        client: Client,
        paths: Mapping[Key, Path],
        order: Ints | None = None,
        n_units: int = 0,
    ) -> None:
        self._client, self._paths = client, paths
        self._order, self._n_units = order, n_units
        self._about: dict[Key, About] = {}
        self._number: dict[Key, int] = {}
        self._values = lru_cache(maxsize=RECENT)(self._read)
        self._cells = lru_cache(maxsize=RECENT)(self._fetched)

    def __getitem__(self, key: Key) -> Values:
        return self._values(key)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def in_order(self, order: Ints | None, n_units: int) -> ClusterColumns:
        return ClusterColumns(self._client, self._paths, order, n_units)

    def readings(self, met: Mapping[str, Visit]) -> Iterator[FarReading]:
        visits = _Visits(met, self._n_units)
        parts = list(self._parts())
        plans = [
            Plan(tuple(self._paths[key] for key in keys), visits[keys[0][0]])
            for keys in parts
        ]
        self._cluster = Cluster(self._client, plans, self._order, self._n_units)
        self._number = {key: n for n, keys in enumerate(parts) for key in keys}
        told = self._cluster.ask("about", dict(enumerate(parts)))
        self._about = {about.key: about for each in told.values() for about in each}
        return (self._reading(key, visits[key[0]]) for key in sorted(self._paths))

    def _parts(self) -> Iterator[list[Key]]:
        """Columns of one operation each, of about the same number."""
        threads = sum(self._client.nthreads().values())
        most = -(-len(self._paths) // max(PARTS_A_THREAD * threads, 1))
        for _, keys in groupby(sorted(self._paths), key=lambda key: key[0]):
            own = list(keys)
            yield from (own[k : k + most] for k in range(0, len(own), most))

    def _reading(self, key: Key, visit: Visit) -> FarReading:
        about = self._about[key]
        families = [
            Far(
                **_shared(family) | {"at": visit.at},
                home=self,
                column=key,
                number=number,
            )
            for number, family in enumerate(about.families)
        ]
        return FarReading(*key, visit, about.varies, tuple(families), self)

    def picked(self, keys: Sequence[Key], units: Ints) -> list[Values]:
        own: dict[int, list[Key]] = {}
        for key in keys:
            own.setdefault(self._number[key], []).append(key)
        told = self._cluster.ask("picked", own, units)
        found = {
            key: values
            for number, columns in own.items()
            for key, values in zip(columns, told[number], strict=True)
        }
        return [found[key] for key in keys]

    def sha256(self, key: Key) -> bytes:
        return self._about[key].sha256

    def running(
        self,
        families: Sequence[Far],
        weights: Floats,
        strata: AnyInts,
        n: int,
        some: Ints | None,
    ) -> list[Floats]:
        own: dict[int, list[int]] = {}
        for place, family in enumerate(families):
            own.setdefault(self._number[family.column], []).append(place)
        asked = {
            number: [_asked(families[place]) for place in places]
            for number, places in own.items()
        }
        shared = Weights.of(weights, some), strata if n > 1 else strata[:0], n
        told = self._cluster.ask("running", asked, *shared)
        found = {
            place: running
            for number, places in own.items()
            for place, running in zip(places, told[number], strict=True)
        }
        return [found[place] for place in range(len(families))]

    def brought(self, family: Far) -> Family:
        cell = self._cells(family.column, family.number)
        near = Family(**_shared(family) | {"cell": cell})
        return near if family.late is None else near.without(family.late)

    def _fetched(self, key: Key, number: int) -> Codes:
        part = self._number[key]
        cell: Codes = self._cluster.ask("cell", {part: Asked(key, number, None)})[part]
        return cell

    def _read(self, key: Key) -> Values:
        found = in_order([column_of(self._paths[key])], self._order, self._n_units)
        return found[key]


class _Visits(dict[str, Visit]):
    """Visits by operation; one and the same for all of which no run is known."""

    def __init__(self, met: Mapping[str, Visit], n_units: int) -> None:
        super().__init__(met)
        self._nowhere = Visit.nowhere(n_units)

    def __missing__(self, operation: str) -> Visit:
        return self._nowhere


def _asked(family: Far) -> Asked:
    return Asked(family.column, family.number, family.late)


def _shared(family: Family) -> dict[str, Any]:
    """The fields that near and far families have."""
    return {own.name: getattr(family, own.name) for own in fields(Family)}
