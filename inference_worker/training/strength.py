"""How far views may differ from their images."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Strength:
    """How far a view may differ from its image; `recipe` chooses from the data.

    `plain` is the share of images left in their pose; `zoom` the largest log of
    the scale, `shift` the largest move in sides. `turns` (4 quarter turns, 2 half
    turns, 1 none) and `mirror` say which symmetries keep the meaning, `tilt` is in
    radians. `mosaic` and `heal` are probabilities (of an image, of a box). `light`,
    `contrast`, `tint`, `noise` and `blur` act on values 0..1 of about half of the
    images, and `slip` moves the template, in pixels. `crisp` views are black and
    white again in the end, with edges a little elsewhere.
    """

    plain: float = 0.35
    zoom: float = 0.35
    shift: float = 0.3
    turns: int = 4
    mirror: bool = True
    tilt: float = 0.0
    mosaic: float = 0.5
    heal: float = 0.25
    light: float = 0.1
    contrast: float = 0.3
    tint: float = 0.06
    noise: float = 0.05
    blur: float = 0.3
    slip: float = 2.0
    crisp: bool = False
