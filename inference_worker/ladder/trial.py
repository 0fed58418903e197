"""Try a rung in a process of its own, so that ours cannot die of it or be kept waiting.

Run as `python -m inference_worker.ladder.trial`: a request on stdin, an answer on
stdout.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from inference_worker.ladder.errors import TriedToDeath
from inference_worker.ladder.reasons import Fallen, Reason, Stage
from inference_worker.ladder.rungs import Rung
from inference_worker.ladder.workshop import Recipe, Workshop
from inference_worker.untrusted import kernel

SECONDS = 120.0
REPOSITORY = Path(__file__).resolve().parents[2]


def try_apart(rung: Rung, workshop: Workshop) -> None:
    """Raises Fallen when it could not be brought up, or the process died of it."""
    workshop.reference()  # made here and once, not by whoever is thrown away
    told = {"rung": asdict(rung), "recipe": workshop.recipe.to_json()}
    request = {**told, "caller": os.getpid()}
    answer = _ask(request)
    if answer:
        stage, reason = Stage(answer["stage"]), Reason(answer["reason"])
        raise Fallen(stage, reason, answer["code"], answer["message"])


def _ask(request: dict[str, Any]) -> dict[str, Any]:
    try:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "inference_worker.ladder.trial"],
            cwd=REPOSITORY,
            input=json.dumps(request),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=SECONDS,
        )
        answer: dict[str, Any] = json.loads(done.stdout.rpartition("\n")[2])
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        died = TriedToDeath(f"the process that tried it came to nothing: {error}")
        raise Fallen.of(died, Stage.LOAD) from error
    return answer


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    """Empty when all is well."""
    workshop = Workshop(Recipe.from_json(request["recipe"]))
    try:
        workshop.bring_up(Rung(**request["rung"])).detector.close()
    except Fallen as fallen:
        return {
            "stage": fallen.stage,
            "reason": fallen.reason,
            "code": fallen.code,
            "message": str(fallen),
        }
    return {}


def _end_with(caller: int) -> None:
    """Else it would go on filling the card beside the worker that comes next."""
    with suppress(OSError):
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != caller:  # it has ended already
        sys.exit()


if __name__ == "__main__":
    request = json.load(sys.stdin)
    _end_with(request.pop("caller"))
    sys.stdout.write(f"\n{json.dumps(_answer(request))}")
