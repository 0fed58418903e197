"""Whether every image can be used, before minutes of work."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from inference_worker.engine.coco import Sample
from inference_worker.engine.decode import decode_file
from inference_worker.engine.errors import DatasetError, ImageError, TemplateError
from inference_worker.engine.registration import fit
from inference_worker.golden import read_template
from inference_worker.progress import shown

_THREADS = 16


def check_usable(folder: Path, samples: Sequence[Sample], templates: bool) -> None:
    """Decode each image, with `templates` its golden image too, and see that it fits.

    DatasetError names all files that are broken, missing or of another board, with the
    reason of each. A few images are in memory at a time.
    """
    threads = min(_THREADS, len(os.sched_getaffinity(0)))
    with ThreadPoolExecutor(threads) as pool:
        looked = pool.map(partial(_fault, templates=templates), samples)
        faults = list(shown(looked, len(samples), "checking images"))
    lines = [f"  {fault}" for fault in faults if fault]
    if lines:
        files = "1 image" if len(lines) == 1 else f"{len(lines)} images"
        hint = "Repair them, or take them out of the folder and its labels."
        raise DatasetError(f"{folder}: {files} cannot be used", hint, lines)


def _fault(sample: Sample, templates: bool) -> str:
    try:
        image = decode_file(sample.path)
        if not templates:
            return ""
        template = read_template(sample.template)
    except (ImageError, TemplateError) as error:
        return str(error)
    try:
        fit(image, template)
    except TemplateError as error:
        return f"{sample.template}: {error}"
    return ""
