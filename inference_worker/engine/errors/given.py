"""What is wrong with an image, a template, a dataset, a manifest, a path."""

from __future__ import annotations

from inference_worker.engine.errors.base import EngineError


class ImageError(EngineError):
    """This one image cannot be inspected; the next one may."""


class ImageTooLarge(ImageError):
    """Refused from its header, before any pixel was decoded (HTTP 413)."""

    code = "image_too_large"
    hint = "Send at most 20 MB and 50 megapixels."


class ImageUnreadable(ImageError):
    """Not a picture, or not all of one (HTTP 422)."""

    code = "image_unreadable"
    hint = "Send a complete JPEG, PNG, BMP, TIFF or WebP file of 8 or 16 bits."


class CameraMismatch(ImageError):
    """The photo differs in size from what its station's camera was calibrated at."""

    code = "camera_mismatch"
    hint = "Set the camera back to that resolution, or calibrate the station anew."


class TemplateError(EngineError):
    """The model compares with a golden image, and this one does not fit the image."""

    code = "template_mismatch"
    hint = "Give each image a template of the same proportions."


class TemplateMissing(TemplateError):
    """The model compares with a golden image, and none was given."""

    code = "template_missing"
    hint = "Give each image its template."


class DatasetError(EngineError):
    """A labelled folder that cannot be used; the message names file and entry."""

    code = "dataset_invalid"
    hint = "docs/labelled-folders.md says how labels and images must lie."


class LeadsOut(DatasetError):
    """A label that lies, its links followed, outside its folder: it is not read."""


class PackageMissing(EngineError):
    """A Python package that this kind of file needs is not installed here."""

    code = "package_missing"
    hint = "Install it with: pip install -r requirements.txt"


class SystemRefused(EngineError):
    """What the operating system said when something was read or written."""

    code = "system_refused"
    hint = "Look at the rights to that path, and at the room that is left there."


class ManifestError(EngineError):
    code = "manifest_invalid"
    hint = "Take the version folder again from where it was released."
