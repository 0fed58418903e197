"""The demo from an empty folder to an answer: install, push, photograph, analyse."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from traceability.demo.photos import photos_of
from traceability.demo.plan import FactoryPlan
from traceability.demo.player import answers, cameras, mes, screen
from traceability.demo.player.client import Client
from traceability.demo.player.site import Keys, install, new_keys, put_on_call
from traceability.demo.player.state import State

ANSWER = "answer.json"


@dataclass(frozen=True)
class Outcome:
    """The demo's result, as its last line tells it; `seconds` since it was started."""

    plants: int
    found_first: int
    decoys_above: int
    units: int
    inspected: int
    seconds: float

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @property
    def passed(self) -> bool:
        return self.found_first == self.plants


@dataclass
class Player:
    """Plays `plan` to the site that serves `folder` at `host`:`port`."""

    plan: FactoryPlan
    folder: Path
    host: str
    port: int
    state: State
    console: Console
    phases: dict[str, float] = field(default_factory=dict)
    """Seconds that each part took in this run."""

    def play(self) -> Keys:
        """Bring the site up to the end of the plan; what is there already stays."""
        keys = new_keys(install(self.folder))
        if not self.state.complete:
            self._fill(keys)
            self.state = self.state.finished()
            self.state.save(self.folder)
        return keys

    def _fill(self, keys: Keys) -> None:
        client = self._client(keys.mes)
        rows, photos = mes.all_rows(self.plan), photos_of(self.plan)
        known = answers.known_photos(client)
        photos = [photo for photo in photos if photo.external_id not in known]
        with screen.progress() as bars:
            pushed = bars.add_task("MES pushes", total=sum(map(len, rows.values())))
            uploaded = bars.add_task("Cameras upload", total=len(photos))
            inspected = bars.add_task("Photos inspected", total=len(photos))
            analysed = bars.add_task("Lines analysed", total=None)
            with self._phase("push"):
                mes.push(client, rows, lambda n: bars.advance(pushed, n))
            put_on_call()
            with self._phase("photos"):
                cameras.take_photos(
                    lambda: self._client(keys.camera),
                    photos,
                    lambda n: bars.advance(uploaded, n),
                    lambda n: bars.advance(inspected, n),
                )
            with self._phase("analysis"):
                lines = answers.analyse(client)
            bars.update(analysed, total=lines, completed=lines)

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        screen.note(f"{name} …")
        yield
        self.phases[name] = round(time.monotonic() - started, 1)

    def judge(self, keys: Keys, started: float) -> Outcome:
        """Read the answer through the API, show it, and hold it against the plan.

        `started`: seconds since 1970. What is found out is also left in the folder.
        """
        plan, client = self.plan, self._client(keys.mes)
        problems = answers.read_problems(client)
        seen = answers.read_inspections(client)
        detected = answers.detection(plan, seen)
        findings = answers.findings(problems, plan.truth)
        decoys = answers.decoys_above(problems, plan.truth)
        self.console.print(screen.causes_table(problems))
        self.console.print(screen.plants_table(findings, decoys))
        self.console.print(screen.detection_line(detected))
        outcome = Outcome(
            plants=len(findings),
            found_first=sum(found.first for found in findings),
            decoys_above=len(decoys),
            units=len(plan.frames["units"]),
            inspected=len(seen),
            seconds=round(time.time() - started, 1),
        )
        self._leave(
            answers.report(problems, plan.truth)
            | {"detection": asdict(detected), "phases": self.phases}
            | {"outcome": asdict(outcome)}
        )
        return outcome

    def _leave(self, answer: dict[str, Any]) -> None:
        path = self.folder / ANSWER
        path.write_text(json.dumps(answer, indent=1), encoding="utf-8")

    def _client(self, key: str) -> Client:
        return Client(self.host, self.port, key)
