"""Which family a foreign network is of: by metadata, names, shapes and what it gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from inference_worker.engine.visible import quoted
from inference_worker.importing.errors import FamilyUnclear, ImportRefused
from inference_worker.importing.families import FAMILIES
from inference_worker.importing.family import GUESSED, Family, Match, Trial
from inference_worker.importing.signature import Signature

_TASKS = {
    "segment": "outlines objects pixel by pixel",
    "semantic": "labels pixels",
    "classify": "names whole pictures",
    "pose": "finds the joints of bodies",
    "obb": "finds turned boxes",
}
_MASK_PLANES = 32
_MOST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Recognised:
    """A family, and the sentence's end that says how it was known.

    `doubt` is a sentence where only the number of names speaks against a likelier one.
    """

    family: Family
    why: str
    doubt: str = ""


def refuse_other_tasks(signature: Signature) -> None:
    """ImportRefused for what the file says it is, when that is no detector."""
    task = signature.metadata.get("task", "detect")
    if task != "detect":
        does = _TASKS.get(task, f"is made for {quoted(task)}")
        raise ImportRefused(f"the network {does}; only detectors can be imported")
    planes = signature.metadata.get("channels", "3")
    if planes != "3":
        raise ImportRefused(
            f"the network was trained on {quoted(planes)} planes, not on 3 of colour"
        )


def recognise(trial: Trial, wanted: str | None, count: int | None) -> Recognised:
    """The family, `wanted` if it is given.

    `count` is how many classes the user or the file names; families that give another
    number of scores are left out where others remain. Raises FamilyUnclear when
    several fit alike, ImportRefused when none does, or `wanted` does not.
    """
    _refuse_other_outputs(trial)
    if wanted is not None:
        return _as_wanted(FAMILIES[wanted], trial)
    matches = {
        key: match
        for key, family in FAMILIES.items()
        if (match := family.match(trial)) is not None
    }
    if not matches:
        raise ImportRefused(f"no family that is known here gives {_given(trial)}")
    fitting = _with_count(matches, trial, count)
    surest = max(match.sure for match in fitting.values())
    best = {key: one for key, one in fitting.items() if one.sure == surest}
    if len(best) > 1 or surest == GUESSED:
        raise _unclear(best)
    ((key, match),) = best.items()
    return Recognised(FAMILIES[key], match.why, _doubt(matches, key, count))


def _as_wanted(family: Family, trial: Trial) -> Recognised:
    match = family.match(trial)
    if match is None:
        raise ImportRefused(
            f"the network gives {_given(trial)}, which {family.title} does not",
            "Leave --family out to see what it is taken for.",
        )
    return Recognised(family, f"--family says so, and {match.why}")


def _with_count(
    matches: Mapping[str, Match], trial: Trial, count: int | None
) -> dict[str, Match]:
    fitting = {
        key: match
        for key, match in matches.items()
        if count is None or FAMILIES[key].scores(trial) in (None, count)
    }
    return fitting or dict(matches)


def _doubt(matches: Mapping[str, Match], taken: str, count: int | None) -> str:
    likelier = [key for key, one in matches.items() if one.sure > matches[taken].sure]
    if not likelier:
        return ""
    titles = " or ".join(FAMILIES[key].title for key in likelier)
    return (
        f"It would be taken for {titles}, were there not {count} names of classes. If"
        f" that number is wrong, its scores will be too: give --family {likelier[0]}."
    )


def _unclear(matches: Mapping[str, Match]) -> FamilyUnclear:
    said = "; ".join(
        f"{FAMILIES[key].title} ({match.why})" for key, match in matches.items()
    )
    return FamilyUnclear(
        f"the network may be of more than one family: {said}", [*matches]
    )


def _refuse_other_outputs(trial: Trial) -> None:
    shapes = [one.shape for one in trial.outputs.values()]
    flat = [shape for shape in shapes if len(shape) == 3]
    masks = [shape for shape in shapes if len(shape) == 4 and shape[1] == _MASK_PLANES]
    if flat and masks:
        raise ImportRefused(
            "the network gives masks beside its boxes: it"
            f" {_TASKS['segment']}; only detectors can be imported"
        )
    if all(len(shape) == 2 for shape in shapes):
        raise ImportRefused(
            f"the network {_TASKS['classify']}; only detectors can be imported"
        )


def _given(trial: Trial) -> str:
    shapes = (
        f"{name[:_MOST_SHOWN]} {'x'.join(map(str, one.shape))}"
        for name, one in trial.outputs.items()
    )
    return ", ".join(shapes)
