"""What a drawn training sample is mixed from, each part with a switch."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from traceability.demo.boards.camera import Camera, Look
from traceability.demo.boards.model import Style


@dataclass(frozen=True)
class Ingredients:
    """Which kinds of variety `draw_sample` mixes in.

    A switch turned off leaves the random stream of a sample as it is wherever it
    can, so that boards with and without it differ by the ingredient alone.

    `scenes`: five kinds of layout, else only "mixed". `widths`: track widths 5 to
    15, else 9. `tilt`: whole layouts turned. `etching`: wavy edges. `slips`: single
    scan lines moved. `dust`: single pixels turned over. `scanner`, `grey`,
    `colour`: kinds of camera; with none of them, the 1-bit scanner. `optics`:
    blur, noise, uneven light, JPEG. `pose`: small turns and shifts of the photo.
    `products`: a share of photos as the demo factory takes them. `loose_boxes`:
    boxes of uneven margin. `normal_boards`: boards without a defect.
    `template_wear`: the template is another exposure with its own edges, noise
    and registration, else the very photo without the defects.
    """

    scenes: bool = True
    widths: bool = True
    tilt: bool = True
    etching: bool = True
    slips: bool = True
    dust: bool = True
    scanner: bool = True
    grey: bool = True
    colour: bool = True
    optics: bool = True
    pose: bool = True
    products: bool = True
    hand_made: bool = True
    bright_grey: bool = True
    loose_boxes: bool = True
    normal_boards: bool = True
    template_wear: bool = True

    @property
    def looks(self) -> tuple[Look, ...]:
        """The kinds of camera; the scanner if all are switched off."""
        kinds: dict[Look, bool] = {
            "binary": self.scanner,
            "grey": self.grey,
            "colour": self.colour,
        }
        return tuple(kind for kind, on in kinds.items() if on) or ("binary",)

    def without(self, name: str) -> Ingredients:
        """These ingredients less one; ValueError for a name that is none of them."""
        if name not in NAMES:
            raise ValueError(f"no ingredient {name!r}; there are {', '.join(NAMES)}")
        return replace(self, **{name: False})


NAMES = tuple(field.name for field in fields(Ingredients))
ALL = Ingredients()
SCANNER_ONLY = Ingredients(**{name: name == "scanner" for name in NAMES})


def plainer(style: Style, ingredients: Ingredients) -> Style:
    """The style less what is switched off."""
    if not ingredients.scenes:
        style = replace(style, scene="mixed")
    if not ingredients.widths:
        room = (style.clearance - 2.0) / style.unit
        style = replace(style, unit=9.0, clearance=room * 9.0 + 2.0)
    return replace(
        style,
        angle_deg=style.angle_deg if ingredients.tilt else 0.0,
        roughness=style.roughness if ingredients.etching else 0.0,
        row_jitter=style.row_jitter if ingredients.slips else 0,
    )


def steadier(camera: Camera, ingredients: Ingredients) -> Camera:
    """The camera less the optics and the pose that are switched off."""
    if not ingredients.optics:
        camera = replace(camera, blur=0.0, noise=0.0, light=0.0, jpeg=0)
    if not ingredients.pose:
        camera = replace(camera, rotation_deg=0.0, shift_x=0.0, shift_y=0.0)
    return camera
