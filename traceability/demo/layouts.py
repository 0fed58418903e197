"""The board layouts that the demo's products may have.

Those of 1 to 120 on which the shipped detector finds nothing when nothing is there
(`python -m benchmarks.demo.boards`). About one drawn layout in nine has a feature that
it takes for a defect on every photo: a plant would teach it that board first.
"""

from __future__ import annotations

# fmt: off
LAYOUTS = (
    1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
    25, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 38, 39, 40, 41, 42, 43, 44, 45, 46,
    47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 61, 62, 63, 64, 65, 67, 69,
    71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90,
    91, 93, 94, 95, 96, 97, 98, 99, 101, 102, 104, 107, 108, 109, 110, 111, 112,
    113, 114, 115, 116, 117, 118, 119,
)
# fmt: on
