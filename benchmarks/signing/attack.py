"""Tamper with a site at random and see that nothing is deserialised."""

from __future__ import annotations

import os
import random
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.signing import variants
from benchmarks.signing.site import Site, make_site
from benchmarks.signing.variants import Variant
from inference_worker.engine.errors import EngineError


@dataclass
class Outcome:
    """`wrong` has each case that was not refused with the code it should have been."""

    tried: int = 0
    deserialised: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def spy(self, *_: object, **__: object) -> None:
        self.deserialised += 1


def attack(count: int, seed: int = 6) -> Outcome:
    """Every way once, then at random."""
    rng, outcome = random.Random(seed), Outcome()
    with tempfile.TemporaryDirectory() as place:
        site = make_site(Path(place) / "site")
        for what, variant in _ways(rng, count):
            _try(rng, site.copy(Path(place) / "attacked"), what, variant, outcome)
    return outcome


def _ways(rng: random.Random, count: int) -> list[tuple[str, Variant]]:
    every = [("engine", way) for way in (*variants.OF_BOTH, *variants.OF_ENGINES)]
    every += [("onnx", way) for way in variants.OF_BOTH]
    if os.geteuid() != 0:
        every = [pair for pair in every if pair[1] not in variants.NEEDS_ROOT]
    often = [(what, way) for what in ("engine", "onnx") for way in variants.OFTEN]
    more = [
        rng.choice(often if rng.random() < 0.5 else every)
        for _ in range(count - len(every))
    ]
    return (every + more)[:count]


def _try(
    rng: random.Random, site: Site, what: str, variant: Variant, outcome: Outcome
) -> None:
    folder = site.engine if what == "engine" else site.version
    expected = variant(rng, site, folder)
    name = f"{what} {variant.__name__}"
    outcome.tried += 1
    outcome.ways[name] += 1
    try:
        site.use(what, outcome.spy)
        outcome.wrong.append(f"{name}: loaded")
    except EngineError as error:
        outcome.codes[error.code] += 1
        if error.code != expected:
            outcome.wrong.append(f"{name}: {error.code}, not {expected}: {error}")
