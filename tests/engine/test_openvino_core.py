"""One OpenVINO a process, whoever asks for it, and said where it does not begin."""

from __future__ import annotations

from typing import Any

import openvino
import pytest

from inference_worker.engine.backends import openvino_core
from inference_worker.engine.backends.openvino import OpenVinoBackend
from inference_worker.engine.backends.openvino_sums import signed_sums_saturate
from inference_worker.engine.errors import LoadFailed
from tests.engine.test_onnxruntime import manifest
from tests.engine.test_openvino_int8 import whole
from tests.engine.toy import toy_network


@pytest.fixture
def unmade(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_core, "_made", [])
    signed_sums_saturate.cache_clear()


@pytest.mark.usefixtures("unmade")
def test_backends_and_what_they_ask_of_the_processor_share_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On any processor; where it has AMX a second one would cost the worker's life."""
    made: list[Any] = []
    whole = openvino.Core

    def counted() -> Any:
        made.append(whole())
        return made[-1]

    monkeypatch.setattr(openvino, "Core", counted)
    signed_sums_saturate()
    for _ in range(2):
        OpenVinoBackend(manifest(), toy_network())
    assert len(made) == 1


@pytest.mark.usefixtures("unmade")
@pytest.mark.parametrize("network", [toy_network(), whole()], ids=["float", "int8"])
def test_one_that_does_not_begin_is_a_rung_that_cannot_be_loaded(
    network: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it is not the network that is blamed."""

    def broken() -> Any:
        raise RuntimeError("Exception from core.cpp:12:\nplugins.xml is damaged\n")

    monkeypatch.setattr(openvino, "Core", broken)
    with pytest.raises(LoadFailed, match=r"^OpenVINO: plugins\.xml is damaged$"):
        OpenVinoBackend(manifest(), network)
