"""How much of anything a stranger's model may have."""

from __future__ import annotations

from dataclasses import dataclass, replace

MEBIBYTE = 2**20

REFUSED_WITHIN = 10.0
"""Seconds until the caller knows that a file breaks a rule, whatever it holds."""

THREADS = 8
"""What a runtime has at most where it may have threads."""


@dataclass(frozen=True, slots=True)
class Limits:
    """For looking into a file.

    `seconds` is wall time in all, reading too, so that a refusal comes within
    REFUSED_WITHIN. The child's address space is `memory_bytes` plus `memory_per_byte`
    for each byte of the file. `elements` bounds every tensor, stored or computed;
    `constants` what can be computed before any image is seen, beside four times what
    is stored; `multiplications` what one image costs, several times what the largest
    detectors take.
    """

    file_bytes: int = 500_000_000
    seconds: float = 8.0
    memory_bytes: int = 768 * MEBIBYTE
    memory_per_byte: int = 4
    answer_bytes: int = MEBIBYTE
    nodes: int = 20_000
    initialisers: int = 20_000
    values: int = 32
    edges: int = 64
    rank: int = 8
    dimension: int = 2**24
    elements: int = 2**28
    constants: int = 2**25
    multiplications: int = 2**41
    name_bytes: int = 1_024
    note_bytes: int = 2**16
    metadata_entries: int = 256
    metadata_bytes: int = 2**17


DEFAULT = Limits()

GROWN = replace(
    DEFAULT,
    nodes=2 * DEFAULT.nodes,
    initialisers=2 * DEFAULT.initialisers,
    name_bytes=DEFAULT.name_bytes + 128,
    metadata_bytes=2 * DEFAULT.metadata_bytes,
)
"""For what importing and quantising made of a file that keeps to DEFAULT."""


@dataclass(frozen=True, slots=True)
class ProbeLimits:
    """For running a model once. `output_bytes` bounds all its outputs together."""

    seconds: float = 60.0
    memory_bytes: int = 3 * 1024 * MEBIBYTE
    memory_per_byte: int = 4
    output_bytes: int = 64 * MEBIBYTE


DEFAULT_PROBE = ProbeLimits()
