"""Sites that were there before a kind of rule get one of it."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

from tests.alerts.scene import Scene
from traceability.alerts.models import AlertKind, AlertRule
from traceability.catalog.models import Site

pytestmark = pytest.mark.django_db
MIGRATION = "traceability.alerts.migrations.0002_parameter_limit"


def test_a_site_with_rules_gets_one_for_parameters_once(scene: Scene) -> None:
    bare = Site.objects.create(code="S2", name="No rules")
    AlertRule.objects.filter(kind=AlertKind.PARAMETER_LIMIT).delete()
    for _again in range(2):
        import_module(MIGRATION).add_rules(apps, None)
    rule = AlertRule.objects.get(kind=AlertKind.PARAMETER_LIMIT)
    assert (rule.site, rule.line, rule.enabled) == (scene.site, None, True)
    assert not AlertRule.objects.filter(site=bare).exists()
