"""Other cameras made from one: the same at another time, the same in bright grey."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from traceability.demo.boards.camera import Camera, Colour

Rng = np.random.Generator

_ASTRAY = 0.25  # of the boards lie farther off than usual
_FARTHEST = 4.0  # pixels


def with_bright_copper(camera: Camera, rng: Rng) -> Camera:
    """The camera in grey as cameras show solder mask: pads brightest, laminate dark."""
    laminate, copper = camera.copper, min(200, camera.laminate[0])
    pads = (min(255, copper + int(rng.integers(20, 56))),) * 3
    return replace(
        camera,
        copper=(copper,) * 3,
        laminate=laminate,
        pads=pads if rng.random() < 0.6 else None,
    )


def another_moment(rng: Rng, camera: Camera) -> Camera:
    """The same camera at another time: registration, light and focus differ."""
    far = 1.6 if rng.random() < _ASTRAY else 0.7
    slip = np.clip(rng.normal(0.0, far, 2), -_FARTHEST, _FARTHEST)
    camera = replace(
        camera,
        shift_x=camera.shift_x + float(slip[0]),
        shift_y=camera.shift_y + float(slip[1]),
    )
    if camera.look == "binary":
        return camera
    gain = float(rng.uniform(0.92, 1.08))
    return replace(
        camera,
        copper=_lit(camera.copper, gain),
        laminate=_lit(camera.laminate, gain),
        pads=_lit(camera.pads, gain) if camera.pads else None,
        blur=camera.blur * float(rng.uniform(0.8, 1.25)),
        noise=camera.noise * float(rng.uniform(0.7, 1.4)),
    )


def _lit(colour: Colour, gain: float) -> Colour:
    red, green, blue = (min(255, round(level * gain)) for level in colour)
    return red, green, blue
