"""Multi-stage lines with a known cause of their defects (see `docs/benchmarks`)."""

from __future__ import annotations

from benchmarks.attribution.simulator.settings import DECOYS, KINDS, STYLES, Settings
from benchmarks.attribution.simulator.simulate import (
    Simulated,
    simulate,
    write_bundle,
)
from benchmarks.attribution.simulator.truth import Decoy, Planted, Truth

__all__ = [
    "DECOYS",
    "KINDS",
    "STYLES",
    "Decoy",
    "Planted",
    "Settings",
    "Simulated",
    "Truth",
    "simulate",
    "write_bundle",
]
