"""The one YAML key that is read without a YAML library."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_worker.engine.errors import DatasetError
from inference_worker.training.datasets.names import names_in_lines, names_in_yaml

WANTED = ["open circuit", "short", "bird's nest"]


@pytest.mark.parametrize(
    "text",
    [
        'names: [open circuit, short, "bird\'s nest"]',
        "names: ['open circuit', \"short\", 'bird''s nest']  # three\nnc: 3",
        "nc: 3\nnames: [open circuit,\n  short, # second\n  'bird''s nest' ]\n",
        "names:\n- open circuit\n- short\n- bird's nest\nnc: 3",
        "names:\n  - open circuit # first\n\n  # more\n  - short\n  - bird's nest\n",
        "names:\r\n  1: short\r\n  0: open circuit\r\n  2: bird's nest\r\ntrain: x",
        "names: {0: open circuit, 2: 'bird''s nest', 1: short}",
        "path: x\nkpt_names:\n  0: [nose]\nnames:\n  '0': open circuit\n  '1': short\n"
        "  '2': bird's nest",
    ],
)
def test_every_way_to_write_the_names_is_read(text: str) -> None:
    assert names_in_yaml(text, "data.yaml") == WANTED


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nc: 3", "found 0"),
        ("names: [a]\nnames: [b]", "found 2"),
        ("names: a", "expected a list"),
        ("names: [a, b", "never closed"),
        ("names: []", "no names"),
        ("names:\nnc: 2", "no names"),
        ("names: [a, a]", "'a' is there twice"),
        ("names: [a, [b]]", "cannot read|not a plain name"),
        ("names: &x [a]", "expected a list"),
        ("names:\n- *x", "not a plain name"),
        ("names:\n  0: a\n  2: b", "numbered 0 to 1"),
        ("names:\n  x: a", "cannot read"),
        ("names:\n- a: b", "not a plain name"),
    ],
)
def test_what_is_not_plain_is_refused_and_not_guessed(text: str, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        names_in_yaml(text, "data.yaml")


@given(
    st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=5, unique=True),
    st.sampled_from([None, True, False]),
    st.booleans(),
    st.booleans(),
)
def test_a_list_that_a_library_wrote_is_read_alike_or_refused(
    names: list[str], flow: bool | None, mapping: bool, escaped: bool
) -> None:
    yaml = pytest.importorskip("yaml")
    content = {"names": dict(enumerate(names)) if mapping else names, "nc": 3}
    text = yaml.safe_dump(
        content, default_flow_style=flow, allow_unicode=not escaped, width=10**6
    )
    if flow is True:
        text = text[1:]
    try:
        read = names_in_yaml(text, "data.yaml")
    except DatasetError:
        return
    assert read == names


def test_an_empty_line_among_the_classes_is_refused() -> None:
    with pytest.raises(DatasetError, match="empty line"):
        names_in_lines("a\n\nb\n", "classes.txt")
