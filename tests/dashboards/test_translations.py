"""Chinese is complete, and what is compiled is what is written."""

from __future__ import annotations

import gettext
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import translation

from tests.services import program

FOLDER = Path(settings.LOCALE_PATHS[0]) / "zh_Hans" / "LC_MESSAGES"
IGNORED = ["var", ".venv", "tests", "benchmarks", "static"]


def blocks(text):
    return [part for part in text.split("\n\n")[1:] if "msgid" in part]


def keys(text):
    """What is to be translated, without where it was found."""
    return {
        "\n".join(
            line
            for line in block.splitlines()
            if not line.startswith("#") and not line.startswith("msgstr")
        )
        for block in blocks(text)
        if not block.startswith("#~")
    }


def test_nothing_is_missing_or_unsure():
    text = (FOLDER / "django.po").read_text(encoding="utf-8")
    unsure = [block for block in blocks(text) if ", fuzzy" in block]
    blank = [b for b in blocks(text) if re.search(r'msgstr(\[0\])? ""$', b)]
    assert not unsure
    assert not blank


def test_every_string_of_the_code_is_in_the_catalogue(tmp_path):
    program("xgettext")
    text = (FOLDER / "django.po").read_text(encoding="utf-8")
    assert not keys(_found_now(tmp_path)) - keys(text)


def _found_now(tmp_path):
    """What `makemessages` would write, in a copy of the tree."""
    for name in ("traceability", "templates"):
        shutil.copytree(
            settings.BASE_DIR / name,
            tmp_path / name,
            ignore=shutil.ignore_patterns("*.mo", "__pycache__"),
        )
    (
        tmp_path / "traceability" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
    ).unlink()
    locale = str(tmp_path / "traceability" / "locale")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        patch.setattr(settings, "LOCALE_PATHS", [locale])
        call_command("makemessages", locale=["zh_Hans"], no_wrap=True, verbosity=0)
    written = tmp_path / "traceability" / "locale" / "zh_Hans" / "LC_MESSAGES"
    return (written / "django.po").read_text(encoding="utf-8")


def test_the_compiled_catalogue_is_the_written_one(tmp_path):
    program("msgfmt")
    fresh = tmp_path / "fresh.mo"
    subprocess.run(["msgfmt", "-o", fresh, FOLDER / "django.po"], check=True)
    with fresh.open("rb") as new, (FOLDER / "django.mo").open("rb") as old:
        assert (
            gettext.GNUTranslations(new)._catalog
            == gettext.GNUTranslations(old)._catalog
        )


@pytest.mark.parametrize(
    "name", ["overview", "problems", "inspections", "alerts", "jobs"]
)
def test_pages_come_in_the_readers_language(name, plant, engineer):
    from django.urls import reverse

    from traceability.accounts.models import User

    User.objects.update(language="zh-hans")
    page = engineer.get(reverse(name)).content.decode()
    assert '<html lang="zh-Hans">' in page
    assert "总览" in page
    with translation.override("en"):
        assert "Overview" not in page
