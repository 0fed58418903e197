"""Clusters of the defects of one class: spots that stand out, and the background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.core.arrays import Bools, Codes, Floats
from analytics.core.frames import Bundle
from analytics.core.population import Population, looks_named, seconds
from analytics.core.spots.assign import assigned
from analytics.core.spots.points import Points

LEAST_DEFECTS = 20
BACKGROUND = "background"
ALL = "all"
GRID = 0.05


@dataclass(frozen=True)
class Cluster:
    """Some defects of one class: rows of `bundle.defects`.

    `centre`: median centre of their boxes, parts of the image; None if unknown.
    """

    name: str
    defects: pd.DataFrame
    centre: tuple[float, float] | None


def cluster_defects(defects: pd.DataFrame) -> np.ndarray:
    """The name of each defect's cluster; all rows are of one class.

    Columns x, y, width, height (parts of the image, NaN if unknown), at (seconds), and
    if there are, product and unit. A cluster is named after its centre, "x0.30-y0.60";
    what stands out nowhere, or has no position, is "background"; one cluster is "all".
    Deterministic; the order of rows changes nothing.
    """
    names = np.full(len(defects), BACKGROUND, dtype=object)
    known = np.flatnonzero(np.isfinite(_numbers(defects, ["x", "y"])).all(axis=1))
    if known.size >= LEAST_DEFECTS:
        points = Points.of(defects.iloc[known])
        spots, member = assigned(points)
        named = spot_names([spot.centre for spot in spots])
        names[known] = np.array([*named, BACKGROUND], dtype=object)[member]
    return names if len(set(names)) > 1 else np.full(len(defects), ALL, dtype=object)


def spot_names(centres: list[Floats]) -> list[str]:
    """Names that stay when a few more defects move the centre a little."""
    names: list[str] = []
    for centre in centres:
        x, y = np.round(np.asarray(centre) / GRID) * GRID
        name = f"x{x:.2f}-y{y:.2f}"
        same = sum(other.split("#")[0] == name for other in names)
        names.append(f"{name}#{same + 1}" if same else name)
    return names


def clusters_of(
    bundle: Bundle, population: Population, defect_class: str
) -> list[Cluster]:
    """The defects of a class by cluster, the background last; they are a partition.

    A bundle that names clusters is believed: defects without a name are "background".
    """
    defects = bundle.defects[bundle.defects["defect_class"] == defect_class]
    given = defects["cluster"].to_numpy(dtype=object)
    if (given != "").any():
        names = np.where(given == "", BACKGROUND, given)
    else:
        names = cluster_defects(_placed(bundle, population, defects))
    found = sorted(set(names), key=lambda name: (name == BACKGROUND, name))
    if len(found) <= 1:
        return [Cluster(ALL, defects, centre_of(defects))]
    return [_cluster(defects, names == name, str(name)) for name in found]


def _cluster(defects: pd.DataFrame, chosen: Bools, name: str) -> Cluster:
    own = defects[chosen]
    return Cluster(name, own, None if name == BACKGROUND else centre_of(own))


def box_centres(defects: pd.DataFrame) -> Floats:
    """Centres of the boxes, shape (n, 2); NaN where there is no position."""
    sides = np.nan_to_num(_numbers(defects, ["width", "height"]))
    middle: Floats = _numbers(defects, ["x", "y"]) + sides / 2
    return middle


def centre_of(defects: pd.DataFrame) -> tuple[float, float] | None:
    """Median centre of the boxes; None if no defect has a position."""
    middle = box_centres(defects)
    known = middle[np.isfinite(middle).all(axis=1)]
    if not known.size:
        return None
    x, y = np.median(known, axis=0)
    return float(x), float(y)


def _placed(
    bundle: Bundle, population: Population, defects: pd.DataFrame
) -> pd.DataFrame:
    """The defects with the product of their unit and the time they were seen."""
    place = population.places(defects["unit"])
    return pd.DataFrame(
        {
            **{name: defects[name] for name in ("x", "y", "width", "height")},
            "at": _seen_at(bundle, population, defects, place),
            "product": bundle.units["product"].to_numpy(dtype=object)[
                population.rows[place]
            ],
            "unit": place,
        }
    )


def _seen_at(
    bundle: Bundle, population: Population, defects: pd.DataFrame, place: Codes
) -> Floats:
    """Seconds of the look that a defect names, else of the unit's last one."""
    looks = bundle.inspections
    last = np.full(population.size, -np.inf)
    at = seconds(looks["inspected_at"])
    np.maximum.at(last, population.places(looks["unit"]), at)
    last = np.where(np.isfinite(last), last, population.completed)
    found = looks_named(looks, defects)
    named = pd.Series(seconds(found["inspected_at"])).groupby(
        [found["unit"].astype(str), found["inspection"].astype(str)]
    )
    keys = [defects["unit"].astype(str), defects["inspection"].astype(str)]
    own = named.min().reindex(pd.MultiIndex.from_arrays(keys)).to_numpy()
    return np.where(np.isfinite(own), own, last[place])


def _numbers(defects: pd.DataFrame, names: list[str]) -> Floats:
    return defects[names].to_numpy(dtype=np.float64)
