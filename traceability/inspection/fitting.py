"""Which template can be brought onto which photo, by their sizes alone."""

from __future__ import annotations

from traceability.inspection.models import GoldenTemplate
from traceability.lib.errors import BadInput
from traceability.lib.images import ImageFacts

MIN_SIDE = 64
MOST_ENLARGED = 2.0


def check_size(template: ImageFacts, field: str) -> None:
    """Raises `BadInput` for one too small to tell boards apart by."""
    if min(template.width, template.height) < MIN_SIDE:
        text = (
            f"The template has {template.width} × {template.height} pixels; "
            f"at least {MIN_SIDE} a side are needed."
        )
        hint = "Send the photo of a faultless unit as the camera takes it."
        raise BadInput(text, code="template_small", hint=hint, fields={field: [text]})


def check_shape(photo: ImageFacts, template: ImageFacts) -> None:
    """Raises `BadInput` for a template that cannot be scaled to its photo."""
    check_size(template, "image_of_template")
    misfit = _misfit(template, photo)
    if misfit:
        text = (
            f"The template has {template.width} × {template.height} pixels, "
            f"the photo {photo.width} × {photo.height}: {misfit}."
        )
        raise BadInput(
            text,
            code="template_mismatch",
            hint="Send a template of the photo's size, or of its proportions and "
            "at least half as large.",
            fields={"image_of_template": [text]},
        )


def misshapen(golden: GoldenTemplate, photo: ImageFacts) -> list[dict[str, str]]:
    """A warning when the stored template cannot be scaled to the photo."""
    misfit = _misfit(golden, photo)
    if not misfit:
        return []
    text = (
        f"The golden template of {golden} has {golden.width} × {golden.height} pixels, "
        f"the photo {photo.width} × {photo.height}: {misfit}; "
        "models that compare refuse it."
    )
    return [{"code": "template_mismatch", "message": text}]


def _misfit(template: ImageFacts | GoldenTemplate, photo: ImageFacts) -> str:
    """What forbids to scale it to the photo, as `engine/registration.py` sees it."""
    if not photo.shaped_like(template.width, template.height):
        return "another shape"
    enlarged = max(photo.width / template.width, photo.height / template.height)
    if enlarged > MOST_ENLARGED:
        return "too small to compare with"
    return ""
