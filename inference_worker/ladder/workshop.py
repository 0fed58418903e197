"""Bring a rung to where it may take traffic: verified, loaded, warm, and right."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from inference_worker.engine.api import Detector
from inference_worker.engine.engines import Engine, recheck
from inference_worker.engine.errors import LoadFailed
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.store import MODEL, Version, open_adopted
from inference_worker.ladder.opening import Opened, identity_of, open_rung
from inference_worker.ladder.reasons import Stage, falling
from inference_worker.ladder.reference import Reference, reference_of
from inference_worker.ladder.rungs import BUILT, Rung
from inference_worker.memory import Room

REPLICATED = (BUILT,)
"""Backends that may be brought up twice. Not ONNX Runtime on the card: while a session
records its CUDA graphs, nothing else of this process may take memory there.
"""


@dataclass(frozen=True)
class Recipe:
    """What every rung is made from. The version is settled once: one that is adopted
    later is not taken by a rung that is climbed to, but at the next start.
    """

    data: Path
    model: str
    version: str
    precision: str | None = None
    threads: int | None = None

    @classmethod
    def of(
        cls,
        data: Path,
        model: str,
        precision: str | None = None,
        threads: int | None = None,
    ) -> Self:
        """Of the latest adopted version. Raises StoreError."""
        found = open_adopted(data, model, None)
        return cls(data, model, found.manifest.version, precision, threads)

    def open_version(self) -> Version:
        """Read and verified anew. Raises StoreError, ManifestError."""
        return open_adopted(self.data, self.model, self.version)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "data": str(self.data)}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Self:
        return cls(**{**told, "data": Path(told["data"])})


@dataclass
class Workshop:
    """Makes detectors of rungs. One thread at a time per detector; any may ask.

    `room` says whether a card has place for one more model.
    """

    recipe: Recipe
    room: Room | None = None
    manifest: Manifest = field(init=False)
    _references: dict[str, Reference] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.manifest = self.recipe.open_version().manifest

    def bring_up(self, rung: Rung) -> Opened:
        """A detector that was right on the golden picture. Raises Fallen, with nothing
        left of it.
        """
        with falling(Stage.LOAD):
            if self.room is not None and rung.on_card:
                self.room.check_before_loading()
            opened = open_rung(rung, self.recipe)
        detector = opened.detector
        try:
            with falling(Stage.LOAD):
                self._check_same_input(detector)
            with falling(Stage.WARM_UP):
                detector.runner.warm_up()
                if self.room is not None and rung.on_card:
                    self.room.check_loaded(detector.runner)
                self.check(detector)
        except BaseException:
            detector.close()
            raise
        return opened

    def replica(self, rung: Rung, source: Version | Engine) -> Detector | None:
        """One more of what stands on that rung, made of the same files, where the plan
        of the card's memory says that it pays. Raises Fallen.
        """
        if self.room is None or rung.backend not in REPLICATED:
            return None
        with falling(Stage.LOAD):
            if not self.room.pays_more(_size(source)):
                return None
        opened = self.bring_up(rung)
        if opened.source.manifest.files != source.manifest.files:
            opened.detector.close()  # another was built meanwhile: for the next start
            return None
        return opened.detector

    def recheck(self, source: Version | Engine) -> None:
        """Raises StoreError when what runs may not run any more: a key was revoked,
        its last day is over.
        """
        recheck(self.recipe.data, source)

    def identity(self, rung: Rung) -> str:
        """See `identity_of`."""
        return identity_of(rung, self.recipe)

    def check(self, detector: Detector) -> None:
        """Raises WrongNumbers unless it sees the right things on the golden picture."""
        self.reference(detector.version).check(detector)

    def reference(self, version: str | None = None) -> Reference:
        """Of a version of the model, this recipe's unless one is named."""
        version = version or self.recipe.version
        if version not in self._references:
            found = open_adopted(self.recipe.data, self.recipe.model, version)
            self._references[version] = reference_of(found, self.recipe.data)
        return self._references[version]

    def _check_same_input(self, detector: Detector) -> None:
        """A batch that one rung could not look at must fit the next one."""
        wanted = self.manifest.input.channels
        given = detector.runner.manifest.input.channels
        if given != wanted:
            raise LoadFailed(
                f"{detector.model} {detector.version} takes {given} channels, version"
                f" {self.manifest.version} takes {wanted}"
            )


def _size(source: Version | Engine) -> int:
    """Bytes of the file that is loaded; of a version the network in float."""
    if isinstance(source, Engine):
        return source.manifest.plan.size
    return source.manifest.files[MODEL].size
