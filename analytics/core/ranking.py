"""Weighed candidates as ranked causes and credible sets."""

from __future__ import annotations

from analytics.core.candidates import Candidate, Group, credible_groups
from analytics.core.exhibit_readings import limits_of
from analytics.core.exhibits import exhibit_for
from analytics.core.finemap import Fit
from analytics.core.population import Outcome, timestamp
from analytics.core.results import Cause, CredibleSet
from analytics.core.separation import comparison
from analytics.core.statements import named
from analytics.core.study import Study
from analytics.core.weighing import Weighed


def ranked(
    study: Study,
    outcome: Outcome,
    found: Fit,
    candidates: list[Candidate],
    weighed: list[Weighed],
) -> tuple[tuple[Cause, ...], tuple[Cause, ...], tuple[CredibleSet, ...]]:
    """Causes, chronic causes, and sets, whose members are ranks of the causes.

    What cannot be told apart stays in one list: that of its likeliest member.
    """
    groups = credible_groups(found, candidates, [w.candidate for w in weighed])
    chronic = [w.chronic for w in weighed]
    for group in reversed(groups):
        for place in group.members:
            chronic[place] = weighed[group.members[0]].chronic
    ranks = [chronic[:place].count(own) + 1 for place, own in enumerate(chronic)]
    causes = [
        _cause(study, outcome, own, rank, _set_of(groups, place))
        for place, (own, rank) in enumerate(zip(weighed, ranks, strict=True))
    ]
    sets = tuple(
        CredibleSet(
            id=number,
            coverage=group.coverage,
            members=tuple(sorted(ranks[i] for i in group.members if not chronic[i])),
            separate_by=comparison(
                [(weighed[i].candidate, weighed[i].strength) for i in group.members]
            ),
        )
        for number, group in enumerate(groups, start=1)
    )
    rising = tuple(c for c, old in zip(causes, chronic, strict=True) if not old)
    return rising, tuple(c for c, old in zip(causes, chronic, strict=True) if old), sets


def _set_of(groups: list[Group], place: int) -> int | None:
    found = [n for n, group in enumerate(groups, start=1) if place in group.members]
    return found[0] if found else None


def _cause(
    study: Study, outcome: Outcome, weighed: Weighed, rank: int, group: int | None
) -> Cause:
    claim, strength, onset = weighed.claim, weighed.strength, weighed.onset
    words = named(claim, lambda *place: limits_of(study, *place)[0])
    began = timestamp(onset.at) if onset else None
    return Cause(
        rank=rank,
        kind=claim.kind,
        operation=claim.operation,
        factor=words.factor,
        level=words.level,
        statement=words.statement,
        confidence=weighed.candidate.confidence,
        credible_set=group,
        relative_risk=strength.risk,
        relative_risk_interval=strength.risk_interval,
        exposed_units=strength.exposed_units,
        exposed_rate=strength.exposed_rate,
        other_rate=strength.other_rate,
        attributable_defects=strength.attributable,
        attributable_interval=strength.attributable_interval,
        onset=began,
        onset_interval=(timestamp(onset.low), timestamp(onset.high)) if onset else None,
        evidence=exhibit_for(study, outcome, claim, weighed.exposed, began),
    )
