"""The families that foreign detectors are recognised as."""

from __future__ import annotations

from inference_worker.importing.dense import YoloV5, YoloV8, Yolox
from inference_worker.importing.family import Family
from inference_worker.importing.queries import RfDetr, RtDetr
from inference_worker.importing.rows import EndToEnd, UltralyticsRtDetr

FAMILIES: dict[str, Family] = {
    family.key: family
    for family in (
        YoloV8(),
        YoloV5(),
        EndToEnd(),
        UltralyticsRtDetr(),
        Yolox(),
        RtDetr(),
        RfDetr(),
    )
}
