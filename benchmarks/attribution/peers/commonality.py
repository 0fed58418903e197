"""Commonality analysis: which level holds more defects than chance would put there?

Hypergeometric upper tail of every level, every threshold and every lot on every
machine, on the log scale so that nothing saturates, with Benjamini-Hochberg over all
of them.

Source: Benjamini, Hochberg (1995), JRSS B 57.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from operator import itemgetter

import numpy as np
from scipy.stats import hypergeom

from benchmarks.attribution.peers.answers import Answer
from benchmarks.attribution.peers.table import Factor, Json, Table

CUTS = (0.5, 0.65, 0.8, 0.9, 0.95, 0.98)
SEPARATOR = "\x1f"
FEWEST = 5
"""Levels with fewer units are left out."""
ALPHA = 0.05


@dataclass(frozen=True)
class Finding:
    """The strongest hypothesis of one candidate: a level, or a numeric factor.

    `exposed`: its units. `tests`: how many hypotheses it is the best of.
    """

    factor: Factor
    level: str
    claim: Json
    log_p: float
    exposed: np.ndarray
    tests: int = 1


def findings(table: Table, pairs: bool = False) -> list[Finding]:
    """All candidates, the most significant first; `pairs`: lots on machines too."""
    found = [
        finding
        for factor, column in table.values.items()
        for finding in (_cuts if factor.numeric else _levels)(table, factor, column)
    ]
    if pairs:
        found += _pairs(table)
    return sorted(found, key=lambda finding: finding.log_p)


def _levels(table: Table, factor: Factor, column: np.ndarray) -> Iterator[Finding]:
    names, codes = np.unique(column, return_inverse=True)
    log_p, counts = _log_tails(table, codes, names.size)
    for code in np.flatnonzero((counts >= FEWEST) & (names != "")):
        level = str(names[code])
        yield Finding(
            factor, level, factor.claim(level), float(log_p[code]), codes == code
        )


def _log_tails(
    table: Table, codes: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    counts = np.bincount(codes, minlength=size)
    defects = np.bincount(codes, weights=table.defective, minlength=size)
    return _log_tail(table, defects, counts), counts


def _log_tail(table: Table, defects: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Log of the chance of as many defects or more among `counts` units drawn."""
    total, defective = table.defective.size, int(table.defective.sum())
    return np.asarray(hypergeom.logsf(defects - 1, total, defective, counts))


def _cuts(table: Table, factor: Factor, column: np.ndarray) -> Iterator[Finding]:
    """One finding: the best of its thresholds."""
    signs = "><" if factor.kind == "parameter" else ">"
    tried = [
        (sign, float(cut), column > cut if sign == ">" else column < cut)
        for sign in signs
        for cut in np.nanquantile(column, CUTS if sign == ">" else 1 - np.array(CUTS))
    ]
    defects = np.array([(units & table.defective).sum() for _, _, units in tried])
    log_p = _log_tail(table, defects, np.array([u.sum() for _, _, u in tried]))
    best = int(np.argmin(log_p))
    sign, cut, exposed = tried[best]
    level = f"{sign} {cut:.6g}"
    claim = factor.claim(level)
    yield Finding(factor, level, claim, float(log_p[best]), exposed, len(tried))


def _pairs(table: Table) -> Iterator[Finding]:
    machines = [factor for factor in table.factors if factor.kind == "equipment"]
    for lot in (factor for factor in table.factors if factor.kind == "lot"):
        for machine in machines:
            yield from _cells(table, lot, machine)


def _cells(table: Table, lot: Factor, machine: Factor) -> Iterator[Finding]:
    joined = np.char.add(
        np.char.add(table.values[lot], SEPARATOR), table.values[machine]
    )
    for cell in _levels(table, lot, joined):
        first, second = cell.level.split(SEPARATOR)
        claim = {
            **cell.claim,
            "kind": "interaction",
            "operation": machine.operation,
            "factor": [lot.name, machine.name],
            "level": [first, second],
        }
        yield replace(cell, claim=claim)


def significant(found: list[Finding]) -> bool:
    """Does Benjamini-Hochberg at 5 % call anything a discovery?

    A candidate's other thresholds count as tests at their best one's p or above.
    """
    tests = sum(finding.tests for finding in found)
    place = np.arange(1, len(found) + 1)
    log_p = np.array([finding.log_p for finding in found])
    return bool((log_p <= np.log(ALPHA * place / tests)).any())


def answers(found: list[Finding]) -> list[Answer]:
    return [Answer(-finding.log_p, (finding.claim,)) for finding in found]


def worst_levels(table: Table) -> dict[Factor, tuple[Json, ...]]:
    """For methods that rank factors only: what they are taken to say of each.

    Of lots and equipment the most significant level; of an operator every level and
    of a parameter both directions, as the factor alone counts there.
    """
    worst: dict[Factor, tuple[Json, ...]] = {}
    for finding in findings(table):
        factor = finding.factor
        if factor.kind == "operator":
            worst[factor] = (*worst.get(factor, ()), finding.claim)
        elif factor.kind == "parameter":
            worst[factor] = tuple(factor.claim(sign) for sign in "><")
        else:
            worst.setdefault(factor, (finding.claim,))
    return {factor: _sorted(said) for factor, said in worst.items()}


def _sorted(claims: tuple[Json, ...]) -> tuple[Json, ...]:
    return tuple(sorted(claims, key=itemgetter("level")))
