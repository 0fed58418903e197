"""Stop partway between a live model and what it became, where the old is kept.

Weights on the straight line between a model and its fine-tuned self often keep what
either can do (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022).
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping

from torch import Tensor

from inference_worker.training.network import QualityNet
from inference_worker.training.weights import SCORED

log = logging.getLogger(__name__)

SHARES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)

Measure = Callable[[QualityNet], float]
Weights = Mapping[str, Tensor]


def kept_partway(
    begin: Weights,
    network: QualityNet,
    old_classes: int,
    most_drop: float,
    new: Measure,
    golden: Measure,
) -> tuple[QualityNet, float]:
    """The network at the share of the way that is best on what is new, of those that
    fall by `most_drop` at most on the golden set; if none, where it falls least. Gives
    the share too.

    `new` and `golden` measure a network, more is better. `begin` are the weights that
    training began with; the first `old_classes` rows of their last layer are known.
    """
    at = {share: _between(begin, network, old_classes, share) for share in SHARES}
    before = golden(_between(begin, network, old_classes, 0.0))
    drops = {share: before - golden(one) for share, one in at.items()}
    kept = [share for share in SHARES if drops[share] <= most_drop]
    found = {share: new(at[share]) for share in kept}
    for share in SHARES:
        learnt = f", new images {found[share]:.4f}" if share in found else ""
        log.info(
            "%.0f %% of the way: golden set %+.4f%s",
            100 * share,
            -drops[share],
            learnt,
        )
    if kept:
        share = max(kept, key=lambda one: (found[one], one))
    else:
        share = min(SHARES, key=lambda one: drops[one])
    return at[share], share


def _between(
    begin: Weights, network: QualityNet, old_classes: int, share: float
) -> QualityNet:
    """Rows of new classes stay as learnt: at the beginning they were chance."""
    between = copy.deepcopy(network)
    for name, learnt in between.state_dict().items():
        if not learnt.dtype.is_floating_point:
            continue
        rows = slice(old_classes) if f".{SCORED}." in name else slice(None)
        learnt[rows].lerp_(begin[name][rows], 1.0 - share)
    return between
