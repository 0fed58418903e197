"""Every code of the analysis has words, in both languages."""

from __future__ import annotations

import pytest
from django.utils import translation

from analytics.core.separation import ACTIONS
from tests.dashboards import frames
from tests.dashboards.factories import CauseFactory
from traceability.attribution import wording
from traceability.attribution.models import Cause
from traceability.attribution.phrases import (
    COMPARISONS,
    CONFIDENCE,
    EXPOSED,
    HEADINGS,
    KINDS,
)

CODES = {
    "equipment",
    "operator",
    "shift",
    "tool",
    "lot",
    "supplier",
    "parameter_above",
    "parameter_below",
    "parameter_above_on_equipment",
    "parameter_below_on_equipment",
    "age_above",
    "age_above_on_equipment",
    "lot_on_equipment",
}


def test_every_code_has_a_heading_and_a_sentence():
    assert set(HEADINGS) == CODES
    assert set(EXPOSED) == CODES
    assert set(COMPARISONS) == set(ACTIONS.values())


def cause(**fields):
    return CauseFactory.build(problem=None, **fields)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_nothing_is_left_open_in_a_sentence(language):
    with translation.override(language):
        for fields, _ in frames.causes():
            said = wording.sentence(cause(**fields))
            assert "?" not in said
            assert "{" not in said


def test_a_sentence_says_associated_and_never_caused():
    said = wording.sentence(cause())
    assert "associated" in said
    assert "caus" not in said


def test_an_unknown_code_still_says_what_it_is_about():
    said = wording.heading(
        Cause(kind="moon", factor="moon", level="full", statement={"code": "moon"})
    )
    assert said == "moon: full"


def test_a_missing_parameter_does_not_break_a_page():
    assert wording.heading(cause(statement={"code": "lot"})) == "Lot ? of ?"


@pytest.mark.parametrize(
    ("confidence", "word"),
    [(0.99, "almost certain"), (0.8, "very likely"), (0.5, "likely"), (0.0, "weak")],
)
def test_confidence_has_a_word(confidence, word):
    assert wording.confidence_word(confidence) == word
    assert [least for least, _ in CONFIDENCE] == sorted(
        (least for least, _ in CONFIDENCE), reverse=True
    )


def test_ratios_round_as_people_expect():
    assert wording.ratio(4.56) == "4.6"
    assert wording.ratio(9.96) == "10"


def test_kinds_name_themselves_when_unknown():
    assert wording.kind_label("moon") == "moon"
    assert wording.kind_label("lot") == str(KINDS["lot"])
