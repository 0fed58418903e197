"""Look at one image in a process of its own, which may die of it.

The last attempt at an image that seems to kill workers is made here: if this process
dies too, the image did it, and if the worker dies meanwhile, the image did not.
Run as `python -m inference_worker.isolation`: a request on stdin, an answer on stdout.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inference_worker.engine.decode import decode_file
from inference_worker.engine.errors import EngineError, ImageError, TemplateError
from inference_worker.engine.optics import Optics
from inference_worker.engine.types import Detections
from inference_worker.golden import read_template
from inference_worker.ladder.opening import open_rung
from inference_worker.ladder.rungs import Rung
from inference_worker.ladder.workshop import Recipe

if TYPE_CHECKING:  # this process of its own needs no Django
    from traceability.inspection.results import Detector

TIMEOUT_SECONDS = 60
REPOSITORY = Path(__file__).resolve().parents[1]
# Each loads a model of its own, so one at a time.
_turn = threading.Lock()


class Apart(Exception):
    """It did not work out there; `final` says that it never will."""

    def __init__(self, code: str, message: str, *, final: bool) -> None:
        super().__init__(message)
        self.code, self.final = code, final


@dataclass(frozen=True)
class Aside:
    """Looks with `rung`: the last one, which needs no room on a card, and cannot be
    what the others died of.
    """

    rung: Rung
    recipe: Recipe

    def look(
        self, image: Path, template: Path | None, optics: Optics | None = None
    ) -> tuple[Detections, Detector]:
        """What is seen on the image, and by what. Raises Apart, FileNotFoundError."""
        request = {
            "rung": asdict(self.rung),
            "recipe": self.recipe.to_json(),
            "image": str(image.resolve(strict=True)),
            "template": str(template.resolve(strict=True)) if template else None,
            "optics": optics.to_json() if optics else None,
        }
        with _turn:
            answer = _ask(request)
        if "error" in answer:
            raise Apart(answer["error"], answer["message"], final=answer["final"])
        return Detections.of(**answer["found"]), _detector(answer["detector"])


def _detector(told: dict[str, Any]) -> Detector:
    from traceability.inspection.results import Detector

    return Detector(**{**told, "classes": tuple(told["classes"])})


def _ask(request: dict[str, Any]) -> dict[str, Any]:
    try:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "inference_worker.isolation"],
            cwd=REPOSITORY,
            input=json.dumps(request),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=TIMEOUT_SECONDS,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        text = f"Every process that looked at this image died: {error}"
        raise Apart("worker_lost", text, final=False) from error
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        recipe = Recipe.from_json(request["recipe"])
        detector = open_rung(Rung(**request["rung"]), recipe).detector
        image = decode_file(Path(request["image"]))
        golden = request["template"]
        templates = [read_template(Path(golden))] if golden else None
        told = request["optics"]
        optics = Optics.from_json(told) if told else None
        (found,) = detector.infer([image], templates, [optics])
    except EngineError as error:
        final = isinstance(error, ImageError | TemplateError)
        return {"error": error.code, "message": str(error), "final": final}
    return {
        "found": {
            "boxes": found.boxes.tolist(),
            "scores": found.scores.tolist(),
            "class_ids": found.class_ids.tolist(),
        },
        "detector": {
            "model": detector.model,
            "version": detector.version,
            "backend": detector.backend,
            "precision": detector.precision,
            "classes": detector.classes,
            "wants_template": detector.wants_templates,
        },
    }


if __name__ == "__main__":
    print(json.dumps(_answer(json.load(sys.stdin))))
