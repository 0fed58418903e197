"""Did the rate of defects rise, and when: the question before the causes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analytics.core.arrays import Bools, Floats
from analytics.core.cells import CellSpace
from analytics.core.finemap import Task, single_effect
from analytics.core.onset import Onset, posterior_onset
from analytics.core.population import Population
from analytics.core.windows import hidden_family


@dataclass(frozen=True)
class Excursion:
    """A rise of the defect rate: its onset, and the units of the episode."""

    onset: Onset
    during: Bools


def find_excursion(population: Population, task: Task) -> Excursion | None:
    """The likeliest window or onset of a raised rate, if one is likelier than none.

    Looks only at when the defects were, never at the factors.
    """
    seen = CellSpace.of([hidden_family(population)])
    timed = replace(task, space=seen, sources=task.sources[:1], made={})
    effect = single_effect(timed, task.baseline)
    if effect.none > 0.5:
        return None
    best = int(np.argmax(effect.weights))
    during = np.zeros(population.size, dtype=bool)
    during[seen.members(best)] = True
    begins = np.array([seen.claim(i).cut for i in range(seen.size)])
    with np.errstate(divide="ignore"):
        onset = posterior_onset(np.log(effect.weights), begins)
    sharp = _sharpened(population, task, onset, during)
    return Excursion(replace(onset, at=sharp), during)


def _sharpened(
    population: Population, task: Task, onset: Onset, during: Bools
) -> float:
    """The likeliest first unit of the episode near its first bin."""
    begin = int(np.argmax(during))
    end = population.size - int(np.argmax(during[::-1]))
    width = max(end - begin, 1)
    places = np.arange(max(begin - width // 2, 1), begin + width // 2 + 1)
    found = _running(task.observed)
    expected = np.maximum(_running(task.baseline), 1e-9)
    inside = found[end] - found[places]
    share = np.maximum(expected[end] - expected[places], 1e-9)
    outside = np.maximum(found[-1] - inside, 1e-9)
    rest = np.maximum(expected[-1] - share, 1e-9)
    gain = inside * np.log(np.maximum(inside, 1e-9) / share)
    gain += outside * np.log(outside / rest)
    at = population.completed[places]
    near = (at >= onset.low) & (at <= onset.high)
    if not near.any():
        return onset.at
    return float(at[near][int(np.argmax(gain[near]))])


def _running(values: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(values)])
