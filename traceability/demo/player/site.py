"""What installing Causeline at the demo factory would leave: site, people, keys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from traceability.accounts.models import Membership, Responsibility, Role, Scope, User
from traceability.accounts.services import create_api_key
from traceability.alerts.services import create_default_rules
from traceability.catalog.models import DefectClass, Line, Site
from traceability.demo.factory import DEFECT_NAMES, PLANTED_LINE, SITE, TIME_ZONE
from traceability.demo.player.state import stored_password

PEOPLE = {
    "admin": Role.ADMIN,
    "manager": Role.QUALITY_MANAGER,
    "engineer": Role.ENGINEER,
}
ON_CALL = "engineer"


@dataclass(frozen=True)
class Keys:
    """The API keys of the two machines that talk to the demo."""

    mes: str
    camera: str


@transaction.atomic
def install(folder: Path) -> Site:
    """The demo's site with its rules, defect names and users; harmless to repeat."""
    site, created = Site.objects.get_or_create(
        code=SITE, defaults={"name": "Demo factory", "time_zone": TIME_ZONE}
    )
    if created:
        create_default_rules(site)
    for code, (english, chinese) in DEFECT_NAMES.items():
        names = {"name_en": english, "name_zh": chinese}
        DefectClass.objects.get_or_create(code=code, defaults=names)
    for name, role in PEOPLE.items():
        _employ(site, name, role, stored_password(folder, name))
    return site


def _employ(site: Site, name: str, role: Role, password: str) -> None:
    boss = role == Role.ADMIN
    user, created = User.objects.get_or_create(
        username=name,
        defaults={
            "email": f"{name}@demo.example",
            "is_staff": boss,
            "is_superuser": boss,
        },
    )
    if created:
        user.set_password(password)
        user.save()
    Membership.objects.get_or_create(user=user, site=site, defaults={"role": role})


def new_keys(site: Site) -> Keys:
    """A pair of keys for this run; those of earlier runs are never shown again."""
    _, mes = create_api_key(site, "MES of the demo", [Scope.INGEST, Scope.READ])
    _, camera = create_api_key(site, "Cameras of the demo", [Scope.UPLOAD])
    return Keys(mes, camera)


def put_on_call() -> None:
    """The engineer answers for the first line, once the MES has told of it."""
    line = Line.objects.get(site__code=SITE, code=PLANTED_LINE)
    user = User.objects.get(username=ON_CALL)
    Responsibility.objects.get_or_create(user=user, line=line)
