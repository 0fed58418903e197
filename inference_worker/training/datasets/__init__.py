"""From a labelled folder on disk (COCO, Pascal VOC, YOLO) to clean records.

`read_folder` looks at every file before it says yes or no, `report` tells people what
it saw, `split` holds images back, `choose_part` says which. Pixels stay on disk:
whoever wants them calls the engine's `decode_file`. docs/labelled-folders.md says what
is refused.
"""

from __future__ import annotations

from inference_worker.training.datasets.holding import choose_part, split
from inference_worker.training.datasets.reading import read_folder
from inference_worker.training.datasets.records import Labelled, Listing, Remark
from inference_worker.training.datasets.reporting import report

__all__ = [
    "Labelled",
    "Listing",
    "Remark",
    "choose_part",
    "read_folder",
    "report",
    "split",
]
