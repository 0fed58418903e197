"""The door of the analysis: a bundle in, ranked causes out."""

from __future__ import annotations

import pandas as pd

from analytics.core.fingerprint import bundle_sha256
from analytics.core.frames import Bundle
from analytics.core.results import Analysis, Options

HELD_COLUMNS = ("unit", "risk", "low", "high", "defect_class")


def analyse(bundle: Bundle, options: Options | None = None) -> Analysis:
    """Rank the causes of every defect class of the bundle.

    Pure and deterministic: the same rows in any order, with the same options,
    give the same answer.
    """
    options = options or Options()
    return Analysis(
        seed=options.seed,
        units=len(bundle.units),
        hypotheses=0,
        input_sha256=bundle_sha256(bundle),
        problems=(),
        notes=(),
        held=pd.DataFrame({name: [] for name in HELD_COLUMNS}),
    )
