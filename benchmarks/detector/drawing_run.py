"""One variant of the drawing study: draw, train, measure."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from inference_worker.engine.metrics import Metrics
from inference_worker.training.checkpoint import Checkpoint
from inference_worker.training.datasets import read_folder
from inference_worker.training.loop import Course, fit
from inference_worker.training.network import QualityNet
from inference_worker.training.pictures import Frame, Pictures, load, of_samples
from inference_worker.training.recipe import Beginning, Recipe, canvas_of, defaults_for
from inference_worker.training.run import device_of
from inference_worker.training.settings import Settings
from inference_worker.training.store import store
from inference_worker.training.validate import best_threshold, judged, predict
from traceability.demo.boards import CLASSES, Ingredients, Sample, draw_sample

_HELD = 20  # one board in so many chooses the best epoch and the threshold


def measured(args: argparse.Namespace, ingredients: Ingredients) -> dict[str, Any]:
    """The row of one variant; `args` as `drawing` parses them, with one seed."""
    (seed,) = args.seeds
    settings = Settings(
        out=Path(),
        drawn=args.boards,
        size=args.size,
        epochs=args.epochs,
        batch=args.batch,
        template=args.template,
        seed=seed,
    )
    began = time.monotonic()
    boards = drawn(settings, ingredients, max(1, (os.cpu_count() or 1) // args.at_once))
    drawing, began = time.monotonic() - began, time.monotonic()
    metrics = fit_and_score(boards, args.folder, settings, args.images)
    return {
        "variant": args.variant,
        "seed": seed,
        "boards": args.boards,
        "epochs": args.epochs,
        "template": args.template,
        "map33": metrics.map33,
        "map50": metrics.map50,
        "map5095": metrics.map5095,
        "f": metrics.f,
        "ap33": {name: one.ap33 for name, one in metrics.per_class.items()},
        "seconds_drawing": round(drawing, 1),
        "seconds_training": round(time.monotonic() - began, 1),
    }


def fit_and_score(
    boards: Pictures, folder: Path, settings: Settings, images: int = 0
) -> Metrics:
    """Train on these boards alone; precision and F on the labelled folder.

    The threshold of F comes from boards held back, never from the folder. `images`
    limits how many of the folder are looked at, 0 for all.
    """
    torch.manual_seed(settings.seed)
    device, recipe = device_of(settings), _recipe(settings)
    held = boards.take(range(0, len(boards), _HELD))
    kept = boards.take([i for i in range(len(boards)) if i % _HELD])
    stored = store(held, 1.0, device)
    course = Course(
        sets=[store(kept, 1.0, device)],
        held=stored,
        pictures=held,
        recipe=recipe,
        checkpoint=Checkpoint(None),
    )
    network = QualityNet(len(CLASSES), 6 if settings.template else 3).to(device)
    network, _ = fit(network, course)
    threshold = best_threshold([(held, predict(network, stored))])
    real = _real(folder, recipe, settings.template, images)
    found = predict(network, store(real, 1.0, device))
    return judged(real, found, threshold)


def _recipe(settings: Settings) -> Recipe:
    side = settings.size or 640
    return defaults_for(settings, settings.drawn, side, Beginning.CHANCE)


def _real(folder: Path, recipe: Recipe, template: bool, images: int) -> Pictures:
    samples = read_folder(folder, classes=CLASSES).samples[: images or None]
    frame = Frame(recipe.size, canvas_of(samples, recipe.size), grey=False)
    return load(samples, frame, CLASSES, frozenset(CLASSES), templates=template)


def drawn(settings: Settings, ingredients: Ingredients, workers: int) -> Pictures:
    """The boards of a variant; the i-th depends on seed and i alone."""
    recipe = _recipe(settings)
    return of_samples(
        _samples(settings, ingredients, workers),
        settings.drawn,
        Frame(recipe.size, recipe.canvas, grey=False),
        CLASSES,
        templates=settings.template,
    )


def _samples(
    settings: Settings, ingredients: Ingredients, workers: int
) -> Iterator[Sample]:
    jobs = [
        (settings.seed, i, settings.size or 640, ingredients)
        for i in range(settings.drawn)
    ]
    if workers == 1:
        yield from map(_draw, jobs)
        return
    with get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(_draw, jobs, chunksize=16)


def _draw(job: tuple[int, int, int, Ingredients]) -> Sample:
    cv2.setNumThreads(1)
    seed, i, size, ingredients = job
    return draw_sample(np.random.default_rng((seed, i)), size, ingredients)
