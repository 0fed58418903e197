"""Times that can be meant: arithmetic on year 1 or 9999 leaves the calendar."""

from __future__ import annotations

from datetime import date

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

YEARS = range(1900, 2200)


def check_plausible(moment: date) -> None:
    """A validator for dates and times. Raises `ValidationError` outside `YEARS`."""
    if moment.year not in YEARS:
        raise ValidationError(
            _("%(year)d cannot be meant; years are %(first)d to %(last)d.")
            % {"year": moment.year, "first": YEARS[0], "last": YEARS[-1]}
        )
