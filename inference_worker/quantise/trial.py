"""Try every method, measure what the line would see, keep the best."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx

from inference_worker.engine.api import Detector
from inference_worker.engine.backends.base import Backend
from inference_worker.engine.backends.registry import open_backend
from inference_worker.engine.coco import Sample
from inference_worker.engine.decode import decode_file
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.metrics import Metrics
from inference_worker.engine.types import FloatArray
from inference_worker.evaluation import find_all, measure
from inference_worker.golden import read_template
from inference_worker.progress import shown
from inference_worker.quantise.calibration import Halves
from inference_worker.quantise.graph import prepared, quantised_convolutions
from inference_worker.quantise.qdq import quantised
from inference_worker.quantise.ranges import METHODS, ranges_of

log = logging.getLogger(__name__)

BACKENDS = ("openvino", "onnxruntime")
"""Both compute int8 on a CPU, in their own ways: what one loses the other may keep."""

MOST_DROP = 0.005
"""Of mAP@0.5, as a fraction: beyond it nothing is written."""

MOST_F_DROP = 0.01
"""Of F at the shipped threshold, which a few boxes near it move."""

_FLOAT = "f32"
_INT8 = "int8"


@dataclass(frozen=True)
class Trial:
    """One method's file and what it reaches on each backend."""

    method: str
    model: bytes
    figures: Mapping[str, Metrics]


@dataclass(frozen=True)
class Trials:
    """All of them, beside what the model reaches in float, on the images that judge.

    `choosing` is the same on other images, which say what is best: whoever is the best
    of three on some images looks better there than it is. None where all do both.
    """

    base: Mapping[str, Metrics]
    tried: Sequence[Trial]
    choosing: Trials | None = None

    def drop(self, trial: Trial) -> float:
        """Of mAP@0.5 on the backend that loses more, as a fraction; below 0: a gain."""
        return max(
            base.map50 - trial.figures[name].map50 for name, base in self.base.items()
        )

    def f_drop(self, trial: Trial) -> float:
        """The same of F at the shipped threshold: what a line would see."""
        return max(base.f - trial.figures[name].f for name, base in self.base.items())

    def strain(self, trial: Trial) -> float:
        """The larger drop as a share of what is allowed; above 1 it is too much."""
        return max(self.drop(trial) / MOST_DROP, self.f_drop(trial) / MOST_F_DROP)

    def worst_class(self, trial: Trial) -> tuple[str, float]:
        """Which loses most of its AP@0.5, on any backend, and how much."""
        drops = [
            (one.ap50 - found.ap50, label)
            for name, base in self.base.items()
            for label, one in base.per_class.items()
            if (found := trial.figures[name].per_class[label]).ap50 is not None
            and one.ap50 is not None
        ]
        drop, label = max(drops)
        return label, drop

    @property
    def best(self) -> Trial:
        """The first of those under the least strain, where that is chosen."""
        chooser = self.choosing or self
        method = min(chooser.tried, key=chooser.strain).method
        return next(one for one in self.tried if one.method == method)


def run_trials(
    manifest: Manifest,
    model: bytes,
    calibration: Sequence[Sample],
    validation: Sequence[Sample],
    halves: Halves | None,
    threads: int | None = None,
) -> Trials:
    """Measure ranges on `calibration`, precision on `validation`, each of its `halves`
    for itself.

    Raises QuantisationError for a model that cannot be quantised, ImageError or
    TemplateError for an image that cannot be read.
    """
    files = candidates(manifest, model, calibration, threads)
    every = range(len(validation))
    parts = [halves.judging, halves.choosing] if halves else [every]

    def reached(model: bytes, precision: str) -> list[dict[str, Metrics]]:
        """By backend, for each part of the images."""
        figures: list[dict[str, Metrics]] = [{} for _ in parts]
        for name in BACKENDS:
            runner = open_backend(
                name, manifest, model, threads=threads, precision=precision
            )
            for part, one in zip(
                figures, _measured(runner, validation, parts), strict=True
            ):
                part[name] = one
        return figures

    bases = reached(model, _FLOAT)
    tried: list[list[Trial]] = [[] for _ in parts]
    for method, data in files.items():
        for trials, figures in zip(tried, reached(data, _INT8), strict=True):
            trials.append(Trial(method, data, figures))
        _say(tried[0][-1], bases[0])
    judged, *choosing = map(Trials, bases, tried)
    return replace(judged, choosing=next(iter(choosing), None))


def candidates(
    manifest: Manifest,
    model: bytes,
    calibration: Sequence[Sample],
    threads: int | None = None,
) -> dict[str, bytes]:
    """A quantised file for each of METHODS."""
    graph = prepared(onnx.load_model_from_string(model))
    tensors = sorted({one.input[0] for one in quantised_convolutions(graph.graph)})
    runner = open_backend(
        "onnxruntime", manifest, model, threads=threads, precision=_FLOAT
    )
    views = shown(_views(runner, calibration), len(calibration), "calibrating")
    ranges = ranges_of(graph, tensors, views, threads)
    return {method: quantised(graph, ranges[method]) for method in METHODS}


def _views(runner: Backend, samples: Sequence[Sample]) -> Iterator[FloatArray]:
    """What the network sees of each sample, one by one."""
    for sample in samples:
        image = decode_file(sample.path)
        wanted = runner.manifest.input.channels == 6
        template = [read_template(sample.template)] if wanted else None
        for batch in runner.pre_process(runner.sources([image], template)):
            planes = batch.pixels.transpose(0, 3, 1, 2).astype(np.float32)
            yield np.ascontiguousarray(planes / np.float32(255))


def _measured(
    runner: Backend, samples: Sequence[Sample], parts: Sequence[Sequence[int]]
) -> list[Metrics]:
    """The figures on each part, from one look at each sample."""
    detector = Detector(runner)
    label = f"measuring {runner.name} {runner.precision}"
    found = list(shown(find_all(detector, samples), len(samples), label))
    return [
        measure(detector, [samples[i] for i in part], [found[i] for i in part])
        for part in parts
    ]


def _say(trial: Trial, base: Mapping[str, Metrics]) -> None:
    told = ", ".join(
        f"{name} {metrics.map50:.4f} ({metrics.map50 - base[name].map50:+.4f}),"
        f" F {metrics.f:.4f} ({metrics.f - base[name].f:+.4f})"
        for name, metrics in trial.figures.items()
    )
    log.info("%s: mAP@0.5 %s", trial.method, told)
