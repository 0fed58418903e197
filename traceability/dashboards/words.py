"""Words that only the pages need."""

from __future__ import annotations

from typing import Protocol

from django.utils.translation import get_language, gettext_lazy

TASKS = {
    "inference_worker.inspect": gettext_lazy("Inspect a photo"),
    "analytics.analyse_line": gettext_lazy("Look for causes"),
}

STAGES = {
    "receive": gettext_lazy("receive"),
    "check": gettext_lazy("check"),
    "store": gettext_lazy("write to disk"),
    "read": gettext_lazy("read file"),
    "decode": gettext_lazy("decode"),
    "preprocess": gettext_lazy("prepare"),
    "queue": gettext_lazy("queue"),
    "wait": gettext_lazy("wait for a batch"),
    "hop": gettext_lazy("change of detector"),
    "infer": gettext_lazy("detect"),
    "inference": gettext_lazy("detect"),
    "forward": gettext_lazy("detect"),
    "postprocess": gettext_lazy("boxes"),
    "write": gettext_lazy("store"),
    "total": gettext_lazy("total"),
}


class Named(Protocol):
    """A defect class, as a row of the database or of a count."""

    @property
    def code(self) -> str: ...
    @property
    def name_en(self) -> str: ...
    @property
    def name_zh(self) -> str: ...


def class_name(named: Named) -> str:
    """The class in the reader's language; its code when nobody has named it."""
    chinese = (get_language() or "").startswith("zh")
    return (named.name_zh if chinese else named.name_en) or named.code


def task_name(task: str) -> str:
    return str(TASKS.get(task, task))


def stage_name(stage: str) -> str:
    return str(STAGES.get(stage.removesuffix("_ms"), stage))
