"""Where on the product a cluster of defects lies, in words."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

NAMED_BY_PLACE = re.compile(r"x(\d\.\d+)-y(\d\.\d+)(?:#(\d+))?$")
BACKGROUND = "background"
MIDDLE = (0.4, 0.6)
"""Between these parts of the image lies the middle."""

PLACES = {
    (0, 0): gettext_lazy("at the upper left"),
    (1, 0): gettext_lazy("at the upper edge"),
    (2, 0): gettext_lazy("at the upper right"),
    (0, 1): gettext_lazy("on the left"),
    (1, 1): gettext_lazy("in the middle"),
    (2, 1): gettext_lazy("on the right"),
    (0, 2): gettext_lazy("at the lower left"),
    (1, 2): gettext_lazy("at the lower edge"),
    (2, 2): gettext_lazy("at the lower right"),
}


def cluster_label(cluster: str) -> str:
    """A cluster's name as a phrase: "at the lower left (30 %, 60 %)"; "" for "all".

    Names are those of `analytics.core.clustering`; any other names itself.
    """
    if cluster == "all":
        return ""
    if cluster == BACKGROUND:
        return _("everywhere else")
    named = NAMED_BY_PLACE.match(cluster)
    if named is None:
        return _("group {cluster}").format(cluster=cluster)
    x, y = float(named[1]), float(named[2])
    text = _("{place} ({x} %, {y} %)").format(
        place=PLACES[_third(x), _third(y)], x=f"{100 * x:.0f}", y=f"{100 * y:.0f}"
    )
    return f"{text} #{named[3]}" if named[3] else text


def same_place(cluster: str, other: str) -> bool:
    """The same name, or centres no further apart than rounding may move them."""
    one, two = NAMED_BY_PLACE.match(cluster), NAMED_BY_PLACE.match(other)
    if one is None or two is None:
        return cluster == other
    away = [abs(float(one[i]) - float(two[i])) for i in (1, 2)]
    return one[3] == two[3] and max(away) < NEXT_NAME


NEXT_NAME = 0.06
"""Names are multiples of 0.05: one step is still the same place."""


def _third(part: float) -> int:
    low, high = MIDDLE
    return 0 if part < low else 2 if part > high else 1
