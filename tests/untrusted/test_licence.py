"""Licences are recognised by their names, and not inside of other words."""

from __future__ import annotations

import pytest

from inference_worker.untrusted.licence import Kind, kind_of, licence_entries


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("AGPL-3.0", Kind.AGPL),
        ("AGPL-3.0-or-later", Kind.AGPL),
        ("AGPL-3.0 License (https://ultralytics.com/license)", Kind.AGPL),
        ("agplv3+", Kind.AGPL),
        ("AGPL 3", Kind.AGPL),
        ("GNU AGPL", Kind.AGPL),
        ("https://www.gnu.org/licenses/agpl-3.0.html", Kind.AGPL),
        ("GNU Affero General Public License v3", Kind.AGPL),
        ("gnu affero\ngeneral public license", Kind.AGPL),
        ("GPL-2.0-only AND AGPL-3.0", Kind.AGPL),
        ("GPLv3", Kind.GPL),
        ("GPL-2.0-only", Kind.GPL),
        ("GNU General Public License", Kind.GPL),
        ("gpl_v3", Kind.GPL),
        ("LGPL-2.1 or GPL-2.0", Kind.GPL),
        ("LGPLv2.1+", Kind.LGPL),
        ("GNU Lesser General Public License", Kind.LGPL),
        ("GNU  Lesser  General  Public License", Kind.LGPL),
        ("CC BY-NC-SA 4.0", Kind.NON_COMMERCIAL),
        ("for non-commercial use", Kind.NON_COMMERCIAL),
        ("research use only", Kind.NON_COMMERCIAL),
        ("MIT", None),
        ("Apache-2.0", None),
        ("CC BY 4.0", None),
        ("MAGPLANT", None),
        ("agplan", None),
        ("Magpl", None),
        ("gplus", None),
        ("SGPL", None),
        ("legpless", None),
        ("Staffero", None),
        ("", None),
    ],
)
def test_the_strictest_licence_of_a_text(text: str, kind: Kind | None) -> None:
    assert kind_of(text) is kind


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("license", "x"),
        ("LICENCE", "x"),
        ("model_license", "x"),
        ("license_url", "https://a.b"),
        ("copyright", "2025"),
        ("legal", "x"),
        ("note", "Copyright Somebody"),
        ("note", "(c) 2024 Somebody"),
        ("note", "SPDX: MIT"),
        ("note", "All rights reserved."),
        ("note", "Apache 2"),
        ("note", "AGPLv3"),
        ("doc_string", "licensed under MIT"),
        ("许可证", "x"),
        ("note", "版权所有"),
    ],
)
def test_what_speaks_of_a_licence(key: str, text: str) -> None:
    assert licence_entries({key: text, "stride": "32"}) == {key: text}


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("license", " "),
        ("names", "{0: 'license'}"),
        ("description", "License plate detector"),
        ("license_plate_size", "9"),
        ("task", "detect"),
        ("note", "silicon"),
        ("note", "summit"),
    ],
)
def test_what_does_not(key: str, text: str) -> None:
    assert licence_entries({key: text}) == {}


def test_the_most_telling_comes_first() -> None:
    told = {"license_url": "u", "note": "MIT licence", "copyright": "c", "license": "l"}
    assert [*licence_entries(told)] == ["license", "copyright", "license_url", "note"]


def test_long_texts_take_no_time() -> None:
    for part in ("general ", "agpl - ", "gpl1.", "research ", "license "):
        kind_of(part * (2**16 // len(part)))
        licence_entries({"note": part * (2**16 // len(part))})
