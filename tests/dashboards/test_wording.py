"""Every code of the analysis has words, in both languages."""

from __future__ import annotations

import pytest
from django.utils import translation

from analytics.core.separation import ACTIONS
from tests.dashboards import frames
from tests.dashboards.factories import CauseFactory, ProblemFactory
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


PARTS = [
    {
        "code": "parameter_below",
        "params": {
            "operation": "OP1",
            "parameter": "air - process",
            "threshold": 8.6,
            "unit_of_measure": "K",
        },
    },
    {
        "code": "parameter_below",
        "params": {
            "operation": "OP1",
            "operation_name": "Milling",
            "parameter": "speed",
            "threshold": 1380.0,
            "unit_of_measure": "rpm",
        },
    },
]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_two_that_only_do_harm_together_are_both_said(language):
    pair = cause(statement={"code": "together", "params": {"parts": PARTS}})
    with translation.override(language):
        for said in (wording.heading(pair), wording.sentence(pair)):
            for word in ("air - process", "8.6 K", "1380 rpm", "Milling"):
                assert word in said
            assert "?" not in said


def test_a_name_that_people_know_stands_for_the_code():
    params = {"lot": "L7", "material": "DF", "material_name": "Dry film"}
    assert wording.heading(cause(statement={"code": "lot", "params": params})) == (
        "Lot L7 of Dry film"
    )
    params = {"factor": "temp", "factor_name": "Temperature", "units": 9}
    said = wording.separation({"code": "set_back_parameter", "params": params})
    assert "set Temperature at" in said


@pytest.mark.parametrize(
    ("confidence", "said"), [(1.0, "> 99 %"), (0.991, "> 99 %"), (0.99, "99 %")]
)
def test_nothing_is_ever_said_to_be_sure(confidence, said):
    assert wording.confidence_share(confidence) == said


@pytest.mark.parametrize(
    ("question", "share", "word"),
    [
        ("excursion", 0.02, "nearly all"),
        ("excursion", 1.0, "hardly any"),
        ("chronic", 0.5, "of the defects"),
        ("chronic", None, ""),
    ],
)
def test_what_stays_unexplained_has_words(question, share, word):
    problem = ProblemFactory.build(
        run=None, defect_class=None, question=question, unexplained_share=share
    )
    assert word in wording.unexplained(problem)
